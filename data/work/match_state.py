"""The states of a match and the actions that change it; pure functions over an append-only history."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from data.errors import ConflictError, InputError
from data.records import DeclineReason, EventKind

UNDO = timedelta(minutes=10)
"""How long an action can be taken back; after that it is an outcome event, which stays."""
MAX_NOTE = 1_000


class MatchState(StrEnum):
    """How far a match has come; the values are what operators read."""

    NEW = "新"
    SENT = "已推送"
    CONTACTED = "已联系"
    MEETING = "会面"
    NEGOTIATION = "洽谈"
    DEAL = "成交"
    DECLINED = "不合适"


class ActionKind(StrEnum):
    """What an operator or the platform can do with a match."""

    MOVE = "move"
    ASSIGN = "assign"
    NOTE = "note"
    NEXT_DATE = "next_date"
    SHORTLIST = "shortlist"


_ORDER = list(MatchState)[:-1]  # declined is outside the order
# Steps may be left out, as a platform often hears of a meeting only; none leads back but by undoing or by taking up again
# what was declined. A deal is final.
MOVES: dict[MatchState, frozenset[MatchState]] = {
    state: frozenset(_ORDER[place + 1 :]) | {MatchState.DECLINED} for place, state in enumerate(_ORDER[:-1])
} | {
    MatchState.DEAL: frozenset(),
    MatchState.DECLINED: frozenset(_ORDER[1:]),
}
# The outcome event that a move is for the ranker; being sent is being shown.
EVENTS: dict[MatchState, EventKind] = {
    MatchState.SENT: EventKind.IMPRESSION,
    MatchState.CONTACTED: EventKind.CONTACT,
    MatchState.MEETING: EventKind.MEETING,
    MatchState.NEGOTIATION: EventKind.NEGOTIATION,
    MatchState.DEAL: EventKind.DEAL,
    MatchState.DECLINED: EventKind.DECLINE,
}


@dataclass(frozen=True)
class Action:
    """One thing done with a match. `value` is a state, a person, a note, an ISO day, or "1" or "" for the short list.

    `token` makes sending it twice harmless. `number` is given by the store, in the order of acting.
    """

    demand_id: str
    achievement_id: str
    kind: ActionKind
    value: str
    operator: str
    at: datetime
    token: str
    reason: DeclineReason | None = None
    note: str = ""
    undone_at: datetime | None = None
    number: int = 0


@dataclass(frozen=True)
class MatchWork:
    """What is known of the work on one match; `last` is the number of the latest action that counts, 0 for none."""

    demand_id: str
    achievement_id: str
    state: MatchState = MatchState.NEW
    reason: DeclineReason | None = None
    assignee: str = ""
    next_date: date | None = None
    shortlisted: bool = False
    note: str = ""
    changed_at: datetime | None = None
    changed_by: str = ""
    last: int = 0


def replay(demand_id: str, achievement_id: str, actions: Iterable[Action]) -> MatchWork:
    """Return what the actions on a match, in their order, amount to; undone ones do not count."""
    work = MatchWork(demand_id, achievement_id)
    for action in actions:
        if action.undone_at is None:
            work = apply(work, action)
    return work


def apply(work: MatchWork, action: Action) -> MatchWork:
    """Return the match after an action that `check` admitted."""
    changes: dict[str, object] = {"changed_at": action.at, "changed_by": action.operator, "last": action.number}
    if action.kind is ActionKind.MOVE:
        changes |= {"state": MatchState(action.value), "reason": action.reason}
    elif action.kind is ActionKind.ASSIGN:
        changes["assignee"] = action.value
    elif action.kind is ActionKind.NEXT_DATE:
        changes["next_date"] = date.fromisoformat(action.value) if action.value else None
    elif action.kind is ActionKind.SHORTLIST:
        changes["shortlisted"] = bool(action.value)
    if action.kind is ActionKind.NOTE or action.note:
        changes["note"] = action.value if action.kind is ActionKind.NOTE else action.note
    return replace(work, **changes)  # type: ignore[arg-type]


def check(work: MatchWork, action: Action, seen: int | None) -> None:
    """Admit an action on a match as it is now; `seen` is the `last` that the operator looked at, None if unknown.

    Raises:
        InputError: the value is none of the kind's, the move is not possible, or a reason is missing.
        ConflictError: the state was changed since the operator looked.

    """
    if action.kind is ActionKind.MOVE:
        _check_move(work, action, seen)
    elif action.reason is not None:
        raise InputError(f"a reason belongs to a move to {MatchState.DECLINED.value}, not to {action.kind.value}")
    if action.kind is ActionKind.NEXT_DATE and action.value:
        try:
            date.fromisoformat(action.value)
        except ValueError as error:
            raise InputError(f"the next date is {action.value!r}; give it as 2027-01-31, or leave it empty") from error
    if action.kind is ActionKind.SHORTLIST and action.value not in ("", "1"):
        raise InputError(f'the short list takes "1" (on) or "" (off), not {action.value!r}')
    for text in (action.note, action.value if action.kind is ActionKind.NOTE else ""):
        if len(text) > MAX_NOTE:
            raise InputError(f"the note has {len(text)} characters; it may have {MAX_NOTE}")


def _check_move(work: MatchWork, action: Action, seen: int | None) -> None:
    try:
        target = MatchState(action.value)
    except ValueError as error:
        known = "、".join(state.value for state in MatchState)
        raise InputError(f"no state {action.value!r}; states: {known}") from error
    if seen is not None and seen != work.last and target is not work.state and target not in MOVES[work.state]:
        raise ConflictError(
            f"{work.changed_by} set the match to {work.state.value} meanwhile; from there it cannot go to {target.value}"
        )
    if target is work.state:
        raise ConflictError(f"the match is {work.state.value} already, set by {work.changed_by or 'nobody'}")
    if target not in MOVES[work.state]:
        ways = "、".join(state.value for state in MatchState if state in MOVES[work.state]) or "nothing else"
        raise InputError(f"a match that is {work.state.value} cannot become {target.value}; possible: {ways}")
    if (target is MatchState.DECLINED) != (action.reason is not None):
        raise InputError(f"a reason belongs to {MatchState.DECLINED.value}, and every one has a reason")
