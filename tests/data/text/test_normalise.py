import csv
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.settings import Settings
from data.text.normalise import is_boilerplate, looks_garbled, meaningful, normalise

# Any code point, surrogates included, and the pieces whose combination is the danger.
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
PIECES = st.lists(
    st.sampled_from(
        [
            "&",
            "<",
            ">",
            ";",
            "(",
            ")",
            "/",
            "#",
            "lt",
            "gt",
            "amp",
            "lt;",
            "gt;",
            "amp;",
            "&lt;",
            "&amp;",
            "&#60;",
            "<b>",
            "</b>",
            "<p>",
            "<br/>",
            "<sup>",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "产",
            "產",
            "乾",
            "於",
            "(chǎn)",
            "(chan)",
            "（zhōng",
            "guó）",
            "＜",
            "＆",
            "；",
            "10",
            "⁵",
            "⁻",
            "\u200b",
            "é",
            "é",
            "ﬁ",
            "㈱",
            "㎡",
            "10⁵",
            " ",
            "\n",
            "\u200b",
            "�",
            "\u3000",
            "b>",
            "span x",
        ]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(ANY_TEXT | PIECES)
@example("<<b>b>")
@example("&amp;amp;lt;p&gt;")
@example("产(chǎn)(chǎn)")
@example("薴")
def test_normalise_is_idempotent_and_never_raises(text):
    once = normalise(text)
    assert normalise(once) == once
    assert once == once.strip()
    once.encode("utf-8")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(ANY_TEXT | PIECES)
def test_judgements_on_any_text_never_raise_and_agree(text):
    looks_garbled(text)
    assert meaningful(text) == ("" if is_boilerplate(text) else normalise(text))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("產(chǎn)品", "产品"),
        ("产（chǎn）业链", "产业链"),
        ("重庆(chóng qìng)市", "重庆市"),
        ("产(chǎn)(chǎn)", "产"),
        ("钇(yi)元素", "钇元素"),
        ("長度(mm)", "长度(mm)"),
        ("时间(min)", "时间(min)"),
        ("厚(mm)", "厚(mm)"),
        ("镍(Ni)", "镍(Ni)"),
        ("迁移数(ti)", "迁移数(ti)"),
        ("共聚物(a1)", "共聚物(a1)"),
        ("笔(pen和纸)", "笔(pen和纸)"),
        ("顯著乾隆乾燥", "显著乾隆干燥"),
        ("ＬＥＤ　照明，１０％", "LED 照明,10%"),
        ("10⁵Pa 与 10⁻³mol 与 m²", "10^5Pa 与 10^−3mol 与 m2"),
        ("10<sup>5</sup>Pa", "10^5Pa"),
        ("<p>污泥</p><br/>干化&nbsp;设备", "污泥 干化 设备"),
        ("<span style='color:red'>高</span>强度", "高强度"),
        ("&lt;b&gt;粗&lt;/b&gt;", "粗"),
        ("前<script>alert('x')</script>后<!-- 注 -->", "前 后"),
        ("a<b, c>d 且 T<80 与 P>5", "a<b, c>d 且 T<80 与 P>5"),
        ("R&D;x &unknown; AT&T", "R&D;x &unknown; AT&T"),
        ("零\u200b宽\ufeff字\u00ad符\x07", "零宽字符"),
        ("x\ud800y", "xy"),
        (" 多  个\t空\n白 ", "多 个 空 白"),
        ("", ""),
    ],
)
def test_normalise(raw, expected):
    assert normalise(raw) == expected


@pytest.mark.parametrize(
    "crafted",
    [
        "<" * 9_000 + "b>" * 9_000,
        "<!--" * 10_000,
        "<script>" * 6_000 + "</style>",
        "&#3&#5&#5&#54;;;;" + "&amp;" * 8_000,
        "&l<b>" * 6_000 + "t;b>" * 6_000,
        "产" + "(chǎn)" * 8_000,
        "产" + " " * 40_000 + "(",
        "产(" + "an" * 20_000 + "!)",
    ],
)
def test_crafted_texts_cost_no_more_than_long_ones(crafted):
    started = time.process_time()
    once = normalise(crafted)
    assert time.process_time() - started < 3.0
    assert normalise(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \u3000",
        "未提供。",
        "未提供",
        "详见附件",
        "詳見附件。",
        "具体内容请见附件1",
        "无",
        "無。",
        "暂无；",
        "略",
        "N/A",
        "--",
        "。。。",
        "<p>无</p>",
        "无；无",
        "null",
        "请查看附件",
    ],
)
def test_boilerplate(text):
    assert is_boilerplate(text)
    assert meaningful(text) == ""


@pytest.mark.parametrize(
    "text", ["无人机", "无线充电", "附件加工设备", "略阳县矿石分选", "污泥干化", "AI", "见光分解材料"]
)
def test_not_boilerplate(text):
    assert not is_boilerplate(text)
    assert meaningful(text) == text


SENTENCE = "低温污泥干化设备，含水率降到四成以下。"


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE.encode().decode("gb18030", "replace"),
        SENTENCE.encode().decode("gbk", "ignore"),
        SENTENCE.encode().decode("latin-1"),
        SENTENCE.encode().decode("cp1252", "ignore"),
        SENTENCE.encode("gb18030").decode("latin-1"),
        SENTENCE.encode("gb18030").decode("utf-8", "replace"),
        "锟斤拷锟斤拷",
        "??????????设备",
    ],
)
def test_garbled(text):
    assert looks_garbled(text)


@pytest.mark.parametrize(
    "text", [SENTENCE, "联通", "Größe, naïve café", "µm × °C ±0.5", "plain", "", "顯著的效果", "产(chǎn)"]
)
def test_not_garbled(text):
    assert not looks_garbled(text)


def test_real_texts_are_stable_and_hardly_ever_garbled():
    folder = Settings().shared_data / "bdci2019"
    if not folder.is_dir():
        pytest.skip("real data absent: set GONGXU_SHARED_DATA to its folder")
    with (folder / "demands.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["content"] for row in csv.DictReader(file)]
    normal = [normalise(text) for text in texts]
    assert [normalise(text) for text in normal] == normal
    assert sum(looks_garbled(text) for text in texts) <= len(texts) // 50
