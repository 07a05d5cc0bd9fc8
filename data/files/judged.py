"""A folder of judged pairs: demands, achievements and experts' levels, as evaluation reads them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError, NotFoundError
from data.files.headers import FileKind, columns_of
from data.files.reading.readers import SUFFIXES, open_table
from data.files.rows import Parsed, RowReader
from data.records import Achievement, Demand, OutcomeEvent
from data.splits import pair_groups, same_groups
from data.text.normalise import normalise

# A record without a title cannot be imported; a judged one stays in the evaluation, under a title that says nothing.
UNTITLED = "未提供"
FILES = (FileKind.DEMANDS, FileKind.ACHIEVEMENTS, FileKind.JUDGEMENTS)


@dataclass(frozen=True)
class JudgedPairs:
    """Judged rows over two lists of records; `demand_rows`, `achievement_rows` and `levels` (1-4) have shape (n,)."""

    demands: tuple[Demand, ...]
    achievements: tuple[Achievement, ...]
    demand_rows: NDArray[np.int64]
    achievement_rows: NDArray[np.int64]
    levels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.levels)

    def demand_group(self) -> NDArray[np.int64]:
        """Return (n,) group of each row's demand: demands with the same title or content are one."""
        titles = [normalise(demand.title) for demand in self.demands]
        contents = [normalise(demand.content) for demand in self.demands]
        return same_groups([titles, contents])[self.demand_rows]

    def pair_group(self) -> NDArray[np.int64]:
        """Return (n,) group of each row: rows with identical normalised texts on both sides are one."""
        wanted = [normalise(f"{demand.title}\n{demand.content}") for demand in self.demands]
        offered = [normalise(f"{achievement.title}\n{achievement.content}") for achievement in self.achievements]
        return pair_groups([wanted[row] for row in self.demand_rows], [offered[row] for row in self.achievement_rows])


def load_judged(*folders: Path) -> list[JudgedPairs]:
    """Read folders with demands.csv, achievements.csv and judgements.csv; one result per folder, over common records.

    The records of all folders form one pair of lists (of an id in several folders the last counts), so that rows mean
    the same in every result. All judged rows are kept, also those that repeat a pair or whose achievement has no title.

    Raises:
        NotFoundError: a folder or one of its files is missing.
        InputError: a column is missing, a level is not 1-4, or a judgement names an unknown record.

    """
    demands: dict[str, Demand] = {}
    achievements: dict[str, Achievement] = {}
    judgements: list[list[OutcomeEvent]] = []
    for folder in folders:
        for record in _read(folder, FileKind.DEMANDS):
            if isinstance(record, Demand):
                demands[record.demand_id] = record
        for record in _read(folder, FileKind.ACHIEVEMENTS):
            if isinstance(record, Achievement):
                achievements[record.achievement_id] = record
        judgements.append([event for event in _read(folder, FileKind.JUDGEMENTS) if isinstance(event, OutcomeEvent)])
    demand_row = {record_id: row for row, record_id in enumerate(demands)}
    achievement_row = {record_id: row for row, record_id in enumerate(achievements)}
    results = []
    for folder, rows in zip(folders, judgements, strict=True):
        for row in rows:
            if row.demand_id not in demand_row or row.achievement_id not in achievement_row:
                unknown = row.demand_id if row.demand_id not in demand_row else row.achievement_id
                raise InputError(f"the judgements in {folder} name {unknown!r}, which none of the folders holds")
        results.append(
            JudgedPairs(
                tuple(demands.values()),
                tuple(achievements.values()),
                np.array([demand_row[row.demand_id] for row in rows], dtype=np.int64),
                np.array([achievement_row[row.achievement_id] for row in rows], dtype=np.int64),
                np.array([row.level for row in rows], dtype=np.int64),
            )
        )
    return results


def _read(folder: Path, kind: FileKind) -> Iterator[Parsed]:
    """Yield the records or judgements of the folder's file of that kind, in any format that import reads."""
    found = [path for suffix in SUFFIXES if (path := folder / f"{kind.value}{suffix}").is_file()]
    if not found:
        needed = ", ".join(f"{name.value}.csv" for name in FILES)
        raise NotFoundError(f"{folder / kind.value}.csv does not exist; a judged dataset is a folder with {needed}")
    path = found[0]
    with open_table(path) as table:
        header = {column.field: column.header for column in columns_of(table.headers, kind, str(path))}
        reader = RowReader(table.headers, kind, str(path), any_title=True)
        seen: set[str] = set()
        for number, cells, problem, _, skipped in table.rows:
            if skipped:
                continue
            if problem:
                raise InputError(f"{path} row {number} cannot be read: {problem}")
            if kind is not FileKind.JUDGEMENTS:
                record_id = str(cells.get(header[f"{kind.value.removesuffix('s')}_id"]))
                if record_id in seen:
                    continue
                seen.add(record_id)
            read = reader.read(number, cells if kind is FileKind.JUDGEMENTS else _titled(cells, header))
            if read.problems or read.parsed is None:
                reject = read.problems[0]
                raise InputError(f"{path} row {number}, column {reject.column}: {reject.value!r} {reject.reason}")
            yield read.parsed


def _titled(cells: dict[str, Any], header: dict[str | None, str]) -> dict[str, Any]:
    """Return the cells of a record with a title: its own, else the beginning of its content, else `UNTITLED`."""
    title, content = (str(cells.get(header.get(name, ""), "") or "").strip() for name in ("title", "content"))
    return cells | {header["title"]: title or content[:100] or UNTITLED}
