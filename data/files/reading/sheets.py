"""The table in a sheet: where its header is (below titles, over two rows), and which rows are none of its records."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from data.errors import InputError
from data.files.headers import known_headers
from data.files.reading.rows import RawRow, RawSheet, Table, TableRow
from data.text.normalise import normalise

_AHEAD = 30  # rows among which the header is looked for
_LEAST = 2  # known headers that make a row a header beyond doubt
_TOTAL = re.compile(r"(?:合计|总计|小计|共计|总数|汇总|累计)(?:[:(].*)?|共\s*\d+\s*[项条个件].*")
_SIGNATURE = re.compile(
    r"(?:填表|填报|制表|审核|复核|负责|经办|报送|联系|审批|批准|录入|统计|编制|单位负责|部门负责)(?:单位|部门)?(?:人|员|日期|时间|单位|部门|者)?(?:\((?:签字|签名|签章|盖章)\))?:.*"
    r"|(?:单位|学校|公章|部门)?\(?(?:盖章|签章|签字|公章)\)?:?.{0,20}"
)
_REMARK = re.compile(
    r"(?:注|备注|说明|填表说明|填报说明|注意事项|提示|注意)[:].*|(?:填表|填报|填写)(?:说明|须知|要求).*|注\d[.、:].*"
)
_EXAMPLE = re.compile(r"(?:示例|样例|填写示例|范例|举例)(?:[:].*|\d*)")
_REPEATED = "与表头相同，已跳过"


def table_of(sheet: RawSheet, source: str, header_row: int | None = None) -> Table:
    """Return the table in a sheet; `header_row` (as a spreadsheet counts) tells where its header is.

    Raises:
        InputError: the sheet has no such row.

    """
    ahead = list(islice(sheet.rows, _AHEAD if header_row is None else header_row + 1))
    place = _header_place(ahead, header_row, source)
    if place is None:
        return Table((), iter(()), sheet.done, sheet=sheet.name)
    first = ahead[place]
    start = place + 1
    head = _spread(first, sheet.merged)
    notes = [sheet.note] if sheet.note else []
    if start < len(ahead) and (both := _two_rows(head, first, ahead[start], sheet.merged)):
        head, start = both, start + 1
    if place:
        notes.append(f"表头在第 {first.number} 行，其上 {place} 行未当作数据")
    headers = _names(head)
    rows = _rows(chain(ahead[start:], sheet.rows), headers, sheet.merged)
    return Table(headers, rows, sheet.done, tuple(notes), sheet.name)


def header_strength(table: Table) -> int:
    """Return how many headers of a table are known."""
    return known_headers(table.headers)


def _header_place(ahead: Sequence[RawRow], wanted: int | None, source: str) -> int | None:
    """Return which of the rows is the header: the one with most known headers, else the first.

    Of a header that is repeated further down it is the first, though a name was lost there.
    """
    if wanted is not None:
        for place, row in enumerate(ahead):
            if row.number == wanted:
                return place
        raise InputError(
            f"{source} has no row {wanted} with content; give the number that a spreadsheet shows to --header-row",
            f"{source} 的第 {wanted} 行没有内容；请用 --header-row 给出表格软件显示的行号",
        )
    readable = [place for place, row in enumerate(ahead) if row.cells and not row.problem]
    if not readable:
        return None
    strength = {place: known_headers(ahead[place].cells) for place in readable}
    best = max(strength.values())
    if best >= _LEAST:
        at = next(place for place in readable if strength[place] == best)
        names = set(map(_bare, map(_text, ahead[at].cells)))
        return next(place for place in readable if place == at or _is_part(ahead[place], strength[place], names))
    # A single known header may be a word of the data: it counts where its row is the first that is as wide as the table.
    width = max(_filled(ahead[place]) for place in readable)
    return next(place for place in readable if _filled(ahead[place]) >= min(width, 2) or strength[place])


def _is_part(row: RawRow, known: int, names: set[str]) -> bool:
    """Tell whether a row with so many known headers is one whose names, or nearly all of them, are `names` too."""
    own = [name for name in map(_bare, map(_text, row.cells)) if name]
    return known >= _LEAST and sum(name in names for name in own) * 3 >= len(own) * 2


def _filled(row: RawRow) -> int:
    return sum(bool(_text(cell)) for cell in row.cells)


def _spread(row: RawRow, merged: Sequence[tuple[int, int, int, int]]) -> list[str]:
    """Return a header's cells as text; the text of a merged cell is repeated in each of its columns."""
    head = [_text(cell) for cell in row.cells]
    for top, left, bottom, right in merged:
        if top <= row.number - 1 <= bottom and left < right and left < len(head):
            for place in range(left, min(right + 1, len(head))):
                head[place] = head[place] or head[left]
    return head


