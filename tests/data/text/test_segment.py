import csv
import logging
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.settings import Settings
from data.text.segment import content_words, words

SENTENCES = [
    "需要一种低温污泥干化设备，含水率降到40%以下，处理量每天50吨。",
    "采用IL-4与TiO_2复合的Fuzzy-PID控制器，压力2.09m、41.49MPa，温度-20~85℃。",
    "T恤印花与A股上市公司的C++软件，版本1.2.3.4，R&D投入3.5%kg。",
    "高活性氟化锂制备方法，粒径D50=3.2μm，比表面积≥120m2/g；循环500次后容量保持率92.5%",
    "邓小博士与欧阳晓晨研究员联合攻关石墨烯改性环氧富锌底漆",
    "㐀𠀀字与〇号方案",
    "  多 个\r\n空\t白　行\n",
    "",
    "。，！",
    "Plain English words, e.g. state-of-the-art v2.0_beta +5 #3",
]


@pytest.fixture(scope="module")
def jieba():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba 0.42.1 predates today's Python
        import jieba

        jieba.setLogLevel(logging.ERROR)
        jieba.initialize()
    return jieba


@pytest.mark.parametrize("text", SENTENCES)
def test_words_are_jiebas(jieba, text):
    assert words(text) == jieba.lcut(text, HMM=True)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    text=st.lists(
        st.sampled_from(
            [*list("的研发技术电池锂石墨烯张伟国能A股T恤aZ09+#&._%-~ \n\r，。㐀𠀀豈鿿é"), "C++", "IL-4", "2.5%"]
        ),
        max_size=30,
    ).map("".join)
)
def test_words_are_jiebas_on_any_mixture(jieba, text):
    assert words(text) == jieba.lcut(text, HMM=True)
    assert "".join(words(text)) == text


def test_words_are_jiebas_on_real_texts(jieba):
    folder = Settings().shared_data
    if not folder.is_dir():
        pytest.skip("real data absent: set GONGXU_SHARED_DATA to its folder")
    texts = []
    for name in ("bdci2019/demands.csv", "corpus/csl_full_dev.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            texts += [
                row[key] for row in csv.DictReader(file) for key in ("title", "content", "abstract") if key in row
            ]
    assert [text for text in texts if words(text) != jieba.lcut(text, HMM=True)] == []


def test_content_words_drop_what_says_nothing():
    found = content_words("我们需要一种基于石墨烯的LED散热材料。")
    assert "led" in found
    assert "散热" in found
    assert not {"我们", "需要", "一种", "基于", "的", "。"} & set(found)
    assert all(len(word) > 1 or word.isascii() for word in found)


def test_content_words_keep_a_single_character_when_nothing_else_remains():
    assert content_words("钛") == ["钛"]
    assert content_words("钛的") == ["钛"]
    assert content_words("，。 ") == []
