"""What hangs on a node of a chain: computed by hand, with loops, on the city's chain, and at the scale of real edges."""

import os
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from data.files.chain_files import read_chain
from data.taxonomy.industry_chain import Chain, ChainLink, ChainNode
from knowledge_graph.queries.dependence import dependence

SHARED = Path(os.environ.get("GONGXU_SHARED_DATA", "../shared/data")) / "kinds" / "chain"


def chain(nodes: str, *links: tuple[str, str, float], parents: dict[str, str] | None = None) -> Chain:
    made = tuple(ChainNode(one, one, (parents or {}).get(one, "")) for one in nodes)
    return Chain("c", "c", made, tuple(ChainLink(*one) for one in links))


def test_a_line_by_hand():
    """Steel feeds machines, machines feed cars: x(machines) = 1/2 · 1, x(steel) = 1/2 · (1 + 1/2)."""
    found = dependence(chain("smc", ("c", "m", 7), ("m", "s", 2)))
    assert found.downstream.tolist() == pytest.approx([0.75, 0.5, 0])
    assert found.relative.tolist() == pytest.approx([1.75 / (4.25 / 3), 1.5 / (4.25 / 3), 1 / (4.25 / 3)])


def test_a_loop_by_hand():
    """a needs b; b needs a by 3/4 and c by 1/4: x_a = 3/8 (1 + x_b), x_b = 1/2 (1 + x_a), x_c = 1/8 (1 + x_b)."""
    found = dependence(chain("abc", ("a", "b", 1), ("b", "a", 3), ("b", "c", 1)))
    assert found.downstream.tolist() == pytest.approx([9 / 13, 11 / 13, 3 / 13])
    assert found.downstream.sum() <= found.own.sum()  # d / (1 - d) = 1


def test_a_whole_is_the_sum_of_its_parts_and_hands_its_links_down():
    """P = {p, q} needs u: each of its leaves does; what needs P is divided among them."""
    found = dependence(chain("Ppquv", ("P", "u", 1), ("v", "P", 1), parents={"p": "P", "q": "P"}))
    by = dict(zip("Ppquv", found.downstream, strict=True))
    assert (by["p"], by["q"], by["P"]) == pytest.approx((0.25, 0.25, 0.5))
    assert by["u"] == pytest.approx(0.5 * (1 + 0.25) * 2)
    assert found.own.tolist() == [2, 1, 1, 1, 1]
    assert found.leaves.tolist() == [2, 1, 1, 1, 1]


def test_a_chain_without_links_or_weights_is_even():
    assert dependence(chain("abc")).relative.tolist() == [1, 1, 1]
    nothing = Chain("c", "c", (ChainNode("a", "a", weight=0.0), ChainNode("b", "b", weight=0.0)))
    assert dependence(nothing).relative.tolist() == [1, 1]


@pytest.mark.skipif(not SHARED.is_dir(), reason="GONGXU_SHARED_DATA has no kinds/chain")
def test_the_citys_chain_adds_up():
    """Leaves sum to 1,025,192 firms: the city's total of 1,122,465 also holds what two nodes do not pass on to those below."""
    read = read_chain([SHARED / "digital_economy_chain_tianjin.csv"], "digital", "数字经济")
    places, nodes = read.chain.places, read.chain.nodes
    found = dependence(read.chain)
    not_divided = [("97", 1_794), ("81", 303_508 - 208_029)]
    assert nodes[places["97"]].weight == 1_794
    assert found.own[places["81"]] == 208_029
    assert found.own[places["63"]] + sum(number for _, number in not_divided) == nodes[places["63"]].weight == 1_122_465
    for code in ("92", "64", "103"):
        assert found.own[places[code]] == sum(found.own[one] for one in read.chain.children[places[code]])
    assert not found.downstream.any()  # the file says nothing of who needs whom
    assert [note for note in read.notes if "数字技术服务" in note]


@pytest.mark.skipif(not SHARED.is_dir(), reason="GONGXU_SHARED_DATA has no kinds/chain")
def test_real_edges_with_loops_agree_with_a_dense_solution_and_take_milliseconds():
    names = ("sw_industry_upstream", "sw_industries", "sw_industry_parents")
    made = read_chain([SHARED / f"{name}.csv" for name in names], "sw", "申万").chain
    assert (len(made.nodes), len(made.links)) == (511, 5_171)
    start = process_time()
    found = dependence(made)
    assert process_time() - start < 2
    leaf = np.array([not below for below in made.children])
    passed = 0.5 * found.shares.toarray().T
    expected = np.linalg.solve(np.eye(len(passed)) - passed, passed @ leaf)
    assert found.downstream[leaf] == pytest.approx(expected[leaf], abs=1e-9)
    linked = np.asarray(found.shares.sum(axis=1)).ravel()
    assert set(linked.round(12).tolist()) == {0.0, 1.0}
    reached = np.linalg.matrix_power((passed > 0).astype(float) + np.eye(len(passed)), 16).astype(bool)
    assert (reached & reached.T & (passed.T > 0)).any()  # the edges do form loops
