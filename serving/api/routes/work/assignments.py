"""Dispatch of demands to brokers: proposals, answers, steps, handing over, and how it all goes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.records import Identifier
from data.store.store import Store
from data.work.assignment_state import BY_PLATFORM, MAX_NOTE, MOVES, Assignment, AssignmentState, Step, escalation
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, CONFLICT, NOT_FOUND, responses
from serving.runtime.dispatching import MAX_BATCH, dispatch, hand_over
from serving.runtime.dispatching import summary as summarise
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1", tags=["assignments"])
Reading = Depends(Needs(Scope.RECOMMEND))
Writing = Depends(Needs(Scope.WRITE_EVENTS))
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the assignment", examples=[17])]
Operator = Annotated[str, Field(min_length=1, max_length=90, examples=["张三"])]


class DispatchRequest(BaseModel):
    """Which demands are to be proposed to brokers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    demand_ids: tuple[Identifier, ...] | None = Field(
        None,
        max_length=MAX_BATCH,
        description="Absent: every open demand that nobody works on, the oldest first",
        examples=[["D000001", "D000002"]],
    )
    operator: Operator
    dry_run: bool = Field(False, description="Only tell who would get what")


class AssignmentView(BaseModel):
    """An assignment of a demand to a broker."""

    model_config = ConfigDict(frozen=True)

    number: int = Field(examples=[17])
    demand_id: str = Field(examples=["D000001"])
    broker_id: str = Field(examples=["B0001"])
    state: AssignmentState = Field(examples=["已派单"])
    proposed_at: datetime
    proposed_by: str
    changed_at: datetime
    due_at: datetime | None = Field(description="When the next step is due, by working days")
    escalation: int = Field(
        ge=0, le=2, description="0 the broker, 1 the deputy as well, 2 the operator has to see to it"
    )
    outcome: str = ""
    value: str = ""
    note: str = ""
    why: dict[str, Any] = Field(description="What the choice rested on: km, skill, closed, won, open, limit")
    next: tuple[AssignmentState, ...] = Field(description="States that it can go to from here")


class Planned(BaseModel):
    """A proposal that was not written."""

    model_config = ConfigDict(frozen=True)

    demand_id: str
    broker_id: str
    why: dict[str, Any]


class DispatchAnswer(BaseModel):
    """What a dispatch came to."""

    model_config = ConfigDict(frozen=True)

    assignments: tuple[AssignmentView, ...]
    planned: tuple[Planned, ...] = Field(description="With `dry_run`: what would be proposed")
    left: tuple[str, ...] = Field(description="Demands that nobody can take now, or that somebody has already")


class StepRequest(BaseModel):
    """A step of an assignment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: AssignmentState = Field(examples=["已接单"])
    operator: Operator
    token: str = Field(
        min_length=1, max_length=64, description="Of your choice; sending the same again is harmless", examples=["7f3a"]
    )
    value: str = Field(
        "", max_length=40, description="已拒单: the reason; 已办结: 成交 or 未成交; 已评价: 1 to 5", examples=[""]
    )
    note: str = Field("", max_length=MAX_NOTE)
    seen: AssignmentState | None = Field(None, description="State as you saw it; guards against overwriting")


class HandOverRequest(BaseModel):
    """Whose open assignments go to somebody else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    broker_id: Identifier = Field(examples=["B0001"])
    to: str = Field("", max_length=128, description="Absent: the deputy", examples=["B0002"])
    operator: Operator


class StepEntry(BaseModel):
    """One step of an assignment's history."""

    model_config = ConfigDict(frozen=True)

    state: AssignmentState
    by: str
    at: datetime
    value: str = ""
    note: str = ""


class AssignmentHistory(BaseModel):
    """An assignment and the steps since its proposal, oldest first."""

    model_config = ConfigDict(frozen=True)

    assignment: AssignmentView
    steps: tuple[StepEntry, ...]


class AssignmentList(BaseModel):
    """Assignments, the latest change first."""

    model_config = ConfigDict(frozen=True)

    assignments: tuple[AssignmentView, ...]


class BrokerLoad(BaseModel):
    """How much a broker has to do."""

    model_config = ConfigDict(frozen=True)

    broker_id: str
    name: str
    open: int
    limit: int
    away: bool


class DispatchSummary(BaseModel):
    """How dispatching goes."""

    model_config = ConfigDict(frozen=True)

    median_hours: dict[str, float] = Field(description="By state: hours from the step before, the median")
    load: tuple[BrokerLoad, ...]
    overdue: tuple[AssignmentView, ...] = Field(description="The most urgent first")
    unplaced: tuple[str, ...] = Field(description="Demands that were refused and that an operator has to place")


