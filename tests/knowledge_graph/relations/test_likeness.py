"""Related words are not called the same, opposites and pieces of words are called nothing."""

import pytest

from knowledge_graph.relations.likeness import ALIKE, Likeness, is_fragment, likeness


@pytest.mark.parametrize(
    "pair",
    [
        "正极≈负极", "铁锂≈锂离子", "零排放≈废气", "工程机械≈工程", "口感≈腥味", "用品≈饮品", "用工≈工业", "低压≈变压器",
        "拖动≈拖拉机", "铝合金≈氧化铝", "氧气≈废气", "紫荆花≈石榴花", "受炉≈热风炉",
        "吸热≈放热", "输入≈输出", "高温≈低温", "亲水≈疏水",
    ],
)  # fmt: skip
def test_words_of_one_topic_opposites_and_fragments_are_not_alike(pair):
    assert likeness(*pair.split("≈")) not in ALIKE


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("成型", "成形", Likeness.SAME),
        ("动力电池", "电池", Likeness.NARROWER),
        ("电池", "动力电池", Likeness.BROADER),
        ("寿命", "长寿命", Likeness.BROADER),
        ("采煤机", "采煤", Likeness.NARROWER),
        ("货车", "汽车", Likeness.NARROWER),
        ("正极", "负极", Likeness.OPPOSITE),
        ("受炉", "加热炉", Likeness.FRAGMENT),
        ("铝合金", "氧化铝", Likeness.RELATED),
    ],
)
def test_how_two_terms_stand_to_each_other(one, other, expected):
    assert likeness(one, other) is expected


@pytest.mark.parametrize("term", ["坏机率", "没法", "受炉", "落箱"])
def test_pieces_of_words_are_no_terms(term):
    assert is_fragment(term)


@pytest.mark.parametrize("term", ["电池", "磷酸铁锂", "钢模板", "VOCs", "污泥干化", "热风炉"])
def test_terms_are_no_fragments(term):
    assert not is_fragment(term)
