"""Fitting the term extractor on marked texts whose rule is known: the term follows 基于 and ends in 算法."""

import json
import re

import pytest

from data.errors import InputError
from eval.reading.term_evaluation import MarkedText
from eval.reading.term_training import fit_term_weights, held_out_figures, write_weights
from knowledge_graph.terms.keyphrases import KeyphraseExtractor, TermWeights, shipped_weights
from knowledge_graph.terms.tagging import tag

NAMES = ("遗传", "聚类", "退火", "蚁群", "粒子群", "路由", "加密", "排序", "搜索", "调度", "检测", "推荐")
OBJECTS = ("车辆", "图像", "电网", "桥梁", "土壤")


def marked(count=40):
    texts = []
    for number in range(count):
        term = f"{NAMES[number % len(NAMES)]}算法"
        thing = OBJECTS[number % len(OBJECTS)]
        texts.append(MarkedText(f"研究了{thing}的问题。基于{term}的{thing}研究取得进展,结果较好。", frozenset({term})))
    return texts


@pytest.fixture(scope="module")
def fitted():
    return fit_term_weights(marked())


def test_the_rule_is_learned_and_held_on_texts_that_were_not_learned_from(fitted):
    figures = held_out_figures(marked(), fitted)
    assert figures["exact_f1"] > 0.9
    text = "基于量子算法的光谱研究取得进展。"
    found = [term.term for term in KeyphraseExtractor(fitted).fit([text]).extract(text)]
    assert found[0] == "量子算法"  # a word of no marked text
    assert "光谱" not in found


def test_marks_of_the_odd_texts_are_never_seen(fitted):
    texts = marked()
    other = [text if place % 2 == 0 else MarkedText(text.text, frozenset({"研究"})) for place, text in enumerate(texts)]
    assert fit_term_weights(other) == fitted
    assert held_out_figures(other, fitted)["exact_f1"] < 0.5


def test_the_file_reads_like_the_one_that_ships(fitted, tmp_path):
    path = tmp_path / "weights.json"
    write_weights(fitted, path)
    assert TermWeights(**json.loads(path.read_text(encoding="utf-8"))) == fitted
    assert {"bias", "cohesion", "last=n"} <= shipped_weights().weights.keys()
    assert 0 < shipped_weights().threshold < 1


def test_shipped_weights_speak_of_evidence_that_exists():
    """A renamed piece of evidence would silently lose its weight."""
    text = "提出一种基于改进遗传算法的车辆路径优化方法,精度高。实验表明,收敛速度、鲁棒性与GPS定位均有提高。"
    kinds = {
        re.sub(r"=.*", "=", name)
        for evidence in KeyphraseExtractor().fit([text]).evidence(tag(text)).values()
        for name in evidence
    }
    known = {re.sub(r"=.*", "=", name) for name in shipped_weights().weights} - {"bias"}
    assert known - {"stop word", "stop first", "stop last"} <= kinds


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (marked(15), "15 texts hold marked terms; fitting the extractor needs at least 16"),
        ([MarkedText("问题的研究取得进展。", frozenset({"题的"}))] * 20, "none of the marked terms is a candidate"),
        (
            [MarkedText("问题的研究取得进展。", frozenset({"研究" if place == 0 else "题的"})) for place in range(20)],
            "fewer than two of the texts to learn from",
        ),
    ],
)
def test_texts_that_teach_nothing_are_refused(texts, message):
    with pytest.raises(InputError, match=message):
        fit_term_weights(texts)


def test_a_file_that_cannot_be_written_is_told(fitted, tmp_path):
    with pytest.raises(InputError, match="cannot write"):
        write_weights(fitted, tmp_path / "none" / "weights.json")
