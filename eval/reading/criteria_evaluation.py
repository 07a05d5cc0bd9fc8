"""How well criteria are read, against criteria marked by hand.

The parts of an `all` are criteria of their own, as they are where a marker or the reader wrote them one by one; parts
without figures stay together. A marked criterion is found when a read one's quote overlaps it, both are hard or both need
judgement, and their tests agree: the same comparators, values and units of all figures (10亿元 is 100000万元), and the same
absences. One read criterion finds one marked one. Precision is the share of read criteria that find one, recall the share
of marked ones that are found.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from eval.reading.criteria_gold import Card, Mark
from knowledge_graph.criteria.types import Criterion, Group, Leaf, Test, all_of, is_number, leaves
from knowledge_graph.criteria.units import in_base_unit

Reader = Callable[[Card], Sequence[Criterion]]
Atom = tuple[str, str, str]


def atom_of(leaf: Leaf) -> Atom | None:
    """Return comparator, value and unit of a comparison with a figure or a date, in base units; None for any other.

    An absence is one, whether it is written as `= 0` of something or as `= false`: both say that there is none.
    """
    if leaf.value is False or (leaf.op in ("=", "<=") and is_number(leaf.value) and leaf.value == 0):
        return ("absent", "", "")
    if isinstance(leaf.value, float | int) and not isinstance(leaf.value, bool):
        value, unit = in_base_unit(float(leaf.value), leaf.unit)
        return (leaf.op, f"{value:.4g}", unit)
    if isinstance(leaf.value, str) and leaf.op in ("<", "<=", ">", ">="):
        return (leaf.op, leaf.value, leaf.unit)
    return None


def is_numeric(test: Test) -> bool:
    """Tell whether a test compares with a number."""
    return any(is_number(leaf.value) for leaf in leaves(test))


def conjuncts(test: Test) -> list[Test]:
    """Return what a test asks for one by one: parts of an `all` that have figures alone, the others as one."""
    if not isinstance(test, Group) or test.mode != "all":
        return [test]
    parts = [piece for part in test.parts for piece in conjuncts(part)]
    figured = [part for part in parts if any(atom_of(leaf) for leaf in leaves(part))]
    rest = [part for part in parts if part not in figured]
    return figured + ([all_of(rest)] if rest else [])


def same_test(one: Test, other: Test) -> bool:
    """Tell whether two tests have the same figures and absences, comparators and units included."""
    sets = [{atom for leaf in leaves(test) if (atom := atom_of(leaf)) is not None} for test in (one, other)]
    return sets[0] == sets[1]


@dataclass(slots=True)
class Counts:
    """Marked and read criteria, and those of each that agree with one of the other."""

    marked: int = 0
    read: int = 0
    found: int = 0
    right: int = 0

    def figures(self) -> dict[str, float]:
        """Return precision, recall and F1, each 0 where nothing was counted."""
        precision = self.right / self.read if self.read else 0.0
        recall = self.found / self.marked if self.marked else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


MEASURES = ("criteria", "numeric", "quotes", "as_written")


@dataclass(slots=True)
class Result:
    """What was counted: all criteria, those with a number, quotes alone, and criteria as written, `all` left whole.

    `errors` are lines for people.
    """

    criteria: Counts = field(default_factory=Counts)
    numeric: Counts = field(default_factory=Counts)
    quotes: Counts = field(default_factory=Counts)
    as_written: Counts = field(default_factory=Counts)
    errors: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return {"criteria": {"precision", "recall", "f1"}, "numeric": {…}, "quotes": {…}, "as_written": {…}}."""
        return {name: getattr(self, name).figures() for name in MEASURES}

    def add(self, other: "Result") -> None:
        """Add the counts and errors of another result."""
        for name in MEASURES:
            into, more = getattr(self, name), getattr(other, name)
            for counted in ("marked", "read", "found", "right"):
                setattr(into, counted, getattr(into, counted) + getattr(more, counted))
        self.errors += other.errors


def _overlaps(mark: Mark, criterion: Criterion) -> bool:
    if mark.source == criterion.source:
        return any(low < criterion.end and criterion.start < high for low, high in mark.places)
    return mark.quote in criterion.quote or criterion.quote in mark.quote


def _pairs(weights: list[list[float]]) -> list[tuple[int, int]]:
    if not weights or not weights[0]:
        return []
    matrix = np.array(weights)
    rows, columns = linear_sum_assignment(-matrix)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if matrix[row, column] > 0]


def _describe(kind: str, test: Test, quote: str) -> str:
    figures = ", ".join(f"{leaf.op} {leaf.value} {leaf.unit}".strip() for leaf in leaves(test))
    return f"{kind} [{figures}] {quote}"


def _agreement(marks: Sequence[Mark], read: Sequence[Criterion]) -> list[list[float]]:
    """Return for each mark and criterion whether they agree, a little more where one quote holds the other; 0 if not."""
    return [
        [
            float(_overlaps(mark, one) and mark.kind == one.kind and same_test(mark.test, one.test))
            * (1.0 + 0.01 * (mark.quote in one.quote or one.quote in mark.quote))
            for one in read
        ]
        for mark in marks
    ]


def _count(counts: Counts, marks: Sequence[Mark], read: Sequence[Criterion], found: int) -> None:
    counts.marked += len(marks)
    counts.read += len(read)
    counts.found += found
    counts.right += found


def score_policy(card: Card, marks: Sequence[Mark], read: Sequence[Criterion], result: Result) -> None:
    """Add the counts of one policy to `result`."""
    _count(result.as_written, marks, read, len(_pairs(_agreement(marks, read))))
    quoted = _pairs([[float(_overlaps(mark, one)) for one in read] for mark in marks])
    _count(result.quotes, marks, read, len(quoted))
    marks = [replace(mark, test=test) for mark in marks for test in conjuncts(mark.test)]
    read = [replace(criterion, test=test) for criterion in read for test in conjuncts(criterion.test)]
    pairs = _pairs(_agreement(marks, read))
    _count(result.criteria, marks, read, len(pairs))
    found, right = {row for row, _ in pairs}, {column for _, column in pairs}
    for i, mark in enumerate(marks):
        if is_numeric(mark.test):
            result.numeric.marked += 1
            result.numeric.found += i in found
        if i not in found:
            result.errors.append(f"{mark.policy_id}\tmissed\t{_describe(mark.kind, mark.test, mark.quote)}")
    for j, one in enumerate(read):
        if is_numeric(one.test):
            result.numeric.read += 1
            result.numeric.right += j in right
        if j not in right:
            result.errors.append(f"{card.policy_id}\tspurious\t{_describe(one.kind, one.test, one.quote)}")


def evaluate(cards: Mapping[str, Card], marks: Sequence[Mark], reader: Reader) -> Result:
    """Return how well `reader` reads the criteria of the marked policies, each policy of `marks` read once."""
    result = Result()
    by_policy: dict[str, list[Mark]] = {}
    for mark in marks:
        by_policy.setdefault(mark.policy_id, []).append(mark)
    for policy_id, group in by_policy.items():
        card = cards[policy_id]
        score_policy(card, group, reader(card), result)
    return result