@router.post(
    "/dispatch",
    response_model=DispatchAnswer,
    responses=responses(NOT_FOUND, *COMMON),
    dependencies=[Writing],
    summary="Propose demands to brokers",
)
async def dispatch_demands(sent: DispatchRequest, services: ServicesOf) -> Response:
    """Assign demands at the least total cost (way, skill, load, fair share) under the brokers' capacities.

    A demand that somebody works on is left alone, so that sending the request again changes nothing. Proposals have to be
    answered within a working day; then they go to the deputy, then to an operator.
    """
    now = datetime.now(UTC)
    ids = None if sent.demand_ids is None else list(sent.demand_ids)
    found = await services.in_store(
        lambda store: dispatch(store, sent.operator, now, ids, dry_run=sent.dry_run), patient=True
    )
    planned = tuple(Planned(**vars(one)) for one in found.proposals) if sent.dry_run else ()
    answer = DispatchAnswer(assignments=tuple(shown(one, now) for one in found.made), planned=planned, left=found.left)
    return json_response(answer.model_dump(mode="json"))


@router.get(
    "/assignments",
    response_model=AssignmentList,
    responses=responses(*COMMON),
    dependencies=[Reading],
    summary="List assignments",
)
async def list_assignments(
    services: ServicesOf,
    state: Annotated[AssignmentState | None, Query(description="Only in this state")] = None,
    broker_id: Annotated[str, Query(max_length=128)] = "",
    demand_id: Annotated[str, Query(max_length=128)] = "",
    overdue: Annotated[bool, Query(description="Only those whose next step is late")] = False,
    limit: Annotated[int, Query(ge=1, le=2000)] = 200,
) -> Response:
    """List assignments, the latest change first."""
    now = datetime.now(UTC)
    work = partial(
        _listed,
        states=() if state is None else (state,),
        broker=broker_id,
        demand=demand_id,
        before=now if overdue else None,
        limit=limit,
    )
    found = await services.in_store(work)
    return json_response(AssignmentList(assignments=tuple(shown(one, now) for one in found)).model_dump(mode="json"))


@router.get(
    "/assignments/summary",
    response_model=DispatchSummary,
    responses=responses(*COMMON),
    dependencies=[Reading],
    summary="See how dispatching goes",
)
async def dispatch_summary(services: ServicesOf) -> Response:
    """Return the median hours of each step, the load of each broker, what is overdue and what nobody took."""
    now = datetime.now(UTC)
    found = await services.in_store(lambda store: summarise(store, now))
    answer = DispatchSummary(
        median_hours=found.medians,
        load=tuple(BrokerLoad(**one) for one in found.load),
        overdue=tuple(shown(one, now) for one, _ in found.overdue),
        unplaced=tuple(one.demand_id for one in found.unplaced),
    )
    return json_response(answer.model_dump(mode="json"))


@router.post(
    "/assignments/handover",
    response_model=AssignmentList,
    responses=responses(NOT_FOUND, *COMMON),
    dependencies=[Writing],
    summary="Hand a broker's work over",
)
async def hand_over_assignments(sent: HandOverRequest, services: ServicesOf) -> Response:
    """Propose all open assignments of a broker to the deputy or another broker, all or none."""
    now = datetime.now(UTC)
    made = await services.in_store(lambda store: hand_over(store, sent.broker_id, sent.operator, now, sent.to))
    return json_response(AssignmentList(assignments=tuple(shown(one, now) for one in made)).model_dump(mode="json"))


@router.get(
    "/assignments/{number}",
    response_model=AssignmentHistory,
    responses=responses(NOT_FOUND, *COMMON),
    dependencies=[Reading],
    summary="Read an assignment",
)
async def get_assignment(number: Number, services: ServicesOf) -> Response:
    """Return an assignment with its history."""
    one, steps = await services.in_store(lambda store: (store.assignments.get(number), store.assignments.steps(number)))
    entries = tuple(StepEntry(**{name: getattr(step, name) for name in StepEntry.model_fields}) for step in steps)
    found = AssignmentHistory(assignment=shown(one, datetime.now(UTC)), steps=entries)
    return json_response(found.model_dump(mode="json"))


@router.post(
    "/assignments/{number}/steps",
    response_model=AssignmentView,
    responses=responses(NOT_FOUND, CONFLICT, *COMMON),
    dependencies=[Writing],
    summary="Take a step of an assignment",
)
async def step_assignment(number: Number, sent: StepRequest, services: ServicesOf) -> Response:
    """Accept, decline, or note contact, visit, end and rating. A declined demand goes to the next best broker by itself."""
    now = datetime.now(UTC)
    step = Step(number, sent.state, sent.operator, now, sent.token, sent.value, sent.note)
    done = await services.in_store(lambda store: store.assignments.act(step, sent.seen))
    if done.state is AssignmentState.DECLINED:
        services.dispatcher.wake()
    return json_response(shown(done, now).model_dump(mode="json"))


def shown(one: Assignment, now: datetime) -> AssignmentView:
    """Return an assignment as the API shows it; what the platform alone does is no next state."""
    ways = tuple(state for state in MOVES[one.state] if state not in BY_PLATFORM)
    return AssignmentView(**vars(one), escalation=escalation(one, now), next=ways)


def _listed(
    store: Store, states: Sequence[AssignmentState], broker: str, demand: str, before: datetime | None, limit: int
) -> list[Assignment]:
    return store.assignments.listed(states, broker, demand, before, limit)
