"""Fields that kinds declare: labels with choices, numbers with a unit (5个工作日, 3-6个月), yes and no."""

import re
from collections.abc import Iterable
from decimal import Decimal

from data.files.cells import EMPTY, Cell, as_float, is_whole, numeral, plain, text
from data.kinds.disclosure import VISIBILITIES
from data.text.digits import SeparatorError, without_separators

_FLAGS = {
    True: "是 有 支持 可 可以 能 提供 true 1 yes y √ ✓ 对 符合",
    False: "否 无 不支持 不可 不可以 不能 不提供 没有 false 0 no n × x ✗ 不 不符合",
}
_FLAG_WORDS = {word: value for value, words in _FLAGS.items() for word in words.split()}
_NUMBER = r"[+\-]?\d[\d,]*(?:\.\d+)?|[零〇一二两三四五六七八九十百千万半]+"
_QUANTITY = re.compile(
    rf"(?:约|大约|最[长短快多少高低]|不超过|不低于|至少|至多|<=?|>=?|≤|≥)?\s*(?:(?P<low>{_NUMBER})\s*(?:个?(?:工作日|[天日周月年项台套件人家%])?)\s*"
    rf"(?:-|~|—+|至|到))?\s*(?P<number>{_NUMBER})\s*(?P<unit>\D{{0,12}})"
)
# Days, months: what one of a unit is in the unit that the field is kept in.
_IN_DAYS = {
    "小时": 1 / 24,
    "天": 1.0,
    "日": 1.0,
    "周": 7.0,
    "星期": 7.0,
    "月": 30.0,
    "季": 90.0,
    "季度": 90.0,
    "年": 365.0,
}
_NO_NUMBER = Cell(note="不是数字")
_MONTHS = {"年": 12.0, "季": 3.0, "季度": 3.0, "月": 1.0}


def label(value: object, choices: tuple[str, ...] = ()) -> Cell:
    """Return a label; of a field with choices only these are read."""
    found = text.label(value)
    if not choices or found.value is None:
        return found
    chosen = _choice(found.value, choices)
    return Cell(chosen) if chosen else Cell(note=f"不在允许的值之内：{'、'.join(choices)}")


def labels(value: object, choices: tuple[str, ...] = ()) -> Cell:
    """Return several labels (tuple); those that are no choice are named."""
    found = text.items(value)
    if not choices or found.value is None:
        return found
    chosen = [(item, _choice(item, choices)) for item in found.value]
    unknown = [item for item, choice in chosen if choice is None]
    kept = tuple(dict.fromkeys(choice for _, choice in chosen if choice))
    note = f"不在允许的值之内：{'、'.join(unknown)[:60]}（可用：{'、'.join(choices)}）" if unknown else found.note
    return Cell(kept or None, note)


def number(value: object, unit: str = "", *, whole: bool = False) -> Cell:
    """Return a number, of a range the higher end; times are turned into the field's unit (2周 is 14 where it is 天)."""
    if isinstance(value, bool):
        return Cell(note="不是数字")
    if isinstance(value, int | float | Decimal):
        return _bounded(as_float(value), whole)
    cell_text = plain(value)
    if not cell_text:
        return EMPTY
    match = _QUANTITY.fullmatch(cell_text)
    amount = _read(match["number"]) if match else _NO_NUMBER
    if match is None or amount.value is None:
        return amount
    factor = _factor(match["unit"].strip(), unit)
    if factor is None:
        return Cell(note=f"单位不是{unit}")
    cell = _bounded(round(amount.value * factor, 6), whole)
    return Cell(cell.value, cell.note or ("范围按高的一端计" if match["low"] else ""))


def flag(value: object) -> Cell:
    """Return yes or no."""
    if isinstance(value, bool):
        return Cell(value)
    cell_text = "" if value is None else str(value).strip().lower().removesuffix(".0")
    if not cell_text:
        return EMPTY
    return Cell(_FLAG_WORDS[cell_text]) if cell_text in _FLAG_WORDS else Cell(note="不是“是”或“否”")


def visibility(value: object) -> Cell:
    """Return to whom a record may be shown; what cannot be read is shown to nobody who must not see it."""
    cell_text = plain(value).lower()
    if not cell_text:
        return EMPTY
    found = VISIBILITIES.get(cell_text)
    return Cell(found) if found else Cell("保密", "不是已知的公开范围，按保密处理")


def _choice(item: str, choices: Iterable[str]) -> str | None:
    """Return the choice that an item names, whole or by a part that no other choice has (检验检测 is 检验检测认证)."""
    name = plain(item).lower()
    exact = [choice for choice in choices if choice.lower() == name]
    near = exact or [
        choice for choice in choices if len(name) >= 2 and (name in choice.lower() or choice.lower() in name)
    ]
    return near[0] if len(near) == 1 else None


def _read(written: str) -> Cell:
    if written == "半":
        return Cell(0.5)
    try:
        digits = without_separators(written)
        return Cell(float(digits) if digits.isascii() else numeral(written))
    except SeparatorError as error:
        return Cell(note=str(error))
    except ValueError:
        return _NO_NUMBER


def _factor(written: str, unit: str) -> float | None:
    """Return what one of the written unit is in the field's; None for another quantity's unit."""
    cell_text = (
        written.removeprefix("个").removeprefix("工作").removesuffix("以内").removesuffix("内").removesuffix("左右")
    )
    if not cell_text or cell_text == unit:
        return 1.0
    if unit in ("天", "日"):
        return _IN_DAYS.get(cell_text)
    if unit == "月":
        return _MONTHS.get(cell_text) or (_IN_DAYS[cell_text] / 30 if cell_text in _IN_DAYS else None)
    if cell_text in _IN_DAYS and unit:
        return None
    return 1.0


def _bounded(amount: float, whole: bool) -> Cell:
    if not -1e15 < amount < 1e15:  # also not a number
        return Cell(note="不是有限的数字")
    if not whole:
        return Cell(amount)
    return Cell(int(amount)) if is_whole(amount) else Cell(round(amount), "不是整数，已取整")
