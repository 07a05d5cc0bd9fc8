"""The card of a match: facts first, then one plain sentence why, then how likely it is; what models say is kept behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.records import Achievement, Demand
from matcher.engine import Engine
from matcher.recommendation import Match, RequirementCheck
from matcher.requirements.brief import NOT_SAID
from serving.dashboard.figures.matching.causes import Cause, agreeing, plain, tones_of, why_of
from serving.dashboard.rendering import money, region

MET, MISSED, UNKNOWN, PLAIN = "met", "missed", "unknown", "plain"
MARKS = {MET: "✓", MISSED: "✗", UNKNOWN: "?", PLAIN: ""}
LEVELS = ("高", "中", "低")
EVEN = 0.5
MAX_CHIPS = 6  # of requirements that something is said of; the rest is behind the details
MAX_SILENT = 2  # requirements of which nothing is said are counted instead of named from here on


@dataclass(frozen=True)
class Chip:
    """One fact about a pair: whether it is met, what to show, and where that comes from."""

    status: str
    text: str
    detail: str = ""

    @property
    def mark(self) -> str:
        """The sign before the text."""
        return MARKS[self.status]


@dataclass(frozen=True)
class Levels:
    """Least probabilities of 高 and 中."""

    high: float
    middle: float

    def of(self, probability: float | None) -> str:
        """Return the level of a probability, "" where there is none."""
        if probability is None:
            return ""
        return LEVELS[0] if probability >= self.high else LEVELS[1] if probability >= self.middle else LEVELS[2]


@dataclass(frozen=True)
class Card:
    """What is shown of one match."""

    match: Match
    chips: tuple[Chip, ...]
    more_chips: tuple[Chip, ...]
    why: str
    level: str
    meaning: str
    causes: tuple[Cause, ...]


def levels_of(engine: Engine) -> Levels | None:
    """Return where the levels of an engine's probabilities begin, None without calibrated ones.

    高 is more likely good than not, and good enough to be an answer; below the average pair and the threshold all is 低.
    """
    scorer = engine.model.scorer
    average = scorer.average if scorer else None
    if scorer is None or average is None:
        return None
    least = scorer.threshold.probability if scorer.threshold else average
    return Levels(max(least, average, EVEN), min(least, average))


def cards_of(
    matches: Sequence[Match], pairs: Sequence[tuple[Demand, Achievement] | None], levels: Levels | None
) -> list[Card]:
    """Return the cards of a list; `pairs` are the records of each match, None for one that is gone."""
    tones = tones_of([match.reasons for match in matches])
    found = []
    for match, pair, own in zip(matches, pairs, tones, strict=True):
        facts = facts_of(*pair) if pair else ()
        asked, more = _requirements(match.requirements)
        settled = [
            agreeing(reason, tone, {chip.text[:2]: chip.status for chip in facts})
            for reason, tone in zip(match.reasons, own, strict=True)
        ]
        causes = tuple(Cause(reason, tone, plain(reason)) for reason, tone in zip(match.reasons, settled, strict=True))
        level = levels.of(match.probability) if levels else ""
        found.append(
            Card(
                match,
                (*asked, *facts),
                more,
                why_of(causes, sum(check.status == MISSED for check in match.requirements)),
                level,
                meaning_of(match.probability) if level else "",
                causes,
            )
        )
    return found


def _requirements(checks: Sequence[RequirementCheck]) -> tuple[tuple[Chip, ...], tuple[Chip, ...]]:
    """Return the chips of checked requirements, and those that would be too many."""
    said = [_requirement(check) for check in checks if check.offered is not None]
    silent = [_requirement(check) for check in checks if check.offered is None]
    if len(silent) > MAX_SILENT:
        names = "；".join(chip.text.removesuffix(NOT_SAID).strip() for chip in silent)
        silent = [Chip(UNKNOWN, f"{len(silent)} 项指标未说明", names)]
    return (*said[:MAX_CHIPS], *silent), tuple(said[MAX_CHIPS:])


def _requirement(check: RequirementCheck) -> Chip:
    status = check.status if check.status in (MET, MISSED) else UNKNOWN
    return Chip(status, check.brief, check.text)


def facts_of(demand: Demand, achievement: Achievement) -> tuple[Chip, ...]:
    """Return price, region and maturity of a pair as chips; what neither side says is left out."""
    return tuple(
        chip for chip in (_price(demand, achievement), _place(demand, achievement), _trl(demand, achievement)) if chip
    )


def _price(demand: Demand, achievement: Achievement) -> Chip | None:
    price = achievement.price_min if achievement.price_min is not None else achievement.price_max
    budget = demand.budget_max if demand.budget_max is not None else demand.budget_min
    said = money(achievement.price_min, achievement.price_max)
    if price is None:
        return (
            Chip(UNKNOWN, "报价未说明", f"预算 {money(demand.budget_min, demand.budget_max)}")
            if budget is not None
            else None
        )
    if budget is None:
        return Chip(PLAIN, f"报价 {said}", "需求没有说明预算")
    inside = price <= budget
    text = f"报价 {price:g} {'≤' if inside else '>'} 预算 {budget:g} 万元"
    return Chip(MET if inside else MISSED, text, f"报价 {said}；预算 {money(demand.budget_min, demand.budget_max)}")


def _place(demand: Demand, achievement: Achievement) -> Chip | None:
    here, there = demand.region or "", achievement.region or ""
    if not there:
        return None
    if not here:
        return Chip(PLAIN, region(there), "需求没有说明地区")
    near = "同城" if here[:4] == there[:4] else "同省" if here[:2] == there[:2] else ""
    detail = f"需求在{region(here)}，成果在{region(there)}"
    return Chip(MET, f"{near} · {region(there)}", detail) if near else Chip(PLAIN, f"外省 · {region(there)}", detail)


def _trl(demand: Demand, achievement: Achievement) -> Chip | None:
    wanted, given = demand.trl_min, achievement.trl
    if given is None:
        return Chip(UNKNOWN, f"成熟度未说明（要求 {wanted} 级）") if wanted is not None else None
    if wanted is None:
        return Chip(PLAIN, f"成熟度 {given} 级")
    inside = given >= wanted
    return Chip(MET if inside else MISSED, f"成熟度 {given} {'≥' if inside else '<'} {wanted} 级")


def meaning_of(probability: float | None) -> str:
    """Return what a probability represents, in an operator's words."""
    if probability is None:
        return ""
    return f"得到同样分数的配对，100 对中约 {100 * probability:.0f} 对被认可（专家评为较强以上，或已联系以上）。"