def _two_rows(
    head: Sequence[str], first: RawRow, second: RawRow, merged: Sequence[tuple[int, int, int, int]]
) -> list[str] | None:
    """Return the header that two rows make together; None if the second is none.

    A row below is part of the header if it names fields and is only where the row above has a group's name or nothing.
    """
    if second.problem or second.number != first.number + 1:
        return None
    below = [_text(cell) for cell in second.cells]
    below += [""] * (len(head) - len(below))
    above = [*head, *[""] * (len(below) - len(head))]
    groups = Counter(name for name in above if name)
    own = [_text(cell) for cell in first.cells]
    own += [""] * (len(below) - len(own))
    spanned = {
        place
        for top, left, bottom, right in merged
        if top == first.number - 1 == bottom and left < right
        for place in range(left, right + 1)
    }
    # Without merged ranges (CSV) a group's name has blank cells to its right.
    loose = {
        place
        for place in range(len(own) - 1)
        if own[place] and not own[place + 1] and below[place] and below[place + 1]
    }
    allowed = {place for place, name in enumerate(own) if not name} | spanned | loose
    if not any(below) or any(name and place not in allowed for place, name in enumerate(below)):
        return None
    if known_headers(below) == 0 and not spanned:
        return None
    joined = []
    for over, under in zip(above, below, strict=True):
        group = over if under and over and groups[over] > 1 and not known_headers([under]) else ""
        joined.append(f"{group}{under}" if under else over)
    return joined


def _names(head: Sequence[str]) -> tuple[str, ...]:
    """Return headers that differ from each other; a column without one is named by its place, a repeated one numbered."""
    while head and not head[-1]:
        head = head[:-1]
    names: dict[str, None] = {}
    for place, name in enumerate(head):
        label = name or f"第{place + 1}列"
        number = 2
        unique = label
        while unique in names:
            unique = f"{label}({number})"
            number += 1
        names[unique] = None
    return tuple(names)


def _rows(
    rows: Iterator[RawRow], headers: tuple[str, ...], merged: Sequence[tuple[int, int, int, int]]
) -> Iterator[TableRow]:
    """Yield the rows below a header."""
    width = len(headers)
    keys = tuple(_bare(name) for name in headers)
    down = sorted((left, top, bottom) for top, left, bottom, _ in merged if bottom > top)
    carried: dict[tuple[int, int, int], Any] = {}
    for row in rows:
        if row.problem:
            yield TableRow(row.number, {}, row.problem, row.note)
            continue
        cells = _filled_down(row, down, carried) if down else row.cells
        beyond = cells[width:]
        values = dict(zip(headers, cells, strict=False))
        for place, cell in enumerate(beyond, start=width + 1):
            if _text(cell):
                values[f"第{place}列"] = cell
        yield TableRow(row.number, values, note=row.note, skipped=_no_record(cells, keys))


def _filled_down(
    row: RawRow, down: Sequence[tuple[int, int, int]], carried: dict[tuple[int, int, int], Any]
) -> Sequence[Any]:
    """Return a row's cells with those that are merged over several rows; `carried` keeps their values."""
    cells = list(row.cells)
    at = row.number - 1
    for span in down:
        left, top, bottom = span
        if not top <= at <= bottom or left >= len(cells):
            continue
        if at == top:
            carried[span] = cells[left]
        elif cells[left] is None or cells[left] == "":
            cells[left] = carried.get(span)
        if at == bottom:
            carried.pop(span, None)
    return cells


def _no_record(cells: Sequence[Any], keys: tuple[str, ...]) -> str:  # noqa: PLR0911 - one return for each kind of row
    """Return why a row is no record, "" if it is one."""
    first = next((cell for cell in cells if cell is not None and cell != ""), None)
    # Nearly all rows begin with an id or a title: only few words deserve a closer look.
    if not isinstance(first, str) or len(first) > 200:
        return ""
    begin = _bare(first)
    if begin in keys:
        named = [name for name in map(_bare, map(_text, cells)) if name]  # where a column was lost they lie elsewhere
        if sum(name in keys for name in named) >= max(1, len(named) * 2 // 3):
            return _REPEATED
    if first.isascii():
        return ""
    text = normalise(first)
    filled = sum(bool(_text(cell)) for cell in cells)
    if _TOTAL.fullmatch(text.replace(" ", "")) and filled <= max(2, len(keys) // 2 + 1):
        return "是合计行，已跳过"
    if _SIGNATURE.fullmatch(text) and filled <= max(4, len(keys) // 2):
        return "是填表、审核等签署行，已跳过"
    if _REMARK.fullmatch(text) and filled <= 2:
        return "是说明文字，已跳过"
    if _EXAMPLE.fullmatch(text):
        return "是填写示例，已跳过"
    return ""


def _text(cell: Any) -> str:
    """Return a cell as one line of text without marks that nobody sees; "" where it is blank."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell)
    return (
        text
        if text.isascii() and text.isalnum()
        else " ".join(text.replace("\ufeff", "").replace("\u200b", "").split())
    )


def _bare(name: str) -> str:
    return "".join(name.replace("\ufeff", "").replace("\u200b", "").split()).lower()
