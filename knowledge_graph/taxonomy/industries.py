"""GB/T 4754-2017: industries by code, and how far two industries are apart."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from knowledge_graph.taxonomy.tables import read_rows, shipped

_CODE = re.compile(r"([A-T])?(\d{2,4})?", re.ASCII)
PER_RECORD = 3
"""Industries of a record that count, in its order."""
FURTHEST = 4.0


@dataclass(frozen=True)
class Industries:
    """`names` and `parents` by code: section letters, then 2, 3 and 4 digits."""

    names: dict[str, str]
    parents: dict[str, str]

    def section(self, code: str) -> str:
        """Return the section letter of a code, "" if its division is unknown."""
        return code if code in self.names and code.isalpha() else self.parents.get(code[:2], "")

    def name(self, code: str) -> str:
        """Return the name of the nearest known industry at or above `code`, "" if there is none.

        A code may carry its section letter (`C26`).
        """
        letter, digits = (code[0], code[1:]) if code[:1].isalpha() else ("", code)
        while digits and digits not in self.names:
            digits = digits[:-1]
        return self.names.get(digits or letter, "")

    def encode(self, codes: Sequence[str]) -> NDArray[np.int32]:
        """Return (PER_RECORD, 4) int32: section, division, group and class of each code; -1 where the code stops short.

        Codes may carry their section letter (`C26`); what is no known industry is left out.
        """
        result = np.full((PER_RECORD, 4), -1, dtype=np.int32)
        place = 0
        for raw in codes:
            match = _CODE.fullmatch(raw.strip().upper())
            code = (match.group(2) or match.group(1) or "") if match else ""
            section = self.section(code)
            if not section or place == PER_RECORD:
                continue
            result[place, 0] = ord(section[0])
            if code.isdigit():
                for level, digits in enumerate((2, 3, 4), start=1):
                    if len(code) >= digits:
                        result[place, level] = int(code[:digits])
            place += 1
        return result


def industry_distance(one: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return (n,) float32: 0 same class, 1 group, 2 division, 3 section, 4 nothing in common; NaN if unknown.

    `one` is (PER_RECORD, 4), `others` (n, PER_RECORD, 4), as `Industries.encode` makes them. The nearest pair counts.
    Where the shorter code ends, the two are taken as equal no further than the middle of what remains open.
    """
    return nearest_industry(one, others)


@numba.njit(nogil=True, cache=True)
def nearest_industry(one: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float32]:
    """Compute `industry_distance`."""
    result = np.full(len(others), np.nan, dtype=np.float32)
    for i in range(len(others)):
        for a in range(one.shape[0]):
            if one[a, 0] < 0:
                continue
            for b in range(others.shape[1]):
                if others[i, b, 0] < 0:
                    continue
                common = 0
                while common < 4 and one[a, common] == others[i, b, common] and one[a, common] >= 0:
                    common += 1
                distance = 4.0 - common
                if 0 < common < 4 and (one[a, common] < 0 or others[i, b, common] < 0):
                    distance -= 0.5 * (4 - common)
                if np.isnan(result[i]) or distance < result[i]:
                    result[i] = distance
    return result


def load_industries(path: Path | None = None) -> Industries:
    """Return the shipped sections and divisions, or the full table from a CSV with columns code, parent, name.

    Raises:
        InputError: the file is missing or has other columns.

    """
    return _shipped() if path is None else _of(read_rows(path, "code", "parent", "name"))


@lru_cache(maxsize=1)
def _shipped() -> Industries:
    return _of(read_rows(shipped("industries.csv"), "code", "parent", "name"))


def _of(rows: Iterable[dict[str, str]]) -> Industries:
    table = list(rows)
    return Industries({row["code"]: row["name"] for row in table}, {row["code"]: row["parent"] for row in table})
