"""Chinese text made uniform: one spelling for one thing, markup and invisible marks gone, empty phrases recognised."""

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from data.text.markup import strip_markup

if TYPE_CHECKING:
    from opencc import OpenCC

_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"

# Controls but white space, format and zero-width characters, Hangul fillers, variation selectors, lone surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_WIDE_MARKS = tuple((chr(ord(mark) + 0xFEE0), mark) for mark in ",():;!?%")
# 10⁵ must not become 105; NFKC alone would do that.
_POWER = re.compile("[⁰¹²³⁴-⁹]")
_POWER_OF_DIGIT = re.compile(r"(?<=\d)(?=[⁺⁻]?[⁰¹²³⁴-⁹])")

_BRACKETS = re.compile(r"(?: ?\([^()]{1,24}\))+")
_CHARACTER = re.compile(f"[{_CJK}]")
_BRACKET = re.compile(r" ?\(([^()]*)\)")
_SYLLABLE = (
    r"(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|ang|eng|ong|ian|iao|ing|uai|uan|ai|ei|ao|ou|an|en|er|ia|ie|iu|in|ua|uo|ui|un|üe|ue|üan|ün|a|o|e|i|u|ü|v))"
)
_PINYIN = re.compile(rf"{_SYLLABLE}[1-5]?(?:['’\s\-]?{_SYLLABLE}[1-5]?){{0,5}}")
_BARE_SYLLABLE = re.compile(rf"(?=[a-zü]{{2}}){_SYLLABLE}[1-5]?")
_TONE_MARKS = "\u0304\u0301\u030c\u0300"
# A syllable's shape, but a unit or a quantity in brackets.
_NOT_PINYIN = frozenset(["ha", "ma", "mi", "min", "mu", "pa", "pi", "re", "ti"])

_NOTHING = re.compile(
    "无|没有|暂无|略|从略|同上|如上|不详|未知|未提供|暂未提供|未填|未填写|暂缺|空缺|待定|待补充|待完善|暂不公开|不公开|不便公开|"
    "保密|涉密|无要求|无特殊要求|附件|详情|内容|简介|none|null|nil|nan|na|undefined|tbd|test"
)
_SEE_ELSEWHERE = re.compile(
    r"(?:具体|详细|详情|内容|信息|更多|资料|情况|需求|成果|技术|简介|请|可|均|已)*"
    r"(?:详见|参见|请见|见|查看|查阅|参阅|参照|参考|下载|上传)(?:到|于|至|本|该|相关|下|后|所附|上传的?|的)*"
    r"(?:附件|附表|附图|附录|附页|附文|原文|正文|官网|网站|链接|文件|文档|资料|材料|清单|报告|简介|内容|说明|说明书)+(?:中|内|里|一|二|三|\d)*"
)
_NOT_WORD = re.compile(r"[\W_]+")

