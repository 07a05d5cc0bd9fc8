"""The same parameter under two names is one; different ones stay apart."""

import pytest

from eval.reading.parameter_pairs import hand_made_pairs, link_quality, simulator_pairs
from knowledge_graph.quantities import extract
from knowledge_graph.quantities.linking import LINKED, Linker
from knowledge_graph.quantities.names import better_of


@pytest.fixture(scope="module")
def linker():
    return Linker()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("含水率", "水分含量"),
        ("含水率", "湿度"),
        ("钢板抗拉强度", "拉伸强度"),
        ("Fe含量", "铁含量"),
        ("工作噪声", "噪音"),
    ],
)
def test_two_names_of_one_parameter(linker, one, other):
    assert linker.names(one, other) >= LINKED
    assert linker.names(other, one) == linker.names(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("含水率", "相对湿度"),
        ("抗拉强度", "抗压强度"),
        ("炉内温度", "出口温度"),
        ("输入电压", "输出电压"),
        ("温度", "炉内温度"),
        ("", ""),
    ],
)
def test_different_parameters(linker, one, other):
    assert linker.names(one, other) < LINKED


def test_dimensions_must_agree(linker):
    moisture, energy = extract("含水率≤12%", "demand")[0], extract("含水率为12kg/kg·h", "supply")[0]
    assert linker(moisture, energy) == 0.0


def test_directions_are_known():
    assert [better_of(name) for name in ("物料含水率", "抗拉强度", "工作温度", "没人听过的量", None)] == [
        -1,
        1,
        0,
        0,
        0,
    ]


def test_precision_comes_before_recall(linker):
    pairs = hand_made_pairs()
    assert len(pairs) >= 200
    measured = link_quality([pair for pair in pairs if pair.held_out], linker)
    assert measured["precision"] == 1.0
    assert measured["recall"] >= 0.88
    simulated = link_quality(simulator_pairs(), linker)
    assert simulated["precision"] >= 0.99
    assert simulated["recall"] >= 0.25


def test_vectors_link_names_that_nobody_listed():
    import numpy as np

    def encode(texts):
        return np.array([[1.0, 0.0] if "白" in text else [0.0, 1.0] for text in texts], dtype=np.float32)

    assert Linker(encode).names("纸张白净指数", "成纸洁白指数") >= LINKED
    assert Linker(encode).names("纸张白净指数", "成纸透气指数") < LINKED
    assert Linker(encode).names("纸张白净指数", "成纸洁白面积") < LINKED  # another head


def test_the_graph_knows_further_synonyms():
    other = {"甲度": ["乙度"], "乙度": ["甲度"]}
    assert Linker(synonyms=lambda term: other.get(term, [])).names("甲度", "乙度") == 1.0
