"""A review of all providers and records on a day: which rule applies to whom, and the step that follows."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from data.quality.ladder import PAUSE_DAYS, POOR, Step, Subject, next_step
from data.quality.ratings import Evaluation, folded, norms, ratings, suspicions
from data.store.trust.quality import Quality


def review(quality: Quality, now: datetime, subjects: Iterable[Subject] = ("provider", "record")) -> list[Step]:
    """Return the steps that a review at a moment takes; nothing is written."""
    steps = []
    for subject in subjects:
        steps += _providers(quality, now) if subject == "provider" else _records(quality, now)
    return steps


def counted_by_provider(evaluations: list[Evaluation]) -> dict[str, list[Evaluation]]:
    """Return the evaluations that count, by the provider's folded name."""
    left_out = suspicions(evaluations)
    found: dict[str, list[Evaluation]] = {}
    for one in evaluations:
        if one.token not in left_out:
            found.setdefault(folded(one.provider), []).append(one)
    return found


def provider_rules(quality: Quality, now: datetime) -> dict[str, str | None]:
    """Return which rule applies to each provider at a moment, None where none does; by name."""
    counted = counted_by_provider([one for one in quality.evaluations() if one.at <= now])
    normal = norms((one for given in counted.values() for one in given), now)
    asleep = now - timedelta(days=PAUSE_DAYS["P1"])
    rules: dict[str, str | None] = {}
    for name, last in sorted(quality.last_active().items()):
        found = ratings(counted.get(folded(name), ()), normal, now)
        poor = any(rating.high < POOR for rating in found.values())
        rules[name] = "P1" if last < asleep else "P2" if poor else None
    return rules


def _providers(quality: Quality, now: datetime) -> list[Step]:
    histories = quality.histories("provider")
    steps = []
    for name, rule in provider_rules(quality, now).items():
        step = next_step("provider", "", name, histories.get(("provider", "", name), []), rule, now)
        if step is not None:
            steps.append(step)
    return steps


def _records(quality: Quality, now: datetime) -> list[Step]:
    stale = now - timedelta(days=PAUSE_DAYS["R1"])
    histories = quality.histories("record")
    steps = []
    for (kind, record_id), last in sorted(quality.last_confirmed().items()):
        rule = "R1" if last < stale else None
        step = next_step("record", kind, record_id, histories.get(("record", kind, record_id), []), rule, now)
        if step is not None:
            steps.append(step)
    return steps
