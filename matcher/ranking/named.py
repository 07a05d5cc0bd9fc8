"""Records that a text names: whoever types a stored title wants that record, whatever a ranker thinks of its words."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.text.normalise import normalise
from matcher.texts.space import RecordText

LEAST_LENGTH = 6  # characters from which on a title with a slip is still recognised; a shorter one has to be exact
LEAST_ALIKE = 0.85  # share of the characters that have to agree
_TOP_GRADE = 4.0


def bare(text: str) -> str:
    """Return a text without white space and letter case, as titles are compared."""
    return "".join(normalise(text).split()).casefold()


def only_title(text: RecordText) -> str:
    """Return the bare title of a record that says nothing else, "" where it says more."""
    title = bare(text.title)
    return title if not text.body or bare(text.body) == title else ""


def named_grades(title: str, titles: Sequence[str]) -> NDArray[np.float64]:
    """Return (n,) the grade that being named gives records with `titles`, 0 to those that a bare `title` does not name.

    The very title gives 4, one with few other characters less, in proportion to their number.
    """
    grades = np.zeros(len(titles))
    if not title:
        return grades
    slips = int((1 - LEAST_ALIKE) * len(title)) if len(title) >= LEAST_LENGTH else 0
    for place, other in enumerate(titles):
        if abs(sum(not char.isspace() for char in other) - len(title)) > slips:
            continue  # most titles: what follows costs more
        distance = edit_distance(title, bare(other), slips)
        if distance <= slips:
            grades[place] = _TOP_GRADE * (1 - distance / len(title))
    return grades


def edit_distance(one: str, other: str, most: int) -> int:
    """Return how many characters have to be inserted, dropped or replaced; `most` + 1 as soon as it is more (Levenshtein)."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before = list(range(len(other) + 1))
    for i, char in enumerate(one, start=1):
        row = [i]
        for j, its in enumerate(other, start=1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (char != its)))
        if min(row) > most:
            return most + 1
        before = row
    return before[-1]
