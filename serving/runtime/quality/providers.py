"""Providers and stale records as people see to them: what evaluations come to, a review, and what somebody does."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from data.quality.ladder import Action, Step, Subject, acted, appealed, state_of
from data.quality.ratings import Rating, folded, norms, ratings, suspicions
from data.store.keys import AuditEntry
from data.store.store import Store
from data.store.trust.review import review


@dataclass(frozen=True)
class ProviderState:
    """State and evaluations of a provider; `left_out` counts those that do not count, by reason."""

    state: str
    appealed: bool
    counted: int
    left_out: Mapping[str, int]
    # By scale, from five evaluations on.
    ratings: Mapping[str, Rating]
    history: list[Step]


def provider_state(store: Store, name: str, now: datetime) -> ProviderState:
    """Return state, history and, from five evaluations on, the ratings of a provider."""
    given = store.quality.evaluations()
    suspect = suspicions(given)
    counted = [one for one in given if one.token not in suspect]
    own = folded(name)
    mine = [one for one in counted if folded(one.provider) == own]
    reasons: Counter[str] = Counter(
        suspect[one.token] for one in given if one.token in suspect and folded(one.provider) == own
    )
    history = store.quality.history("provider", "", name)
    return ProviderState(
        state_of(history), appealed(history), len(mine), dict(reasons), ratings(mine, norms(counted, now), now), history
    )


def review_all(store: Store, now: datetime, entry: AuditEntry, *, write: bool) -> list[Step]:
    """Return the steps that the rules ask for, and take them if `write`."""
    steps = review(store.quality, now)
    if write:
        store.quality.append(steps)
        store.api_keys.note(replace(entry, subject=f"{len(steps)} 步"))
    return steps


def act(store: Store, subject: Subject, kind: str, name: str, action: Action, reason: str, entry: AuditEntry) -> Step:
    """Take a step of somebody's and return it; see `data.quality.ladder.acted`.

    Raises:
        InputError: the subject is in no state in which that is possible.

    """
    history = store.quality.history(subject, kind, name)
    step = acted(subject, kind, name, history, action, entry.actor, entry.at, reason)
    store.quality.append([step])
    store.api_keys.note(replace(entry, subject=f"{kind} {name}"[:500]))
    return step
