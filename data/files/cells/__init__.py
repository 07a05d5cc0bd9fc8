"""What a cell says: one module for each kind of value, each with a `read` that never raises.

What cannot be read is no reason to lose a record: the value is then missing and `note` says why, in Chinese.
"""

import re
from decimal import Decimal
from math import isfinite
from typing import Any, NamedTuple

from data.text.normalise import is_boilerplate, normalise

_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)", re.IGNORECASE)
_OPEN = frozenset(("面议", "待定", "不限", "另议", "待议", "待填", "空", "未定", "不明", "/"))


class Cell(NamedTuple):
    """A cell's value, None where it has none; `note` tells why what is written could not be read, or not whole."""

    value: Any = None
    note: str = ""


EMPTY = Cell()


def plain(value: object) -> str:
    """Return a cell as text in its one spelling; "" where it is missing or says that it is (暂无, —, N/A, #REF!)."""
    if value is None:
        return ""
    text = str(value).strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return text
    text = normalise(text)
    return "" if text in _OPEN or _ERROR.fullmatch(text) or is_boilerplate(text) else text


def as_float(value: float | Decimal) -> float:
    """Return a number as float; what no float holds is not a number."""
    try:
        return float(value)
    except (ValueError, OverflowError):
        return float("nan")


def is_whole(value: float | Decimal) -> bool:
    """Tell whether a number is finite and whole."""
    number = as_float(value)
    return isfinite(number) and number == int(number)


def numeral(text: str) -> float:
    """Return the number that Chinese numerals tell.

    Raises:
        ValueError: they tell none.

    """
    import cn2an

    try:
        return float(cn2an.cn2an(text, "smart"))
    except (KeyError, IndexError) as error:  # what the library stumbles over
        raise ValueError(f"{text!r} is no numeral") from error
