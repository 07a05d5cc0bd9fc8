import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import InputError
from eval.reading.term_evaluation import MarkedText, evaluate_terms, exact, overlap, read_marked_texts
from knowledge_graph.relations.extraction import co_occurrence, containment, contradicts
from knowledge_graph.relations.synonyms import close_vectors
from knowledge_graph.schema import Relation, TermType
from knowledge_graph.terms.keyphrases import KeyphraseExtractor
from knowledge_graph.terms.mining import PhraseMiner, choose_terms
from knowledge_graph.terms.tagging import is_cut_apart, tag
from knowledge_graph.terms.types import type_by_head
from knowledge_graph.terms.vocabulary import Vocabulary, occurrences, term_lookup
from tests.some import some

CHINESE = st.text(st.sampled_from("电池隔膜热泵污泥干化锂离子材料的abX1-, "), max_size=40)


def vocabulary(*terms):
    ones = np.ones(len(terms), dtype=np.int32)
    return Vocabulary.of(terms, ones, np.array([type_by_head(term) for term in terms]), 100)


@given(CHINESE)
def test_words_stand_where_they_say(text):
    for word in some(tag(f"电池{text}")):
        assert f"电池{text}"[word.start : word.start + len(word.text)] == word.text


def test_titles_cut_apart_are_joined_and_others_are_not():
    assert is_cut_apart("锂离子 电池 电压 材料")
    assert not is_cut_apart("一种低温热泵污泥干化设备 及其使用方法与控制系统")
    assert all(word.text != " " for word in tag("锂离子 电池 电压 材料"))


@settings(max_examples=80, deadline=None)
@given(
    CHINESE, st.lists(st.sampled_from(["电池", "锂离子电池", "热泵", "污泥干化", "干化", "离子", "x1"]), unique=True)
)
def test_occurrences_are_all_runs_of_words_that_are_terms(text, terms):
    words = tag(text)
    found = {(number, first, end) for number, first, end, _ in occurrences(words, term_lookup(terms))}
    expected = set()
    for first in range(len(words)):
        for end in range(first + 1, min(first + 6, len(words)) + 1):
            joined = "".join(word.text for word in words[first:end]).lower()
            if joined in terms and words[first].tag != "x":
                expected.add((terms.index(joined), first, end))
    assert found == expected


def test_inner_terms_are_marked_as_nested():
    found = occurrences(tag("磷酸铁锂电池隔膜"), term_lookup(["磷酸铁锂电池", "锂电池", "隔膜"]))
    assert {(number, nested) for number, _, _, nested in found} == {(0, False), (1, True), (2, False)}


def test_mining_finds_the_phrase_that_stands_by_itself():
    miner = PhraseMiner()
    for text in ("低温热泵污泥干化设备", "采用低温热泵处理印染污泥", "低温热泵的能耗", "低温热泵与带式干燥"):
        miner.add(tag(text))
    mined = {term.text: term for term in miner.mine(support=3)}
    assert mined["低温热泵"].count == 4
    assert mined["低温热泵"].c_value > 0
    assert "低温热泵" in {term.text for term in choose_terms(mined.values(), limit=100)}
    assert "采用" not in mined


def test_nothing_mined_from_nothing():
    assert PhraseMiner().mine() == []


@pytest.mark.parametrize(
    ("term", "kind"),
    [
        ("硅碳负极材料", TermType.MATERIAL),
        ("热管理算法", TermType.METHOD),
        ("能量转换效率", TermType.EFFECT),
        ("带式压滤机", TermType.PRODUCT),
        ("印染废水", TermType.APPLICATION),
        ("宇宙", TermType.OTHER),
    ],
)
def test_types_by_head(term, kind):
    assert type_by_head(term) is kind


def test_containment_goes_up_by_the_longest_head():
    words = vocabulary("磷酸铁锂电池", "锂电池", "电池", "电池隔膜")
    edges = {(edge.source, edge.target): edge for edge in containment(words)}
    assert edges[0, 1].relation is Relation.BROADER
    assert edges[1, 0].relation is Relation.NARROWER
    assert edges[1, 2].relation is Relation.BROADER
    assert (0, 2) not in edges
    assert (3, 2) not in edges
    assert all(0 < edge.confidence <= 1 for edge in edges.values())