# What encoders leave behind when bytes are read twice with the wrong table.
_MOJIBAKE = re.compile(
    "\ufffd|锟斤拷|锟斤|烫烫烫|屯屯屯|ï»¿|ï¼[\x80-\xbf\u0152-\u2122]|â€[\x80-\xbf\u0152-\u2122]|\\?{6,}"
)
_LATIN_PAIRS = re.compile("[\xa1-\xff]{6,}")
_CP1252_BYTES = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
_COMMON_CJK = re.compile("[\u4e00-\u9fff\u3000-\u303f\uff01-\uff5e]")
# Wrongly decoded text is full of characters outside the 6,763 that Chinese is mostly written with.
_GB2312 = bytes(byte for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF) for byte in (row, cell))
_UNUSUAL = re.compile(f"[^\x00-\x7f\u3000-\u303f\uff01-\uff5e“”‘’…—·≤≥≠≈℃±×°μΩαβγ{_GB2312.decode('gb2312', 'ignore')}]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def normalise(text: str) -> str:
    """Return `text` in the one spelling that everything downstream reads.

    Unicode NFKC (a power such as 10⁵ is kept as `10^5`), Traditional to Simplified characters, pinyin in brackets after
    a character removed (产(chǎn)品 -> 产品), HTML tags and entities, control and zero-width characters and lone
    surrogates removed, white space collapsed to single spaces. Letter case is kept. Idempotent; never raises.
    """
    # One step may uncover work for an earlier one; each removes or simplifies something for good, so the rounds end.
    for _ in range(len(text) + 2):
        changed = _one_round(text)
        if changed == text:
            break
        text = changed
    return text


def is_boilerplate(text: str) -> bool:
    """Tell whether `text` says nothing: blank, 未提供。, 无, 略, 详见附件 and their like, or punctuation alone."""
    return _says_nothing(normalise(text))


def meaningful(text: str) -> str:
    """Return `text` normalised, or "" when it is boilerplate."""
    normal = normalise(text)
    return "" if _says_nothing(normal) else normal


def _says_nothing(normal: str) -> bool:
    """Tell whether a text that is normalised already says nothing."""
    flat = normal.lower()
    if len(flat) > 60:
        return False
    parts = [part for part in _NOT_WORD.split(flat) if part]
    return all(_NOTHING.fullmatch(part) or _SEE_ELSEWHERE.fullmatch(part) for part in parts) or parts == ["n", "a"]


def looks_garbled(text: str) -> bool:
    """Tell whether `text` was damaged by a wrong encoding (锟斤拷, ï¼Œ, U+FFFD, UTF-8 read as GBK or Latin-1).

    Give it the text as it was read: normalising may hide the traces.
    """
    if _MOJIBAKE.search(text):
        return True
    if not _UNUSUAL.search(text):
        return False
    high = len(_NOT_ASCII.findall(text))
    if high < 3:
        return False
    as_latin = text.translate(_CP1252_BYTES).encode("latin-1", "ignore")
    if 3 * _cjk_in(as_latin, "utf-8") > high / 2:
        return True
    if any(_cjk_in(run.encode("latin-1"), "gb2312") >= len(run) // 2 for run in _LATIN_PAIRS.findall(text)):
        return True
    # Chinese text read as GB 18030 has two bytes a character, UTF-8 three: genuine text almost never decodes as UTF-8.
    as_gb = text.encode("gb18030", "ignore")
    return 3 * _cjk_in(as_gb, "utf-8") > high and _cjk_in(as_gb, "utf-8") >= 3


def _one_round(text: str) -> str:
    """Apply every step once, in the order in which they most often build on each other."""
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        if _POWER.search(text):
            text = _POWER_OF_DIGIT.sub("^", text)
        # The commonest full-width marks first: what is left is then mostly in normal form, which is quick to see.
        for wide, narrow in _WIDE_MARKS:
            text = text.replace(wide, narrow)
        text = unicodedata.normalize("NFKC", text)
    text = strip_markup(text)
    text = " ".join(text.split())
    if "(" in text:
        text = _BRACKETS.sub(_drop_pinyin, text)
    return to_simplified(text).strip()


def _drop_pinyin(match: re.Match[str]) -> str:
    """Drop the brackets of `match` up to the first that is not pinyin, if they follow a Chinese character."""
    brackets, at = match.group(), match.start()
    if not _CHARACTER.match(match.string, at - 1):
        return brackets
    stands_alone = at == 1 or not _CHARACTER.match(match.string, at - 2)
    start = 0
    for bracket in _BRACKET.finditer(brackets):
        if not _is_pinyin(bracket.group(1), bare=stands_alone):
            break
        start = bracket.end()
    return brackets[start:]


def _is_pinyin(text: str, *, bare: bool) -> bool:
    """Tell whether `text` is pinyin with tone marks or, where `bare` may be meant, one lower-case syllable, not a unit.

    Without tone marks only a single character, as in a glossary, is believed to be read aloud: in running
    text such brackets hold symbols (迁移数(ti), 共聚物(a1)).
    """
    word = text.strip().replace("ɡ", "g").replace("ɑ", "a")
    apart = unicodedata.normalize("NFD", word)
    if any(mark in apart for mark in _TONE_MARKS):
        plain = "".join(char for char in apart if char not in _TONE_MARKS)
        return _PINYIN.fullmatch(unicodedata.normalize("NFC", plain).lower()) is not None
    return bare and _BARE_SYLLABLE.fullmatch(word) is not None and word not in _NOT_PINYIN


def to_simplified(text: str) -> str:
    """Convert Traditional characters; texts without any, nearly all, never reach OpenCC."""
    converter, traditional = _open_cc()
    if text.isascii() or not traditional.search(text):
        return text
    simplified: str = converter.convert(text)
    return simplified


@lru_cache(maxsize=1)
def _open_cc() -> "tuple[OpenCC, re.Pattern[str]]":
    """Return OpenCC's converter and a pattern that finds any character it changes."""
    from opencc import OpenCC

    converter = OpenCC("t2s")
    characters = [chr(code) for code in (*range(0x2E80, 0xD800), *range(0xF900, 0xFB00), *range(0x20000, 0x323B0))]
    simplified = converter.convert("\n".join(characters)).split("\n")
    changed = [old for old, new in zip(characters, simplified, strict=True) if old != new]
    # Characters beyond the basic plane are rare, and spelled out they would make the pattern a hundred times slower.
    basic = "".join(character for character in changed if ord(character) < 0x10000)
    return converter, re.compile(f"[{basic}\U00020000-\U000323af]")


def _cjk_in(data: bytes, encoding: str) -> int:
    """Count the Chinese characters and full-width marks that `data` holds when read as `encoding`."""
    return len(_COMMON_CJK.findall(data.decode(encoding, "ignore")))
