"""How well pairs of terms are called the same or a kind of each other, against pairs that people judged."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import InputError
from knowledge_graph.relations.likeness import ALIKE, Likeness, likeness

COLUMNS = ("demand_term", "achievement_term", "relation")
ALIKE_MARKS = frozenset("SH")  # the same, a kind of


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """Two terms and how people judged them: S same, H kind of, R related, U unrelated, F fragment or general word."""

    one: str
    other: str
    relation: str

    @property
    def alike(self) -> bool:
        """Whether people called the two the same or one a kind of the other."""
        return self.relation in ALIKE_MARKS

    def likeness(self, *, lists: bool = True) -> Likeness:
        """Return what the check says; without our `lists` by the forms of the words alone."""
        return likeness(self.one, self.other, lists=lists)

    def called_alike(self, *, lists: bool = True) -> bool:
        """Tell whether the check calls the two the same or one a kind of the other."""
        return self.likeness(lists=lists) in ALIKE


def read_judged_pairs(path: Path) -> list[JudgedPair]:
    """Return the judged pairs of a CSV file with the columns `COLUMNS`.

    Raises:
        InputError: the file is missing or lacks a column.

    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; give a CSV with the columns {', '.join(COLUMNS)}")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not set(COLUMNS) <= rows[0].keys():
        raise InputError(f"{path} lacks one of the columns {', '.join(COLUMNS)}, or has no rows")
    return [JudgedPair(*(row[name] for name in COLUMNS)) for row in rows]


def measure(pairs: Sequence[JudgedPair], *, lists: bool = True) -> dict[str, float]:
    """Return precision and recall of what is called the same or a kind, among the pairs judged so; 0 of nothing."""
    called = [pair.alike for pair in pairs if pair.called_alike(lists=lists)]
    judged = sum(pair.alike for pair in pairs)
    return {
        "pairs": float(len(pairs)),
        "called": float(len(called)),
        "precision": round(sum(called) / len(called), 4) if called else 0.0,
        "recall": round(sum(called) / judged, 4) if judged else 0.0,
    }
