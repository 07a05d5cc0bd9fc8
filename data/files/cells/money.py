"""Money in 万元: 50-100万元, 约50万, 1.2亿, ¥500,000.00, 五十万元, 面议."""

import re
from decimal import Decimal
from math import isfinite

from data.files.cells import EMPTY, Cell, as_float, numeral, plain
from data.text.digits import SeparatorError, without_separators

_CHINESE_NUMBER = r"[零〇一二两三四五六七八九十百千壹贰叁肆伍陆柒捌玖拾佰仟]+(?:点[零一二三四五六七八九]+)?"
_NUMBER = rf"[+\-]?\d[\d,， ]*(?:\.\d+)?(?:e[+\-]?\d+)?|{_CHINESE_NUMBER}"
_UNIT = "百万|千万|十万|万亿|亿|万|千|百|w|k|m"
_ANY_AMOUNT = rf"(?P<number>{_NUMBER})\s*[余多]?(?P<unit>{_UNIT})?\s*(?P<yuan>元|块)?"
_AMOUNT = re.compile(_ANY_AMOUNT, re.IGNORECASE)
_LOW, _HIGH = (_ANY_AMOUNT.replace("(?P<", f"(?P<{end}_") for end in ("low", "high"))
_RANGE = re.compile(rf"{_LOW}\s*(?:-|~|—+|–|至|到|、)\s*{_HIGH}", re.IGNORECASE)
_FOREIGN = re.compile(
    r"美元|美金|欧元|英镑|日元|日币|港元|港币|韩元|卢布|澳元|加元|台币|[$€£]|USD|EUR|GBP|JPY|HKD", re.IGNORECASE
)
_OURS = re.compile(r"人民币|RMB|CNY|[¥￥]|\(可议\)|\(面议\)|\(含税\)|\(不含税\)|\(可谈\)", re.IGNORECASE)
_UNIT_ASIDE = re.compile(r"\((万元|亿元|千元|元|万)\)$")  # 50(万元)
_SIGN = re.compile(r"[¥￥]|RMB|CNY", re.IGNORECASE)
_AROUND = re.compile(
    r"^(?:约为?|大约|大概|预计|预算|估计|拟|共|总计|合计|总投资|投资|近|价格?为?|报价为?|转让价格?为?)[:]?\s*|\s*(?:左右|上下|许|以?内外|余|多)$"
)
_LEAST = re.compile(r"^(?:>=|≥|>|不低于|不少于|至少|最低|高于|大于|超过|多于)\s*|\s*(?:以上|起|及以上|\+)$")
_MOST = re.compile(r"^(?:<=|≤|<|不高于|不超过|不多于|至多|最高|低于|小于|少于)\s*|\s*(?:以下|以内|之内|及以下|封顶)$")
_VAGUE = re.compile(r"[几数多][十百千万]|[十百千万]级")
_FREE = frozenset(("免费", "无偿", "免费转让", "无偿转让", "免费许可", "零元", "免费使用", "无偿使用", "无偿捐赠"))
_NO_PRICE = re.compile(
    r"(?:价格|费用|金额|具体|转让费|预算|资金)*(?:面议|面谈|电议|协商|商议|议价|另议|可议|待议|面洽|洽谈|详谈|商定|协商定价|协商确定|协议定价|不限|待定|未定|视情况而定)"
    r"|(?:双方|具体|价格|可|另行|共同|根据.{0,10})*(?:协商|商议|面议|商定)(?:确定|定价|解决|决定)?"
)
_FACTORS = {
    "百万": 1e6,
    "千万": 1e7,
    "十万": 1e5,
    "万亿": 1e12,
    "亿": 1e8,
    "万": 1e4,
    "千": 1e3,
    "百": 1e2,
    "w": 1e4,
    "k": 1e3,
    "m": 1e6,
}
_WAN = 1e-4
_MAX = 1e9  # 万元: more than any deal; beyond it a unit is wrong