@pytest.mark.parametrize(
    ("one", "other", "against"),
    [
        ("正极材料", "负极材料", True),
        ("一维映射", "二维映射", True),
        ("氧化反应", "还原反应", True),
        ("PET薄膜", "PVC薄膜", True),
        ("污泥干化", "污泥干燥", False),
    ],
)
def test_contradictions(one, other, against):
    assert contradicts(one, other) is against
    assert contradicts(other, one) is against


def test_close_vectors_are_synonyms_unless_they_contradict():
    words = vocabulary("污泥干化", "泥饼烘干", "正极片", "负极片", "桥梁")
    angle = {"污泥干化": 0.0, "泥饼烘干": 0.1, "正极片": 1.5, "负极片": 1.55, "桥梁": 3.1}

    def encode(texts):
        return np.array([[np.cos(angle[t]), np.sin(angle[t])] for t in texts], dtype=np.float32)

    edges = {(edge.source, edge.target): edge for edge in close_vectors(words, encode)}
    assert edges[0, 1].relation is Relation.SYNONYM
    assert (2, 3) not in edges
    assert (0, 4) not in edges


def test_co_occurrence_needs_support_and_more_than_chance():
    import scipy.sparse as sp

    words = vocabulary("甲甲", "乙乙", "丙丙", "丁丁")
    together, apart = [1, 1, 0, 1], [0, 0, 1, 1]
    mentions = sp.csr_array(np.array([together] * 5 + [apart] * 20, dtype=np.float32))
    edges = {(edge.source, edge.target): edge for edge in co_occurrence(mentions, words, support=3)}
    assert edges[0, 1].support == 5
    assert (0, 2) not in edges
    assert (0, 3) not in edges  # the fourth is everywhere
    assert not list(co_occurrence(mentions[:2], words, support=3))


def test_extraction_marks_the_terms_of_a_text():
    text = "提出一种基于改进遗传算法的车辆路径优化方法。实验结果表明,该方法有效提高了收敛速度。"
    found = {term.term for term in KeyphraseExtractor().fit([text]).extract(text)}
    assert {"收敛速度"} <= found
    assert not found & {"提出", "一种", "表明", "的"}


def test_measures_of_extraction():
    text = MarkedText("基于小波变换的图像加密方案", frozenset({"小波变换", "图像加密方案"}))
    assert exact(text, ["小波变换", "图像加密"]) == (1, 1)
    assert overlap(text, ["小波变换", "图像加密"]) == (2, 2)
    assert overlap(text, ["方案"]) == (0, 0)  # a third of the marked term


def marked_file(tmp_path):
    rows = [
        "基于遗传算法的车辆调度。遗传算法收敛速度快。,遗传算法/方法;车辆调度/任务;收敛速度/评估指标",
        "采用神经网络进行图像识别。神经网络精度高。,神经网络/方法;图像识别/任务",
        "提出小波变换图像加密算法。安全性好。,小波变换/方法;图像加密算法/方法;安全性/评估指标",
        "支持向量机用于故障诊断。支持向量机泛化能力强。,支持向量机/方法;故障诊断/任务;泛化能力/评估指标",
    ]
    path = tmp_path / "terms.csv"
    path.write_text("\ufefftext,entities\n" + "\n".join(rows), encoding="utf-8")
    return path


@pytest.mark.slow
def test_evaluation_reports_every_method(tmp_path):
    result = evaluate_terms(read_marked_texts(marked_file(tmp_path)))
    assert set(result) == {"gongxu", "tfidf", "textrank", "jieba"}
    for figures in result.values():
        assert set(figures) == {f"{m}_{f}" for m in ("exact", "overlap") for f in ("precision", "recall", "f1")}
        assert all(0 <= value <= 1 for value in figures.values())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column 'text'"),
        (b"text,other\na,b\n", "no column 'entities'"),
        ("text,entities\n文本,\n".encode(), "no text with marked terms"),
        ("text,entities\n文本,文本/x\n".encode("gb18030"), "not UTF-8"),
    ],
)
def test_unusable_files_of_marked_terms_are_refused(tmp_path, content, message):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(message)):
        read_marked_texts(path)
    with pytest.raises(InputError, match="does not exist"):
        read_marked_texts(tmp_path / "none.csv")
