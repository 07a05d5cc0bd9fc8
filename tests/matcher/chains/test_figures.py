"""Shortage and causes of a node, computed by hand."""

from datetime import date
from math import log2, nan

import pytest

from data.taxonomy.industry_chain import Chain, ChainLink, ChainNode
from knowledge_graph.queries.dependence import dependence
from matcher.chains.figures import Cause, OnNode, by_supplier, chain_figures
from matcher.chains.placing import Basis

TODAY = date(2026, 1, 1)
DAYS = (TODAY - date(1970, 1, 1)).days
CHAIN = Chain(
    "c",
    "电池",
    (ChainNode("1", "电池"), ChainNode("2", "隔膜", "1"), ChainNode("3", "电芯", "1"), ChainNode("4", "整车")),
    (ChainLink("4", "3", 1), ChainLink("3", "2", 1)),
)
DOWN = {"2": 0.75, "3": 0.5, "4": 0.0}  # 1/2 · (1 + 1/2), 1/2 · 1, nothing


def on(node, row, owner="", years=nan, part=1):
    return OnNode(CHAIN.places[node], part, row, owner, DAYS - years * 365.25, Basis.INDUSTRY, nan)


def figures(demands, supplies):
    return chain_figures(CHAIN, dependence(CHAIN), demands, supplies, TODAY)


def test_shortage_by_hand():
    """Two demands on 隔膜; one firm with supplies of 0 and 10 years, another with one of 5: E = 1 + 1/2."""
    demands = [on("2", 0, part=0), on("2", 1, part=0)]
    supplies = [on("2", 0, "甲有限公司", 10), on("2", 1, "甲", 0), on("2", 2, "乙", 5)]
    found = figures(demands, supplies)
    one = found.figures[CHAIN.places["2"]]
    relative = (1 + DOWN["2"]) / ((3 + sum(DOWN.values())) / 3)
    assert (one.demands, one.supplies, one.owners, one.newest) == (2, 3, 2, TODAY)
    assert one.suppliers == pytest.approx(1.5)
    assert one.shortage == pytest.approx(2 * log2(2 + relative) / 2.5)
    assert one.causes == ()
    assert [record.row for record in found.supplies[CHAIN.places["2"]]] == [1, 2, 0]  # the newest first


@pytest.mark.parametrize(
    ("supplies", "causes"),
    [
        ([], (Cause.NONE,)),
        ([("甲", 1), ("乙", 1)], (Cause.FEW,)),
        ([("甲", 1)], (Cause.FEW, Cause.SINGLE_OWNER)),
        ([("甲", 6), ("甲", 7), ("甲股份有限公司", 8)], (Cause.OLD, Cause.SINGLE_OWNER)),
        ([("甲", 6), ("乙", 7), ("丙", 4.9)], ()),
        ([("", nan), ("", nan), ("", nan)], ()),  # nothing is known of owners and ages: no cause is claimed
        ([("甲", nan), ("乙", 6), ("丙", 6)], (Cause.OLD,)),
    ],
)
def test_causes(supplies, causes):
    found = figures([on("2", 0, part=0)], [on("2", row, *one) for row, one in enumerate(supplies)])
    assert found.figures[CHAIN.places["2"]].causes == causes
    assert found.bottlenecks == ([CHAIN.places["2"]] if causes else [])


def test_more_demands_than_supplies_are_few():
    demands = [on("2", row, part=0) for row in range(4)]
    supplies = [on("2", row, name, 0) for row, name in enumerate("甲乙丙")]
    assert figures(demands, supplies).figures[CHAIN.places["2"]].causes == (Cause.FEW,)
    assert figures(demands[:3], supplies).figures[CHAIN.places["2"]].causes == ()


def test_a_whole_is_supplied_by_its_parts_and_a_record_on_two_of_them_counts_once():
    supplies = [on("2", 0, "甲", 0), on("3", 0, "甲", 0), on("3", 1, "乙", 0)]
    found = figures([on("1", 0, part=0), on("2", 1, part=0)], supplies)
    whole, part = (found.figures[CHAIN.places[one]] for one in "12")
    assert (whole.demands, whole.demands_below, whole.supplies, whole.owners) == (1, 2, 2, 2)
    assert (part.demands, part.demands_below, part.supplies, part.owners) == (1, 1, 1, 1)


def test_without_demand_there_is_no_bottleneck():
    found = figures([], [on("2", 0, "甲", 20)])
    assert found.bottlenecks == []
    assert {one.shortage for one in found.figures} == {0.0}


def test_suppliers_without_a_name_are_each_one_of_their_own():
    assert by_supplier([on("2", 0), on("2", 1)], TODAY) == {"\0(1, 0)": 0.5, "\0(1, 1)": 0.5}
