"""Which demands are asked, what is known of the items they may be shown, and what may be learned for each of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.files.headers import GENERATED
from data.files.judged import JudgedPairs
from data.files.reading.readers import open_table
from data.records import Achievement, Demand
from data.splits import folds
from data.text.normalise import normalise
from eval.served.exposed import Shown
from matcher.texts.space import record_text

Rows = NDArray[np.intp]
N_FOLDS = 5
GOOD_LEVEL = 3.0  # of a levels file
GOOD_MEAN = 2.5  # of experts, whose judgements of equal texts are averaged
LEVEL_COLUMNS = ("demand_id", "achievement_id", "level")


@dataclass(frozen=True)
class AskedDemand:
    """A demand to be asked: `levels` by the text of an item (`ServedTask.text_of`), and the `fold` that must not know it."""

    demand: Demand
    levels: Mapping[int, float]
    fold: int


@dataclass(frozen=True)
class ServedTask:
    """Records, judged rows to learn from, and the demands that are asked.

    `text_of` numbers the achievements by their texts: records of equal text are one item. An item of at least `good`
    is a good match. `train[fold]` are the rows of `learned` that the fold's model may know. `shown` is by the ids of demands
    what a log's lists showed, where there is one.
    """

    demands: tuple[Demand, ...]
    achievements: tuple[Achievement, ...]
    learned: JudgedPairs
    train: tuple[Rows, ...]
    asked: tuple[AskedDemand, ...]
    text_of: Mapping[str, int]
    good: float
    shown: Mapping[str, Shown] = field(default_factory=dict)

    def of_fold(self, fold: int) -> list[AskedDemand]:
        """Return the demands that the fold's model is asked for."""
        return [one for one in self.asked if one.fold == fold]


def served_task(learned: JudgedPairs, judged: JudgedPairs, levels: Path | None = None) -> ServedTask:
    """Return the task of asking the demands of `judged`, or those of a levels file, with models that learned `learned`.

    Both hold the same records. Demands with the same title or content count as one: it is asked once, and whoever is
    asked for it has learned none of its judgements. Achievements without any text are left out; nobody can be shown them.

    Raises:
        InputError: the levels file names an unknown record or holds no level, or too few demands have judgements.

    """
    texts: dict[str, int] = {}
    text_of: dict[str, int] = {}
    for achievement in learned.achievements:
        text = record_text(achievement).full
        if text:
            text_of[achievement.achievement_id] = texts.setdefault(text, len(texts))
    group = _demand_groups(learned)
    known = _by_group(judged, levels, group, text_of)
    first: dict[int, int] = {}
    for row, number in enumerate(group.tolist()):
        if number in known and record_text(learned.demands[row]).full:
            first.setdefault(number, row)
    if not first:
        raise InputError("no demand with a text has a level; there is nothing to ask")
    fold, train = _folds(learned, group, set(first))
    asked = tuple(
        AskedDemand(learned.demands[row], known[number], fold.get(number, 0)) for number, row in first.items()
    )
    kept = tuple(record for record in learned.achievements if record.achievement_id in text_of)
    return ServedTask(
        learned.demands, kept, learned, train, asked, text_of, GOOD_MEAN if levels is None else GOOD_LEVEL
    )


def _demand_groups(pairs: JudgedPairs) -> NDArray[np.int64]:
    """Return (demands,) numbers of all demands; those with the same title or content share one."""
    everything = np.arange(len(pairs.demands), dtype=np.int64)
    nothing = np.zeros(len(everything), dtype=np.int64)
    return JudgedPairs(pairs.demands, pairs.achievements, everything, nothing, nothing).demand_group()


def _by_group(
    judged: JudgedPairs, levels: Path | None, group: NDArray[np.int64], text_of: Mapping[str, int]
) -> dict[int, dict[int, float]]:
    """Return the mean level of each text by the group of its demand."""
    found: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row, achievement_id, level in _judgements(judged) if levels is None else read_levels(levels, judged):
        if achievement_id in text_of:
            found[int(group[row])][text_of[achievement_id]].append(level)
    return {
        number: {text: float(np.mean(values)) for text, values in by_text.items()} for number, by_text in found.items()
    }


def _judgements(pairs: JudgedPairs) -> Iterator[tuple[int, str, float]]:
    for d, a, level in zip(pairs.demand_rows.tolist(), pairs.achievement_rows.tolist(), pairs.levels, strict=True):
        yield d, pairs.achievements[a].achievement_id, float(level)


def read_levels(path: Path, pairs: JudgedPairs) -> Iterator[tuple[int, str, float]]:
    """Yield (demand's row, achievement's id, level) of a file with the columns `LEVEL_COLUMNS`; halves are levels too.

    Raises:
        NotFoundError: there is no such file.
        InputError: a column is missing, a level is not 1 to 4, or a record is unknown.

    """
    row_of = {demand.demand_id: row for row, demand in enumerate(pairs.demands)}
    offered = {achievement.achievement_id for achievement in pairs.achievements}
    with open_table(path) as table:
        if GENERATED in table.headers:
            raise InputError(
                f"{path} holds levels of models ({GENERATED}); figures by people's levels take none of them"
            )
        missing = [name for name in LEVEL_COLUMNS if name not in table.headers]
        if missing:
            raise InputError(f"{path} lacks the column {missing[0]!r}; it needs {', '.join(LEVEL_COLUMNS)}")
        for number, cells, problem, _, skipped in table.rows:
            if skipped:
                continue
            if problem:
                raise InputError(f"{path} row {number} cannot be read: {problem}")
            demand_id, achievement_id = (normalise(str(cells[name])) for name in LEVEL_COLUMNS[:2])
            for record_id, known in ((demand_id, row_of), (achievement_id, offered)):
                if record_id not in known:
                    raise InputError(f"{path} row {number} names {record_id!r}, which no folder holds")
            yield row_of[demand_id], achievement_id, _level(cells["level"], path, number)


def _level(value: object, path: Path, number: int) -> float:
    try:
        level = float(str(value))
    except ValueError:
        level = float("nan")
    if not 1 <= level <= 4:
        raise InputError(f"{path} row {number}: level {value!r} is not a number from 1 to 4")
    return level


def _folds(
    learned: JudgedPairs, group: NDArray[np.int64], asked: set[int]
) -> tuple[dict[int, int], tuple[NDArray[np.intp], ...]]:
    """Return the fold of each asked group that has rows to learn from, and for each fold the rows it may learn.

    The folds are those of the split `grouped`. Where no asked demand has rows to learn from, one model learns them all.
    """
    row_group = group[learned.demand_rows]
    concerned = np.flatnonzero(np.isin(row_group, sorted(asked)))
    every = np.arange(len(learned), dtype=np.intp)
    if not len(concerned):
        return {}, (every,)
    cut = folds("grouped", learned.levels, row_group, learned.pair_group(), N_FOLDS)
    fold: dict[int, int] = {}
    train = []
    for number, (rest, test) in enumerate(cut):
        fold |= dict.fromkeys({int(one) for one in np.unique(row_group[test])} & asked, number)
        train.append(np.asarray(rest, dtype=np.intp))
    return fold, tuple(train)
