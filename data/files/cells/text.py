"""Texts, labels and lists as they came, without what a spreadsheet writes for an error, and within their limits."""

import re
from collections.abc import Iterable

import orjson

from data.files.cells import EMPTY, Cell
from data.records import MAX_LIST, MAX_TEXT, MAX_TITLE

_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[;；、,，|\n]+")


def written(value: object) -> str:
    """Return a cell as text, "" when it holds nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "" if value[:1] == "#" and _ERROR.fullmatch(value.strip()) else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=str).decode()
    return str(value)


def text(value: object) -> Cell:
    """Return a long text; beyond its limit it is cut."""
    return _cut(written(value), MAX_TEXT)


def label(value: object) -> Cell:
    """Return a short text without blanks around it."""
    return _cut(written(value).strip(), MAX_TITLE)


def items(value: object) -> Cell:
    """Return the items (tuple) of a cell such as 锂电池；正极材料, or of a list."""
    parts: Iterable[str] = map(written, value) if isinstance(value, list | tuple) else _SEPARATOR.split(written(value))
    found = [bare for part in parts if (bare := part.strip())]
    kept = tuple(part[:MAX_TITLE] for part in found[:MAX_LIST])
    if not kept:
        return EMPTY
    return Cell(kept, "" if list(kept) == found else f"超过 {MAX_LIST} 项或 {MAX_TITLE} 字，多出的部分未读取")


def _cut(found: str, limit: int) -> Cell:
    if not found.strip():
        return EMPTY
    return Cell(found) if len(found) <= limit else Cell(found[:limit], f"超过 {limit} 字，多出的部分未读取")
