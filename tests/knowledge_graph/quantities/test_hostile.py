"""Whatever a text holds, reading it ends soon and its positions are right."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_graph.quantities import extract
from knowledge_graph.quantities.extraction import MAX_CHARACTERS
from knowledge_graph.quantities.folding import fold

WORDS = """
≥ 不低于 5 0.5 ３ 万 亿 mm % ℃ - ~ 至 ( ) （ ） ， 。 、 | 抗压强度 提高 降到 以上 左右 ×10 ^ -2 一 百 余 多 / · 每 年 个
GB/T A ابت ٣ ﬁ 𝟓 😀 ± φ HRC 1,000 2019年 ① 百分之 分别为 和 : 倍
"""
PIECES = st.sampled_from([*WORDS.split(), "\n", "\t", " ", "\u200b"])
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=60).map("".join))


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.sampled_from(["demand", "supply"]))
def test_any_text_gives_quantities_with_true_positions(text, side):
    assert len(fold(text)) == len(text)
    last = 0
    for quantity in extract(text, side):
        assert quantity.quote == text[quantity.start : quantity.end]
        assert quantity.start <= quantity.value_span[0] < quantity.value_span[1] <= max(quantity.end, len(text))
        assert quantity.value_span[0] >= last
        assert tuple(sorted(quantity.values)) == quantity.values
        last = quantity.value_span[0]
    assert extract(text, side) == extract(text, side)


HOSTILE = {
    "ten thousand numbers": "、".join(f"{number}mm" for number in range(10_000)),
    "one long number": "9" * 100_000,
    "nested brackets": "(" * 50_000 + "5%" + ")" * 50_000,
    "dashes": "1-" * 40_000,
    "units": "5m/m/m/m/m·m*" * 6_000,
    "powers": "5×10" * 25_000,
    "numerals": "一二三百千万亿" * 12_000,
    "comparators": "不低于" * 30_000 + "5mm",
    "standards": "GB/T " * 20_000,
    "spaces": " " * 100_000 + "5mm",
    "mixed scripts": "要求≥５０％，не менее 60 кг，以上ابت٣٤、①②③५०mm" * 2_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_time_in_proportion_to_their_length(name):
    text = HOSTILE[name]
    extract("预热5mm", "demand")
    begin = time.thread_time()
    extract(text, "demand")
    # generous: measured a tenth of it; a quadratic step would take minutes
    assert time.thread_time() - begin < 10.0


def test_a_text_is_read_up_to_its_limit():
    text = "x" * MAX_CHARACTERS + "抗压强度≥50MPa"
    assert extract(text, "supply") == ()
