"""What readers of all formats yield: rows of cells, with what is wrong or odd about each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from data.errors import InputError


def empty_file(path: Path) -> InputError:
    """Return the error for a file without anything to read."""
    return InputError(
        f"{path} is empty; give a file with a header and rows", f"{path} 是空文件，请提供有表头和数据行的文件"
    )


class RawRow(NamedTuple):
    """A row as it is, with its number as a spreadsheet shows it.

    `problem` is a Chinese sentence where it cannot be read, `note` one where it was read in spite of a fault.
    """

    number: int
    cells: Sequence[Any]
    problem: str = ""
    note: str = ""


@dataclass
class RawSheet:
    """A sheet being read once from its beginning; `done` tells the share read, 0-1.

    `merged` are ranges (first row, first column, last row, last column) counted from 0.
    """

    name: str
    rows: Iterator[RawRow]
    done: Callable[[], float]
    merged: Sequence[tuple[int, int, int, int]] = ()
    note: str = ""


class TableRow(NamedTuple):
    """A row by header. `skipped` tells, in Chinese, why a row is none (a repeated header, a total, a signature)."""

    number: int
    cells: dict[str, Any]
    problem: str = ""
    note: str = ""
    skipped: str = ""


@dataclass(frozen=True)
class Table:
    """A table being read: `sheet` is its worksheet's name where a file has several; `notes` say what was left out.

    Row numbers are those that a spreadsheet shows, lines in JSON Lines, records from 1 in Parquet. `fixed` tells that all
    rows have all columns; in JSON Lines each row has its own.
    """

    headers: tuple[str, ...]
    rows: Iterator[TableRow]
    done: Callable[[], float]
    notes: tuple[str, ...] = ()
    sheet: str = ""
    fixed: bool = True
