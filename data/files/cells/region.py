"""GB/T 2260 codes from codes, names and addresses."""

from decimal import Decimal

from data.files.cells import EMPTY, Cell, is_whole, plain
from data.taxonomy.regions import region_code


def read(value: object) -> Cell:
    """Return the six-digit code of the place that a cell tells."""
    if isinstance(value, float | Decimal) and is_whole(value):
        value = int(value)
    text = plain(value)
    if not text:
        return EMPTY
    if len(text) <= 200 and (code := region_code(text)):
        return Cell(code)
    return Cell(note="看不出是哪个地区（GB/T 2260 代码或省、市、区县的名称）")