def read(value: object, scale: float = 1.0) -> Cell:  # noqa: PLR0911 - one return for each kind of cell
    """Return the lowest and highest amount that a cell tells, as (low, high) in 万元, either may be None.

    A number without unit counts times `scale` in 万元. A single amount is both. An amount with conditions (提成, 每年) is
    read, and the note tells that there is more.
    """
    if value is None or isinstance(value, bool):
        return EMPTY if value is None else Cell(note="不是数字")
    if isinstance(value, int | float | Decimal):
        return _bounded(amount := as_float(value) * scale, amount)
    text = plain(value)
    if not text or _NO_PRICE.fullmatch(text):
        return EMPTY
    if text in _FREE:
        return Cell((0.0, 0.0))
    if text.lower() in {"inf", "-inf", "infinity", "+inf", "∞"}:
        return Cell(note="不是有限的数字")
    if _FOREIGN.search(text):
        return Cell(note="不是人民币，请换算为万元")
    bare = _UNIT_ASIDE.sub(r"\1", _OURS.sub("", text).strip())
    # ¥500,000 in a column of 万元 is a number of yuan that somebody pasted; ¥50 may be either and follows the column.
    in_yuan = bool(_SIGN.search(text)) and len(re.sub(r"\D", "", bare.split(".")[0])) >= 5
    try:
        return _read_text(bare.removesuffix("整"), _WAN if in_yuan else scale)
    except SeparatorError as error:
        return Cell(note=str(error))
    except ValueError:  # a numeral that cn2an refuses: 几百, 百
        return Cell(note="不是数字")


def _read_text(text: str, scale: float) -> Cell:
    if match := _RANGE.fullmatch(_AROUND.sub("", text)):
        high_scale = _scale(match["high_unit"], match["high_yuan"], scale)
        low_bare = match["low_unit"] is None and match["low_yuan"] is None
        low_scale = high_scale if low_bare else _scale(match["low_unit"], match["low_yuan"], scale)
        low, high = _number(match["low_number"]), _number(match["high_number"])
        return _bounded(low * low_scale, high * high_scale)
    for pattern, pick in ((_LEAST, (True, False)), (_MOST, (False, True))):
        rest = pattern.sub("", text)
        if rest != text and (match := _AMOUNT.fullmatch(_AROUND.sub("", rest))):
            amount = _amount(match, scale)
            return _bounded(amount if pick[0] else None, amount if pick[1] else None)
    if match := _AMOUNT.fullmatch(_AROUND.sub("", _AROUND.sub("", text))):
        amount = _amount(match, scale)
        return _bounded(amount, amount)
    if _VAGUE.search(text):  # 几十万: no figure is said
        return Cell(note="不是数字")
    with_unit = [match for match in _AMOUNT.finditer(text) if match["unit"] or match["yuan"]]
    if len(with_unit) == 1 and not re.search(r"\d\s*[-~—至到]\s*\d", text):
        cell = _bounded(amount := _amount(with_unit[0], scale), amount)
        return cell if cell.note else Cell(cell.value, "只读取了其中的金额")
    return Cell(note="不是数字")


def _amount(match: re.Match[str], scale: float) -> float:
    return _number(match["number"]) * _scale(match["unit"], match["yuan"], scale)


def _scale(unit: str | None, yuan: str | None, scale: float) -> float:
    """Return how many 万元 one of a unit is: 50万 and 50万元 say all; 元 alone means yuan; nothing means the column's."""
    if unit is not None:
        return _FACTORS[unit.lower()] * _WAN
    return _WAN if yuan is not None else scale


def _number(text: str) -> float:
    text = without_separators(text)
    return float(text) if text.isascii() else numeral(text)


def _bounded(low: float | None, high: float | None) -> Cell:
    for amount in (low, high):
        if amount is not None and not -_MAX <= amount <= _MAX:
            return Cell(note="金额过大，请检查单位" if isfinite(amount) else "不是有限的数字")
        if amount is not None and amount < 0:
            return Cell(note="不能小于 0")
    if low is not None and high is not None and low > high:
        return Cell(note="下限高于上限")
    low, high = (None if amount is None else round(amount, 6) for amount in (low, high))
    return Cell((low, high))
