"""Whole numbers: 3, 3.0, ３, 三."""

from decimal import Decimal

from data.files.cells import EMPTY, Cell, as_float, is_whole, numeral, plain
from data.text.digits import SeparatorError, without_separators


def read(value: object) -> Cell:  # noqa: PLR0911 - one return for each kind of cell
    """Return the whole number that a cell tells."""
    if type(value) is int and -(10**15) < value < 10**15:
        return Cell(value)
    if isinstance(value, bool):
        return Cell(note="不是整数")
    if isinstance(value, int | float | Decimal):
        return _whole(as_float(value))
    text = plain(value)
    if not text:
        return EMPTY
    try:
        return _whole(float(without_separators(text)) if text.isascii() else numeral(text.removesuffix("级")))
    except SeparatorError as error:
        return Cell(note=str(error))
    except (ValueError, OverflowError):
        return Cell(note="不是整数")


def _whole(number: float) -> Cell:
    return Cell(int(number)) if is_whole(number) and abs(number) < 1e15 else Cell(note="不是整数")
