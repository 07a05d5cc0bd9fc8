"""Requirements with figures that no candidate is known to meet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.records import Achievement, Demand
from knowledge_graph.quantities import Quantity
from knowledge_graph.quantities.names import Encode
from matcher.requirements.report import Entry, RequirementReport, compare
from matcher.requirements.table import QuantityTable, quantities_of

NEAREST = 3  # nearest answers shown of a requirement that nobody meets


@dataclass(frozen=True)
class Nearest:
    """How near an achievement comes to a requirement that it misses; `margin` is a share of the bound, below 0."""

    achievement_id: str
    title: str
    quote: str
    margin: float | None


@dataclass(frozen=True)
class UnmetRequirement:
    """A requirement that no candidate is known to meet, with the candidates that come nearest, nearest first."""

    requirement: str
    missed: int
    unknown: int
    nearest: tuple[Nearest, ...]


def unmet_requirements(
    demand: Demand, achievements: Sequence[Achievement], encode: Encode | None = None
) -> tuple[UnmetRequirement, ...]:
    """Return the quantified requirements that none of the achievements is known to meet, in the order of the text.

    `encode` turns texts into unit vectors and links names of parameters that the domain's list does not know.
    """
    wanted = [item for item in quantities_of(demand) if item.role == "requirement"]
    if not wanted:
        return ()
    if not achievements:
        return tuple(UnmetRequirement(item.quote, 0, 0, ()) for item in wanted)
    offered = [found.entries for found in requirement_reports_of(wanted, achievements, encode)]
    unmet = []
    for place, entry in enumerate(offered[0]):
        answers = [(achievement, own[place]) for achievement, own in zip(achievements, offered, strict=True)]
        if any(answer.status == "met" for _, answer in answers):
            continue
        missed = [(achievement, answer) for achievement, answer in answers if answer.status == "missed"]
        missed.sort(key=lambda pair: (-_margin(pair[1]), pair[0].record_id))
        nearest = tuple(
            Nearest(
                achievement.achievement_id,
                achievement.title,
                answer.answer.quote if answer.answer else "",
                None if answer.margin is None else float(answer.margin),
            )
            for achievement, answer in missed[:NEAREST]
        )
        unmet.append(UnmetRequirement(entry.requirement.quote, len(missed), len(answers) - len(missed), nearest))
    return tuple(unmet)


def requirement_reports_of(
    wanted: Sequence[Quantity], achievements: Sequence[Achievement], encode: Encode | None = None
) -> list[RequirementReport]:
    """Return the requirement reports of one demand's quantities with each of the achievements, in that order."""
    asked = QuantityTable.build([wanted], encode)
    offered = QuantityTable.build(map(quantities_of, achievements), encode)
    rows = np.arange(len(achievements), dtype=np.int64)
    compared = compare(asked, np.zeros_like(rows), offered, rows)
    return [compared.report(pair) for pair in rows.tolist()]


def _margin(entry: Entry) -> float:
    return entry.margin if entry.margin is not None else -np.inf
