"""Technology readiness 1-9 after GB/T 22900-2022: TRL 6级, Ⅵ, 6-7级 (the lower one), 中试, 小试, 产业化."""

import re
from decimal import Decimal

from data.files.cells import EMPTY, Cell, is_whole, plain

_CHINESE = {digit: level for level, digit in enumerate("一二三四五六七八九", start=1)}
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9}
_GRADE = re.compile(
    r"(?:TRL|技术成熟度|技术就绪度|成熟度|等级|Level|Lv)?[\s:=_\-.]*第?\s*(?P<low>[一二三四五六七八九]|\d+(?:\.\d+)?|VI{0,3}|I{1,3}|IV|IX)"
    r"\s*(?:级|等级)?(?:\s*(?:-|~|—+|至|到|/|、)\s*(?:TRL)?\s*(?:[一二三四五六七八九]|\d+(?:\.0+)?))?\s*(?:级|等级)?\s*(?:[(].*[)]|[\u4e00-\u9fff].*)?",
    re.IGNORECASE,
)
# In the order of the ladder; of several words in a cell the lowest counts: what is claimed is what is sure.
_STAGES: tuple[tuple[int, str], ...] = (
    (1, r"基本原理|基础研究|原理发现|理论研究"),
    (2, r"概念(?!验证)|设想|方案论证|方案设计|应用研究|构思"),
    (3, r"概念验证|可行性|实验室验证|研发阶段|研究阶段|研发中|研制阶段|在研|开发阶段|研究开发"),
    (4, r"小试|实验室|小样|原理样机|试验阶段|实验阶段|初期阶段|初期"),
    (5, r"中试前|模拟环境|功能样机|样品|试制"),
    (6, r"(?<!前)中试(?!前)|(?<!理|能)样机|初样|中期阶段|中期|原型"),
    (7, r"示范|试运行|正样|试点|试用|试生产|工程化"),
    (
        8,
        r"定型|小批量|鉴定|批量试制|可量产|可以量产|量产阶段|可产业化|可以产业化|可直接应用|产品化|可推广|较成熟|比较成熟|基本成熟|小规模",
    ),
    (
        9,
        r"(?<!小)批量生产|(?<!可|以)产业化|规模化?(?:应用|生产|化)|大规模|成熟应用|已量产|量产$|已应用|(?<!较|本|不)成熟|推广应用|商业化|市场化|大批量|已投产",
    ),
)
_WORDS = tuple((level, re.compile(words)) for level, words in _STAGES)
_NOT_YET = re.compile(
    r"(?:未|没有?|尚未|待|不)(?:进行|开展|完成|实现|经过)?(?:小试|中试|产业化|量产|成熟)|非(?:中试|产业化)"
)


def read(value: object) -> Cell:
    """Return the level, 1-9, that a cell tells by number or in words."""
    if value is None:
        return EMPTY
    if isinstance(value, bool):
        return Cell(note="不是 1 至 9 级")
    text = str(value) if isinstance(value, int | float | Decimal) and is_whole(value) else plain(value)
    if not text:
        return EMPTY
    if match := _GRADE.fullmatch(text):
        return _level(match["low"].upper())
    if _NOT_YET.search(text):
        return Cell(note="看不出技术成熟度等级")
    found = [level for level, words in _WORDS if words.search(text)]
    return Cell(min(found)) if found else Cell(note="看不出技术成熟度等级（1 至 9 级，或小试、中试、产业化等）")


def _level(text: str) -> Cell:
    level = _CHINESE.get(text) or _ROMAN.get(text)
    if level is None:
        number = float(text)
        if not 1 <= number < 10:
            return Cell(note="不是 1 至 9 级")
        level = int(number)
        if number != level:
            return Cell(level, "不是整数，按低一级计")
    return Cell(level)
