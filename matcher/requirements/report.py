"""The requirement report: each requirement of a demand against what an achievement says of itself, both quoted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.quantities import Quantity
from knowledge_graph.quantities.names import Encode, Synonyms
from matcher.requirements.rules import HARD, MET, MISSED, UNKNOWN, decide
from matcher.requirements.table import QuantityTable, Rows

Status = Literal["met", "missed", "unknown", "not_comparable"]
STATUSES: tuple[Status, ...] = ("unknown", "met", "missed", "not_comparable")


@dataclass(frozen=True, slots=True)
class Entry:
    """One requirement and its answer.

    Attributes:
        requirement: of the demand, with its quote and positions.
        answer: the achievement's quantity that decides, None if it says nothing of the parameter.
        status: unknown = nothing said that decides, never a failure; not_comparable = said in another dimension or as a
            change where a level is asked for.
        margin: how far the answer lies inside (positive) or outside (negative) the bound, as a share of the bound in
            [-1, 1]; None unless met or missed.
        required: (low, high) of the requirement in `unit`, None where open.
        offered: (low, high) of the answer in its canonical unit, None where open or without answer.
        unit: canonical unit of the requirement.
        link: confidence in [0, 1] that both measure the same parameter.

    """

    requirement: Quantity
    answer: Quantity | None
    status: Status
    margin: float | None
    required: tuple[float | None, float | None]
    offered: tuple[float | None, float | None] | None
    unit: str
    link: float


@dataclass(frozen=True, slots=True)
class RequirementReport:
    """All requirements of a demand against one achievement.

    Attributes:
        entries: in the order of the demand's text.
        share_met: met among requirements that are met or missed, NaN if none is.
        share_known: met or missed among all requirements, NaN if the demand has none.
        worst_margin: smallest margin, NaN if nothing is known.
        hard_misses: requirements missed by more than `rules.HARD` of their bound.

    """

    entries: tuple[Entry, ...]
    share_met: float
    share_known: float
    worst_margin: float
    hard_misses: int


@dataclass(frozen=True)
class RequirementMatches:
    """The requirement reports of n pairs, requirement by requirement.

    Columns (s,), one slot for each requirement of each pair: `pair` int64; `row` of the requirement in `wanted`;
    `status` int8 (see `rules.NAMES`); `margin` float64, NaN unless met or missed; `answer` row of the deciding
    quantity in `offered`, -1 without one; `confidence` float32 of the link; `same_unit` and `unit_met` bool: some claim
    has the requirement's unit, and one of those would meet it.
    """

    wanted: QuantityTable
    offered: QuantityTable
    pairs: int
    pair: Rows
    row: Rows
    status: NDArray[np.int8]
    margin: NDArray[np.float64]
    answer: Rows
    confidence: NDArray[np.float32]
    same_unit: NDArray[np.bool_]
    unit_met: NDArray[np.bool_]

    def count(self, slots: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return (n,) how many of each pair's slots are set."""
        return np.bincount(self.pair[slots], minlength=self.pairs).astype(np.float64)

    @cached_property
    def _read(self) -> dict[int, Quantity]:
        """Requirements read so far, by row: every pair of a demand asks for the same ones."""
        return {}

    @cached_property
    def requirements(self) -> NDArray[np.float64]:
        """(n,) requirements of each pair's demand."""
        return np.bincount(self.pair, minlength=self.pairs).astype(np.float64)

    @cached_property
    def known(self) -> NDArray[np.float64]:
        """(n,) requirements met or missed."""
        return self.count((self.status == MET) | (self.status == MISSED))

    @cached_property
    def share_met(self) -> NDArray[np.float64]:
        """(n,) met among known, NaN if nothing is known."""
        return _share(self.count(self.status == MET), self.known)

    @cached_property
    def share_known(self) -> NDArray[np.float64]:
        """(n,) known among all requirements, NaN if there are none."""
        return _share(self.known, self.requirements)

    @cached_property
    def worst_margin(self) -> NDArray[np.float64]:
        """(n,) smallest margin, NaN if nothing is known."""
        worst = np.full(self.pairs, np.inf)
        decided = ~np.isnan(self.margin)
        np.minimum.at(worst, self.pair[decided], self.margin[decided])
        return np.where(np.isinf(worst), np.nan, worst)

    @cached_property
    def hard_misses(self) -> NDArray[np.float64]:
        """(n,) requirements missed by more than `HARD` of their bound."""
        return self.count((self.status == MISSED) & (self.margin < -HARD))

    def report(self, pair: int) -> RequirementReport:
        """Return the requirement report of one pair, with its quantities in full."""
        return RequirementReport(
            entries=tuple(self._entry(slot) for slot in np.flatnonzero(self.pair == pair).tolist()),
            share_met=float(self.share_met[pair]),
            share_known=float(self.share_known[pair]),
            worst_margin=float(self.worst_margin[pair]),
            hard_misses=int(self.hard_misses[pair]),
        )

    def _requirement(self, row: int) -> Quantity:
        if row not in self._read:
            self._read[row] = self.wanted.quantity(row)
        return self._read[row]

    def _entry(self, slot: int) -> Entry:
        requirement = self._requirement(int(self.row[slot]))
        row = int(self.answer[slot])
        answer = self.offered.quantity(row) if row >= 0 else None
        margin = float(self.margin[slot])
        return Entry(
            requirement=requirement,
            answer=answer,
            status=STATUSES[int(self.status[slot])],
            margin=None if np.isnan(margin) else round(margin, 6),
            required=requirement.canonical,
            offered=None if answer is None else answer.canonical,
            unit=requirement.canonical_unit,
            link=round(float(self.confidence[slot]), 4),
        )


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def compare(wanted: QuantityTable, demands: Rows, offered: QuantityTable, achievements: Rows) -> RequirementMatches:
    """Return the reports of n pairs: records `demands` of `wanted` with records `achievements` of `offered`, (n,) each.

    Per requirement the best linked quantity decides; of equally well linked ones that disagree none does (unknown).
    """
    asked, claimed = wanted.requirements, offered.claims
    pair, row = _spread(asked.starts[demands], asked.sizes[demands])
    row = asked.rows[row]
    slots = len(pair)
    reports = RequirementMatches(
        wanted, offered, len(demands), pair, row, np.full(slots, UNKNOWN, dtype=np.int8), np.full(slots, np.nan),
        np.full(slots, -1, dtype=np.int64), np.zeros(slots, dtype=np.float32), np.zeros(slots, dtype=np.bool_),
        np.zeros(slots, dtype=np.bool_),
    )  # fmt: skip
    decide(
        pair, row, wanted.codes, wanted.ends, wanted.names.codes, wanted.names.vectors,
        achievements, claimed.starts, claimed.sizes, claimed.rows, offered.codes, offered.ends, offered.names.codes,
        offered.names.vectors, reports.status, reports.margin, reports.answer, reports.confidence, reports.same_unit,
        reports.unit_met,
    )  # fmt: skip
    return reports


