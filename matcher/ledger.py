"""The constraint ledger: each requirement of a demand against what an achievement says of itself, both quoted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge_graph.quantities import Quantity

Status = Literal["met", "missed", "unknown", "not_comparable"]
# Confidence in [0, 1] that two quantities measure the same parameter.
Link = Callable[[Quantity, Quantity], float]


@dataclass(frozen=True, slots=True)
class Entry:
    """One requirement and its answer.

    Attributes:
        requirement: of the demand, with its quote and positions.
        answer: the achievement's quantity that decides, None if it says nothing of the parameter.
        status: unknown = nothing said, never a failure; not_comparable = said in another dimension or as a change.
        margin: how far the answer lies inside (positive) or outside (negative) the bound, as a share of the bound;
            None unless met or missed.
        required: (low, high) of the requirement in `unit`, None where open.
        offered: (low, high) of the answer in `unit`, None where open or without answer.
        unit: canonical unit of both.
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
class Ledger:
    """All requirements of a demand against one achievement.

    Attributes:
        entries: in the order of the demand's text.
        share_met: met among requirements that are met or missed, NaN if none is.
        share_known: met or missed among all requirements, NaN if the demand has none.
        worst_margin: smallest margin, NaN if nothing is known.
        hard_misses: requirements missed by more than the stated figures' rounding.

    """

    entries: tuple[Entry, ...]
    share_met: float
    share_known: float
    worst_margin: float
    hard_misses: int


def ledger(
    demand_quantities: Sequence[Quantity], achievement_quantities: Sequence[Quantity], link: Link | None = None
) -> Ledger:
    """Return the ledger of one demand and one achievement.

    Args:
        demand_quantities: of the demand; only those with role `requirement` become entries.
        achievement_quantities: of the achievement; those with role `achieved` decide.
        link: tells the confidence that two quantities measure the same parameter; by default equal names only.

    """
    entries = tuple(
        Entry(quantity, None, "unknown", None, quantity.canonical, None, quantity.canonical_unit, 0.0)
        for quantity in demand_quantities
        if quantity.role == "requirement"
    )
    return summarise(entries)


def summarise(entries: tuple[Entry, ...]) -> Ledger:
    """Return the ledger of entries with its aggregates."""
    known = [entry for entry in entries if entry.margin is not None]
    met = sum(entry.status == "met" for entry in known)
    nothing = float("nan")
    return Ledger(
        entries=entries,
        share_met=met / len(known) if known else nothing,
        share_known=len(known) / len(entries) if entries else nothing,
        worst_margin=min((entry.margin for entry in known if entry.margin is not None), default=nothing),
        hard_misses=sum(entry.status == "missed" for entry in known),
    )
