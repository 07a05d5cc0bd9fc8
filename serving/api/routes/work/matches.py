"""The work on matches: states, assignments, notes and dates, with their history; every move is an outcome event."""

from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.records import DeclineReason, Identifier
from data.store.store import Store
from data.work.match_state import MAX_NOTE, MOVES, Action, ActionKind, MatchState, MatchWork
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, CONFLICT, NOT_FOUND, responses
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1/matches", tags=["matches"])
Reading = Depends(Needs(Scope.RECOMMEND))
Writing = Depends(Needs(Scope.WRITE_EVENTS))


class Pair(BaseModel):
    """A demand and an achievement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    demand_id: Identifier = Field(examples=["D000001"])
    achievement_id: Identifier = Field(examples=["A000042"])


class ActionRequest(Pair):
    """One thing done with a match."""

    kind: ActionKind = Field(ActionKind.MOVE, examples=["move"])
    value: str = Field(
        max_length=MAX_NOTE, description="A state, a person, a note, an ISO day, or 1", examples=["已联系"]
    )
    operator: str = Field(min_length=1, max_length=90, examples=["张三"])
    token: str = Field(
        min_length=1, max_length=64, description="Of your choice; sending the same again is harmless", examples=["7f3a"]
    )
    reason: DeclineReason | None = Field(None, description="Why it came to nothing, with 不合适", examples=[None])
    note: str = Field("", max_length=MAX_NOTE)
    seen: int | None = Field(None, ge=0, description="`last` of the match as you saw it; guards against overwriting")


class UndoRequest(Pair):
    """Whose latest action on a match is to be taken back."""

    operator: str = Field(min_length=1, max_length=90, examples=["张三"])


class Work(BaseModel):
    """State of a match."""

    model_config = ConfigDict(frozen=True)

    demand_id: str
    achievement_id: str
    state: MatchState = Field(examples=["已联系"])
    reason: DeclineReason | None = None
    assignee: str = ""
    next_date: date | None = None
    shortlisted: bool = False
    note: str = ""
    changed_at: datetime | None = None
    changed_by: str = ""
    last: int = Field(0, description="Number of the latest action; send it as `seen`")
    moves: tuple[MatchState, ...] = Field((), description="States that the match can go to from here")


class ActionEntry(BaseModel):
    """One action of a match's history."""

    model_config = ConfigDict(frozen=True)

    number: int
    kind: ActionKind
    value: str
    operator: str
    at: datetime
    reason: DeclineReason | None = None
    note: str = ""
    undone_at: datetime | None = None


class WorkList(BaseModel):
    """Matches that were worked on, the latest change first."""

    model_config = ConfigDict(frozen=True)

    matches: tuple[Work, ...]


class History(BaseModel):
    """State of a match, and all that was done with it."""

    model_config = ConfigDict(frozen=True)

    match: Work
    actions: tuple[ActionEntry, ...]


@router.post(
    "/actions",
    response_model=Work,
    responses=responses(NOT_FOUND, CONFLICT, *COMMON),
    dependencies=[Writing],
    summary="Act on a match",
)
async def act_on_match(sent: ActionRequest, services: ServicesOf) -> Response:
    """Move, assign, note, date or shortlist a match. A move becomes an outcome event after ten minutes, if not undone."""
    action = Action(
        sent.demand_id,
        sent.achievement_id,
        sent.kind,
        sent.value,
        sent.operator,
        datetime.now(UTC),
        sent.token,
        sent.reason,
        sent.note,
    )
    work = await services.in_store(partial(_act, action=action, seen=sent.seen))
    return json_response(shown(work).model_dump(mode="json"))


@router.post(
    "/undo",
    response_model=Work,
    responses=responses(NOT_FOUND, CONFLICT, *COMMON),
    dependencies=[Writing],
    summary="Undo an action on a match",
)
async def undo_action(sent: UndoRequest, services: ServicesOf) -> Response:
    """Take back an operator's latest action on a match, within ten minutes."""
    work = await services.in_store(
        lambda store: store.matches.undo(sent.demand_id, sent.achievement_id, sent.operator, datetime.now(UTC))
    )
    return json_response(shown(work).model_dump(mode="json"))


@router.get(
    "",
    response_model=WorkList,
    responses=responses(*COMMON),
    dependencies=[Reading],
    summary="List the work on matches",
)
async def list_matches(
    services: ServicesOf,
    state: Annotated[MatchState | None, Query(description="Only matches in this state")] = None,
    assignee: Annotated[str, Query(max_length=90, description="Only matches assigned to this person")] = "",
    limit: Annotated[int, Query(ge=1, le=2000)] = 200,
) -> Response:
    """List the matches that were worked on, the latest change first."""
    found = await services.in_store(lambda store: store.matches.board())
    kept = [
        shown(work)
        for work in found
        if (state is None or work.state is state) and (not assignee or work.assignee == assignee)
    ]
    return json_response(WorkList(matches=tuple(kept[:limit])).model_dump(mode="json"))


@router.get(
    "/history",
    response_model=History,
    responses=responses(*COMMON),
    dependencies=[Reading],
    summary="Read the history of a match",
)
async def match_history(
    services: ServicesOf,
    demand_id: Annotated[Identifier, Query(examples=["D000001"])],
    achievement_id: Annotated[Identifier, Query(examples=["A000042"])],
) -> Response:
    """Return the state of a match and all that was done with it, undone actions too, oldest first."""
    work, actions = await services.in_store(
        lambda store: (store.matches.work(demand_id, achievement_id), store.matches.history(demand_id, achievement_id))
    )
    names = ActionEntry.model_fields
    entries = [ActionEntry(**{name: getattr(action, name) for name in names}) for action in actions]
    return json_response(History(match=shown(work), actions=tuple(entries)).model_dump(mode="json"))


def shown(work: MatchWork) -> Work:
    """Return a match as the API shows it, with the moves that are possible."""
    moves = tuple(state for state in MatchState if state in MOVES[work.state])
    return Work(**vars(work), moves=moves)


def _act(store: Store, action: Action, seen: int | None) -> MatchWork:
    store.demand(action.demand_id)  # NotFoundError names near ids
    store.achievement(action.achievement_id)
    return store.matches.act(action, seen)
