"""GB/T 4754 codes in their one spelling, from codes and names, several in a cell."""

import re
from collections.abc import Iterable

from data.files.cells import EMPTY, Cell, plain
from data.taxonomy.industries import industry_code

_SEPARATOR = re.compile(r"[;；,，|\n]+")


def read(value: object) -> Cell:
    """Return the codes (tuple) that a cell tells; the note names what tells none."""
    if isinstance(value, list | tuple):
        return read_items([plain(item) for item in value])
    text = plain(value)
    if not text:
        return EMPTY
    # Names have commas of their own (计算机、通信和其他电子设备制造业): the whole first.
    if code := industry_code(text):
        return Cell((code,))
    parts = [part.strip() for part in _SEPARATOR.split(text)]
    if any("、" in part and not industry_code(part) for part in parts):
        parts = [piece for part in parts for piece in ([part] if industry_code(part) else part.split("、"))]
    return read_items(parts)


def read_items(items: Iterable[str]) -> Cell:
    """Return the codes of several items, each once, and the note of those that tell none."""
    codes: dict[str, None] = {}
    unknown = []
    for item in items:
        if not item:
            continue
        code = industry_code(item)
        if code:
            codes[code] = None
        else:
            unknown.append(item)
    note = f"不是已知的行业（GB/T 4754 代码或名称）：{'、'.join(unknown)[:60]}" if unknown else ""
    return Cell(tuple(codes) or None, note)
