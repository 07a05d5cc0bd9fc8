"""What texts state of terms: names, glosses, shared definitions; and what they do not."""

import numpy as np
import pytest

from knowledge_graph.reading.paths import relation_evidence
from knowledge_graph.relations.definitions import Statements, stated_synonyms
from knowledge_graph.relations.matrix import compile_relations, term_graph
from knowledge_graph.schema import Relation
from knowledge_graph.taxonomy.chains import load_chains
from knowledge_graph.terms.vocabulary import Vocabulary


def stated(texts, *terms):
    """Return the edges that texts state between the terms, by (source, target, relation)."""
    words = Vocabulary.of(terms, np.ones(len(terms), dtype=int), np.zeros(len(terms), dtype=int), len(terms))
    statements = Statements()
    for text in texts:
        statements.read(text, words)
    return {(terms[e.source], terms[e.target], e.relation): e for e in stated_synonyms(statements, words)}


def named(texts, *terms):
    return {(one, other) for one, other, relation in stated(texts, *terms) if relation is Relation.SYNONYM}


def alike(texts, *terms):
    return {(one, other) for one, other, relation in stated(texts, *terms) if relation is Relation.DEFINED_ALIKE}


def test_a_name_in_brackets_is_the_surer_the_more_texts_give_it():
    texts = ["采用磷酸铁锂(LFP)材料", "磷酸铁锂(LFP)电池", "挥发性有机物(简称VOCs)治理", "某公司(郑州)"]
    edges = stated(texts, "磷酸铁锂", "lfp", "挥发性有机物", "vocs", "郑州", "公司")
    assert edges["磷酸铁锂", "lfp", Relation.SYNONYM].support == 2
    once, twice = (
        edges[pair][3] for pair in [("挥发性有机物", "vocs", Relation.SYNONYM), ("lfp", "磷酸铁锂", Relation.SYNONYM)]
    )
    assert 0.6 < once < twice < 1
    assert not any("郑州" in pair for pair in edges)


@pytest.mark.parametrize(
    "text",
    [
        "内毒素又称脂多糖,是细胞壁的成分。",
        "内毒素,也称为脂多糖。",
        "内毒素(Endotoxin)俗称脂多糖",
        "该内毒素以下简称“脂多糖”",
        "内毒素(以下简称脂多糖)",
        "内毒素又名热原质、脂多糖等",
    ],
)
def test_names_without_brackets(text):
    assert named([text], "内毒素", "脂多糖") == {("内毒素", "脂多糖"), ("脂多糖", "内毒素")}


def test_an_abbreviation_behind_its_english_words():
    assert ("挥发性有机物", "voc") in named(["挥发性有机物(Volatile Organic Compounds, VOC)"], "挥发性有机物", "voc")


@pytest.mark.parametrize(
    ("text", "term", "name"),
    [
        ("采用生态环境质量指数(EI)评价", "指数", "ei"),  # the name of more than the term
        ("设处理组玉米秸秆(T1)", "玉米秸秆", "t1"),  # a label
        ("施用量120 kg(N)", "kg", "n"),
        ("锂电池俗称电池", "锂电池", "电池"),  # its head
        ("内毒素因此又称重脂多糖水平", "内毒素", "脂多糖"),  # no name ends there
    ],
)
def test_what_is_no_name(text, term, name):
    assert named([text], term, name) == set()


def test_an_ambiguous_abbreviation_names_what_it_mostly_means():
    texts = ["一氧化氮(NO)"] * 3 + ["噪声(NO)"]
    assert named(texts, "一氧化氮", "噪声", "no") == {("一氧化氮", "no"), ("no", "一氧化氮")}


@pytest.mark.parametrize(
    ("texts", "one", "other"),
    [
        (
            ["采用软件定义网络(software defined networks)", "软件定义组网(Software Defined Network,SDN)"],
            "软件定义网络",
            "软件定义组网",
        ),
        (
            ["污泥干化是指利用热能蒸发污泥中水分的处理过程。", "泥饼烘干定义为利用热能蒸发污泥中水分的一种处理过程。"],
            "污泥干化",
            "泥饼烘干",
        ),
        (["归一化植被指数(NDVI)", "归一化差值植被指数(NDVI)"], "归一化植被指数", "归一化差值植被指数"),
    ],
)
def test_terms_of_the_same_definition_are_defined_alike(texts, one, other):
    found = alike(texts, one, other, "ndvi")
    assert {(one, other), (other, one)} <= found


@pytest.mark.parametrize(
    ("texts", "one", "other"),
    [
        (["透明质酸(HA)", "羟基磷灰石(HA)"], "透明质酸", "羟基磷灰石"),  # one abbreviation, two things
        (["正极材料(electrode material)", "负极材料(electrode material)"], "正极材料", "负极材料"),
        (["不施氮肥(nitrogen treatment)", "施氮肥(nitrogen treatment)"], "不施氮肥", "施氮肥"),
        (["膜污染是一种常见现象。", "应力腐蚀是一种常见现象。"], "膜污染", "应力腐蚀"),  # says too little
    ],
)
def test_what_is_not_defined_alike(texts, one, other):
    assert alike(texts, one, other, "ha") == set()


def test_a_phrase_that_fits_many_terms_defines_none():
    terms = ["污泥干化", "泥饼烘干", "油泥焚烧", "沼渣堆肥"]
    texts = [f"{term}是指利用热能蒸发污泥中水分的处理过程。" for term in terms]
    assert alike(texts, *terms) == set()
    assert alike(texts[:3], *terms[:3]) != set()


def test_evidence_and_strength_of_a_shared_definition():
    edges = stated(
        ["软件定义网络(software defined network)", "软件定义组网(software defined network)"],
        "软件定义网络",
        "软件定义组网",
    )
    edge = edges["软件定义网络", "软件定义组网", Relation.DEFINED_ALIKE]
    assert (edge.support, edge.measure) == (2, 1.0)
    matrix = compile_relations(term_graph(["软件定义网络", "软件定义组网"], edges.values()))
    assert matrix.relations.tolist() == [Relation.DEFINED_ALIKE] * 2
    assert 0.5 < matrix.strengths[0] < 0.9
    said = relation_evidence(edge.relation, "软件定义网络", "软件定义组网", edge.support, edge.measure, load_chains())
    assert "2处文本" in said
    assert "软件定义组网" in said
