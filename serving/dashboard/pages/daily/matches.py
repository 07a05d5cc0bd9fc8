"""匹配看板: matches by state, and the actions on them: move, assign, note, date, short list, undo."""

import secrets
from datetime import UTC
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from data.dates import CHINA_STANDARD_TIME
from data.errors import InputError, NotFoundError
from data.records import DeclineReason
from data.store.keys import AuditEntry
from data.store.store import Store
from data.work.match_state import Action, ActionKind, MatchState, MatchWork
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import SignedIn, utc_now
from serving.dashboard.page import Page, field, operator_of, see_other
from serving.dashboard.rendering import render
from serving.dashboard.tables import TableSpec
from serving.runtime.services import services_of

SHOWN = 30  # matches of a column
COLUMNS = tuple(state for state in MatchState if state is not MatchState.NEW)


async def board(request: Request) -> Response:
    """Show the matches that were worked on, a column for each state."""
    asked = request.query_params
    assignee, due = asked.get("assignee", ""), asked.get("due", "") == "1"
    columns = await services_of(request).in_store(partial(_columns, assignee=assignee, due=due))
    return render(
        request,
        "board.html",
        title="匹配看板",
        active="board",
        columns=columns,
        assignee=assignee,
        due=due,
        shown=SHOWN,
        today=utc_now().astimezone(CHINA_STANDARD_TIME).date(),
    )


def _columns(store: Store, assignee: str, due: bool) -> list[dict[str, Any]]:
    today = utc_now().astimezone(CHINA_STANDARD_TIME).date()
    works = [
        work
        for work in store.matches.board()
        if (not assignee or work.assignee == assignee)
        and (not due or (work.next_date is not None and work.next_date <= today))
    ]
    columns = []
    for state in COLUMNS:
        here = [work for work in works if work.state is state]
        columns.append({"state": state, "number": len(here), "cards": [_card(store, work) for work in here[:SHOWN]]})
    return columns


def _card(store: Store, work: MatchWork) -> dict[str, Any]:
    return {
        "work": work,
        "demand": _title(store.demand, work.demand_id),
        "achievement": _title(store.achievement, work.achievement_id),
    }


def _title(read: Any, record_id: str) -> str:
    try:
        return str(read(record_id).title)
    except NotFoundError:
        return f"{record_id}（已删除）"


async def act(request: Request) -> Response:
    """Do what a form says with a match and go back to the page it came from."""
    who, services = operator_of(request), services_of(request)
    action = _action(request, who)
    seen = field(request, "seen")
    work = partial(
        _act, action=action, seen=int(seen) if seen.isdecimal() and len(seen) < 10 else None, who=who, request=request
    )
    await services.in_store(work)
    return _back(request, "acted")


async def undo(request: Request) -> Response:
    """Take back the operator's latest action on a match."""
    who, services = operator_of(request), services_of(request)
    demand, achievement = field(request, "demand"), field(request, "achievement")
    await services.in_store(lambda store: store.matches.undo(demand, achievement, who.name, utc_now()))
    return _back(request, "taken_back")


def _action(request: Request, who: SignedIn) -> Action:
    try:
        kind = ActionKind(field(request, "kind"))
        reason = DeclineReason(field(request, "reason")) if field(request, "reason") else None
    except ValueError as error:
        raise InputError("页面已过期，请刷新后重试。") from error
    value = field(request, "value").strip()
    if kind is ActionKind.MOVE and value != MatchState.DECLINED.value:
        reason = None
    return Action(
        field(request, "demand"),
        field(request, "achievement"),
        kind,
        value,
        who.name,
        utc_now().astimezone(UTC),
        field(request, "token")[:64] or secrets.token_hex(16),
        reason,
        field(request, "note").strip(),
    )


def _act(store: Store, action: Action, seen: int | None, who: SignedIn, request: Request) -> None:
    store.demand(action.demand_id)
    store.achievement(action.achievement_id)
    store.matches.act(action, seen)
    subject = f"{action.demand_id} × {action.achievement_id}: {action.kind.value} {action.value}"[:500]
    store.api_keys.note(AuditEntry(action.at, who.actor, "matches.act", subject, request.state.request_id))


def _back(request: Request, notice: str) -> Response:
    """Return to the list, the pair or the board that held the form."""
    demand, achievement = field(request, "demand"), field(request, "achievement")
    came_from = field(request, "from")
    if came_from == "desk":
        return see_other(request, "/browse", **{**dict(parse_qsl(field(request, "query")[1:])), "notice": notice})
    if came_from == "list":
        return see_other(request, "/browse/demand", id=demand, notice=notice)
    if came_from == "board":
        return see_other(request, "/matches", notice=notice)
    return see_other(request, "/browse/pair", demand=demand, achievement=achievement, notice=notice)


PAGES = (
    Page("/matches", board),
    Page("/matches/act", act, Role.REVIEWER, post=True),
    Page("/matches/undo", undo, Role.REVIEWER, post=True),
)
TABLES: tuple[TableSpec, ...] = ()
