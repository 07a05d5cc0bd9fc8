"""Technology fields of technical-contract registration, their other names, and how near they are."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.taxonomy.tables import read_rows, shipped

UNKNOWN_FIELD = -1


@dataclass(frozen=True)
class Fields:
    """Field k has `codes[k]` and `names[k]`; `distance` (F, F) float32: 0 same, 1 related, 2 other."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    distance: NDArray[np.float32]
    numbers: dict[str, int]

    def number(self, label: str) -> int:
        """Return the number of the field that a record's label means, `UNKNOWN_FIELD` if that is not known.

        A label matches by code, name or other name, exactly or else by the longest known name it contains.
        """
        text = label.strip()
        if not text:
            return UNKNOWN_FIELD
        if text in self.numbers:
            return self.numbers[text]
        inside = [name for name in self.numbers if len(name) > 1 and not name.isdigit() and name in text]
        return self.numbers[max(inside, key=len)] if inside else UNKNOWN_FIELD


def field_distance(fields: Fields, one: int, others: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return (n,) float32: 0 same field, 1 related, 2 other, NaN if either is unknown."""
    if one < 0:
        return np.full(len(others), np.nan, dtype=np.float32)
    return np.where(others >= 0, fields.distance[one][others], np.nan).astype(np.float32)


@lru_cache(maxsize=1)
def load_fields() -> Fields:
    """Return the shipped fields."""
    rows = read_rows(shipped("fields.csv"), "code", "name", "aliases", "related", "words")
    order = {row["code"]: number for number, row in enumerate(rows)}
    distance = np.full((len(rows), len(rows)), 2.0, dtype=np.float32)
    numbers: dict[str, int] = {}
    for number, row in enumerate(rows):
        for related in row["related"].split():
            distance[number, order[related]] = distance[order[related], number] = 1.0
        for name in (row["code"], row["name"], *row["aliases"].split("|")):
            numbers.setdefault(name, number)
    np.fill_diagonal(distance, 0.0)
    return Fields(
        tuple(order),
        tuple(row["name"] for row in rows),
        tuple(tuple(row["words"].split()) for row in rows),
        distance,
        numbers,
    )
