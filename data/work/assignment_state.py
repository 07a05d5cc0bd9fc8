"""The states of an assignment of a demand to a broker, what leads from one to the next, and when each is due."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from data.errors import ConflictError, InputError
from data.work.working_days import due_after

MAX_NOTE = 1_000


class AssignmentState(StrEnum):
    """How far an assignment has come; the values are what operators read."""

    PROPOSED = "已派单"
    ACCEPTED = "已接单"
    DECLINED = "已拒单"
    TIMED_OUT = "超时未应答"
    CONTACTED = "已联系"
    VISITED = "已走访"
    CLOSED = "已办结"
    RATED = "已评价"
    HANDED_OVER = "已转交"


class Refusal(StrEnum):
    """Why a broker declines."""

    BUSY = "手上任务已满"
    FIELD = "不熟悉该领域"
    DISTANCE = "路途太远"
    CONFLICT = "与该企业有利益关系"
    UNCLEAR = "需求不清楚"
    OTHER = "其他"


class Outcome(StrEnum):
    """What a closed assignment came to."""

    DEAL = "成交"
    NO_DEAL = "未成交"


S = AssignmentState
OPEN = (S.PROPOSED, S.ACCEPTED, S.CONTACTED, S.VISITED)
"""States that take one of a broker's places."""
UNANSWERED = (S.DECLINED, S.TIMED_OUT)
"""Ends after which somebody else has to take the demand."""
BY_PLATFORM = (S.TIMED_OUT, S.HANDED_OVER)
"""States that follow from a due time or from handing over, not from a step that somebody takes."""
# Steps may be left out once it is accepted; nothing leads back. Only what is closed can be rated.
MOVES: dict[AssignmentState, tuple[AssignmentState, ...]] = {
    S.PROPOSED: (S.ACCEPTED, S.DECLINED, S.TIMED_OUT, S.HANDED_OVER),
    S.ACCEPTED: (S.CONTACTED, S.VISITED, S.CLOSED, S.HANDED_OVER),
    S.CONTACTED: (S.VISITED, S.CLOSED, S.HANDED_OVER),
    S.VISITED: (S.CLOSED, S.HANDED_OVER),
    S.CLOSED: (S.RATED,),
    S.RATED: (),
    S.DECLINED: (),
    S.TIMED_OUT: (),
    S.HANDED_OVER: (),
}
# Working days until the next step is due: to answer, to contact, to visit, to close.
DUE_DAYS = {S.PROPOSED: 1, S.ACCEPTED: 2, S.CONTACTED: 5, S.VISITED: 20}
OPERATOR_DAYS = 1
"""Working days that the deputy has, from when a step was due, until the operator takes over."""


@dataclass(frozen=True)
class Step:
    """One change of an assignment. `value` is a refusal, an outcome or a rating from 1 to 5, as the state asks for."""

    assignment: int
    state: AssignmentState
    by: str
    at: datetime
    token: str
    value: str = ""
    note: str = ""
    number: int = 0


@dataclass(frozen=True)
class Assignment:
    """A demand given to a broker, as far as it has come; `due_at` is when the next step is due, None when it ended."""

    number: int
    demand_id: str
    broker_id: str
    state: AssignmentState
    proposed_at: datetime
    proposed_by: str
    changed_at: datetime
    due_at: datetime | None
    # What the choice rested on: distance, skill, load.
    why: dict[str, Any] = field(default_factory=dict)
    outcome: str = ""
    value: str = ""
    note: str = ""

    @property
    def open(self) -> bool:
        """Whether it takes one of the broker's places."""
        return self.state in OPEN


def due_of(state: AssignmentState, at: datetime) -> datetime | None:
    """Return when the step after a state is due; None where none has to follow."""
    days = DUE_DAYS.get(state)
    return None if days is None else due_after(at, days)


def escalation(assignment: Assignment, now: datetime) -> int:
    """Return who has to see to an assignment: 0 its broker, 1 the deputy as well, 2 the operator."""
    if not assignment.open or assignment.due_at is None or now <= assignment.due_at:
        return 0
    return 1 if now <= due_after(assignment.due_at, OPERATOR_DAYS) else 2


def check_step(assignment: Assignment, step: Step, seen: AssignmentState | None) -> None:
    """Admit a step of an assignment as it is now; `seen` is the state that the sender looked at, None if unknown.

    Raises:
        InputError: nothing leads to the state from here, or what it needs is missing.
        ConflictError: somebody else changed it since the sender looked.

    """
    if seen is not None and seen is not assignment.state:
        raise ConflictError(
            f"assignment {assignment.number} is {assignment.state.value} by now, not {seen.value}; look again",
            f"派单 {assignment.number} 已是“{assignment.state.value}”，请刷新后再看",
        )
    possible = MOVES[assignment.state]
    if step.state not in possible:
        ways = "、".join(state.value for state in possible) or "无"
        raise InputError(
            f"assignment {assignment.number} is {assignment.state.value}; it can become {ways}, not {step.state.value}",
            f"派单 {assignment.number} 现为“{assignment.state.value}”，只能变为：{ways}",
        )
    allowed = _values(step.state)
    if allowed is None and step.value:
        raise InputError(f"{step.state.value} takes no value, but got {step.value[:40]!r}")
    if allowed is not None and step.value not in allowed:
        raise InputError(
            f"{step.state.value} needs one of {', '.join(allowed)}, not {step.value[:40]!r}",
            f"“{step.state.value}”需要写明：{'、'.join(allowed)} 之一",
        )
    if len(step.note) > MAX_NOTE:
        raise InputError(f"the note has {len(step.note)} characters; it may have {MAX_NOTE}")


def _values(state: AssignmentState) -> tuple[str, ...] | None:
    """Return what a state's value has to be one of, None where it has none."""
    if state is S.DECLINED:
        return tuple(one.value for one in Refusal)
    if state is S.CLOSED:
        return tuple(one.value for one in Outcome)
    return ("1", "2", "3", "4", "5") if state is S.RATED else None
