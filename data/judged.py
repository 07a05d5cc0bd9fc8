"""A folder of judged pairs: demands, achievements and experts' levels, as evaluation reads them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError, NotFoundError
from data.records import Achievement, Demand
from data.splits import pair_groups, same_groups
from data.text import normalise

# A record without a title cannot be imported; a judged one stays in the evaluation, under a title that says nothing.
UNTITLED = "未提供"
FILES = ("demands", "achievements", "judgements")


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
    judgements: list[list[tuple[str, str, int]]] = []
    for folder in folders:
        for row in _rows(folder, "demands", ("demand_id", "title")):
            content = row.get("content", "")
            title = row["title"].strip() or content.strip()[:100] or UNTITLED
            demands[row["demand_id"]] = Demand(demand_id=row["demand_id"], title=title, content=content)
        for row in _rows(folder, "achievements", ("achievement_id", "title")):
            title, content = row["title"].strip() or UNTITLED, row.get("content", "")
            achievements[row["achievement_id"]] = Achievement(
                achievement_id=row["achievement_id"], title=title, content=content
            )
        found = _rows(folder, "judgements", ("demand_id", "achievement_id", "level"))
        judgements.append([(row["demand_id"], row["achievement_id"], _level(folder, row)) for row in found])
    demand_row = {record_id: row for row, record_id in enumerate(demands)}
    achievement_row = {record_id: row for row, record_id in enumerate(achievements)}
    results = []
    for folder, rows in zip(folders, judgements, strict=True):
        for demand_id, achievement_id, _ in rows:
            if demand_id not in demand_row or achievement_id not in achievement_row:
                unknown = demand_id if demand_id not in demand_row else achievement_id
                raise InputError(f"{folder / 'judgements.csv'} names {unknown!r}, which none of the folders holds")
        results.append(
            JudgedPairs(
                tuple(demands.values()),
                tuple(achievements.values()),
                np.array([demand_row[row[0]] for row in rows], dtype=np.int64),
                np.array([achievement_row[row[1]] for row in rows], dtype=np.int64),
                np.array([row[2] for row in rows], dtype=np.int64),
            )
        )
    return results


def _rows(folder: Path, name: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    path = folder / f"{name}.csv"
    if not path.is_file():
        needed = ", ".join(f"{file}.csv" for file in FILES)
        raise NotFoundError(f"{path} does not exist; a judged dataset is a folder with {needed}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path} lacks the column {missing[0]!r}; it needs {', '.join(columns)}")
            return [{key: value or "" for key, value in row.items() if key} for row in reader]
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error


def _level(folder: Path, row: dict[str, str]) -> int:
    if row["level"].strip() not in {"1", "2", "3", "4"}:
        raise InputError(f"{folder / 'judgements.csv'}: level {row['level']!r} is not one of 1, 2, 3, 4")
    return int(row["level"])