def _spread(starts: Rows, sizes: Rows) -> tuple[Rows, Rows]:
    """Return (which range, position) of all positions of the ranges [start, start + size)."""
    ends = np.cumsum(sizes)
    which = np.repeat(np.arange(len(sizes)), sizes)
    return which, np.arange(len(which)) + np.repeat(starts - ends + sizes, sizes)


FEATURES = (
    "requirements_stated",
    "requirements_share_met",
    "requirements_share_known",
    "requirements_worst_margin",
    "requirements_hard_misses",
    "requirements_same_unit",
    "requirements_unit_met",
)


def requirement_features(
    wanted: QuantityTable, demands: Rows, offered: QuantityTable, achievements: Rows
) -> NDArray[np.float32]:
    """Return (n, len(FEATURES)) float32 features of n pairs, see `compare` for the arguments.

    Number of requirements (0 upwards), share met among known and share known among all in [0, 1], smallest margin in
    [-1, 1], number of hard misses, share of requirements in whose unit the achievement states anything, and share of
    those that such a statement, of whatever parameter, would meet. NaN where nothing is known.
    """
    reports = compare(wanted, demands, offered, achievements)
    shared = reports.count(reports.same_unit)
    columns = (
        reports.requirements,
        reports.share_met,
        reports.share_known,
        reports.worst_margin,
        reports.hard_misses,
        _share(shared, reports.requirements),
        _share(reports.count(reports.unit_met), shared),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def report(
    demand_quantities: Sequence[Quantity],
    achievement_quantities: Sequence[Quantity],
    *,
    encode: Encode | None = None,
    synonyms: Synonyms | None = None,
) -> RequirementReport:
    """Return the requirement report of one demand and one achievement.

    Args:
        demand_quantities: of the demand; only those with role `requirement` become entries.
        achievement_quantities: of the achievement; those with role `achieved` decide, or less surely `setting`.
        encode: texts to unit vectors, to link names that the domain's list does not know.
        synonyms: other names of a term, from the knowledge graph.

    """
    wanted = QuantityTable.build([demand_quantities], encode, synonyms)
    offered = QuantityTable.build([achievement_quantities], encode, synonyms)
    first = np.zeros(1, dtype=np.int64)
    return compare(wanted, first, offered, first).report(0)
