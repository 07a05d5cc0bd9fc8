"""派单: demands that wait for a broker, assignments on their way, what is late, and how much everybody has to do."""

import secrets
from collections import Counter
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from data.dates import CHINA_STANDARD_TIME
from data.errors import InputError, NotFoundError
from data.store.keys import AuditEntry
from data.store.store import Store
from data.taxonomy.places import place_of
from data.work.assignment_state import BY_PLATFORM, MOVES, OPEN, Assignment, AssignmentState, Outcome, Refusal, Step
from matcher.assignment.brokers import Broker
from serving.dashboard import charts
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import SignedIn, utc_now
from serving.dashboard.page import Page, field, fields, operator_of, see_other
from serving.dashboard.rendering import render
from serving.dashboard.tables import TableSpec
from serving.runtime.dispatching import all_brokers, dispatch, hand_over, summary, waiting
from serving.runtime.services import services_of

SHOWN = 50  # demands, and assignments, of a list
ENDED = 10  # of the latest that ended: to be rated, or to be looked up
WHO = {1: "请代理人跟进", 2: "请运营人员处理"}


async def page(request: Request) -> Response:
    """Show what waits for a broker, what is late, and what is on its way."""
    mine = request.query_params.get("broker", "")
    state = await services_of(request).in_store(partial(_state, broker=mine))
    return render(
        request,
        "dispatch.html",
        title="派单",
        charted=True,
        active="dispatch",
        broker=mine,
        shown=SHOWN,
        refusals=[one.value for one in Refusal],
        outcomes=[one.value for one in Outcome],
        who_sees=WHO,
        **state,
    )


def _state(store: Store, broker: str) -> dict[str, Any]:
    now = utc_now()
    brokers, found = all_brokers(store), summary(store, now)
    late = {one.number: level for one, level in found.overdue}
    unplaced = {one.demand_id for one in found.unplaced}
    open_ = store.assignments.listed(OPEN, broker_id=broker)
    ended = store.assignments.listed((AssignmentState.CLOSED,), broker_id=broker, limit=ENDED)
    tasks = waiting(store)
    tasks = [one for one in tasks if one.demand_id in unplaced] + [
        one for one in tasks if one.demand_id not in unplaced
    ]
    card = partial(_card, store, brokers, late)
    ordered = sorted(open_, key=lambda one: (-late.get(one.number, 0), one.due_at or now))
    return {
        "brokers": brokers,
        "tasks": tasks[:SHOWN],
        "number": len(tasks),
        "unplaced": unplaced,
        "cards": [card(one) for one in ordered[:SHOWN]],
        "open_number": len(open_),
        "late_number": len(late),
        "ended": [card(one) for one in ended],
        "load": sorted(found.load, key=lambda row: (not row["open"], str(row["name"]))),
        "medians": found.medians,
        "taken": found.taken,
        "map": _map(store, brokers, open_, {one.demand_id: one.region for one in tasks}),
        "today": now.astimezone(CHINA_STANDARD_TIME).date(),
    }


def _card(store: Store, brokers: dict[str, Broker], late: dict[int, int], one: Assignment) -> dict[str, Any]:
    try:
        demand = store.demand(one.demand_id)
        title, enterprise = demand.title, demand.enterprise
    except NotFoundError:
        title, enterprise = f"{one.demand_id}（已删除）", ""
    broker = brokers.get(one.broker_id)
    ways = [state for state in MOVES[one.state] if state not in BY_PLATFORM]
    return {
        "one": one,
        "title": title,
        "enterprise": enterprise,
        "broker": broker.name if broker else one.broker_id,
        "late": late.get(one.number, 0),
        "ways": ways,
        "why": why_of(one.why),
    }


def why_of(why: dict[str, Any]) -> str:
    """Return in an operator's words what the choice of a broker rested on."""
    if "deputy_of" in why:
        return f"代 {why['deputy_of']} 处理"
    if "handed_over_by" in why:
        return f"由 {why['handed_over_by']} 转交"
    parts = []
    if why.get("km") is not None:
        parts.append(f"相距 {why['km']:,} 公里" if why["km"] else "同城")
    if why.get("closed"):
        parts.append(f"办结本领域 {why['closed']} 项、成交 {why['won']} 项")
    if "open" in why:
        parts.append(f"派单时在办 {why['open']}/{why['limit']}")
    return "，".join(parts)


def _map(store: Store, brokers: dict[str, Broker], open_: list[Assignment], regions: dict[str, str]) -> Any:
    """Return where brokers and demands are, with a line for each open assignment; None without any place."""
    lines, cities = [], Counter(place for region in regions.values() if (place := place_of(region)))
    for one in open_:
        try:
            there = place_of(store.demand(one.demand_id).region)
        except NotFoundError:
            continue
        here = brokers[one.broker_id].place if one.broker_id in brokers else None
        if here and there:
            lines.append((here, there))
    at = [(broker.name, broker.place) for broker in brokers.values() if broker.place is not None]
    return charts.places(at, cities, lines, "经理人与待派需求的位置") if at else None


async def send(request: Request) -> Response:
    """Propose the chosen demands, or all that wait, to brokers."""
    who, services = operator_of(request), services_of(request)
    chosen = list(dict.fromkeys(fields(request, "demand")))
    if not chosen and field(request, "all") != "1":
        raise InputError("请先勾选要派的需求。")
    request_id = request.state.request_id

    def work(store: Store) -> str:
        found = dispatch(store, who.name, utc_now(), chosen or None)
        _note(store, who, "dispatch.send", f"{len(found.made)} / {len(found.made) + len(found.left)}", request_id)
        return "dispatched" if found.made and not found.left else "partly_dispatched" if found.made else "nobody_free"

    return see_other(request, "/dispatch", notice=await services.in_store(work, patient=True))


async def step(request: Request) -> Response:
    """Take a step of an assignment."""
    who, services = operator_of(request), services_of(request)
    try:
        number = int(field(request, "number"))
        state, seen = AssignmentState(field(request, "state")), AssignmentState(field(request, "seen"))
    except ValueError as error:
        raise InputError("页面已过期，请刷新后重试。") from error
    token = field(request, "token")[:64] or secrets.token_hex(16)
    taken = Step(number, state, who.name, utc_now(), token, field(request, "value"), field(request, "note").strip())
    request_id = request.state.request_id

    def work(store: Store) -> None:
        store.assignments.act(taken, seen)
        _note(store, who, "dispatch.step", f"{number}: {state.value} {taken.value}", request_id)

    await services.in_store(work)
    if state is AssignmentState.DECLINED:
        services.dispatcher.wake()
    return see_other(request, "/dispatch", broker=field(request, "broker"), notice="saved")


async def give_over(request: Request) -> Response:
    """Hand a broker's open assignments over to the deputy, or to whom the form names."""
    who, services = operator_of(request), services_of(request)
    broker, to, request_id = field(request, "broker"), field(request, "to"), request.state.request_id

    def work(store: Store) -> int:
        made = hand_over(store, broker, who.name, utc_now(), to)
        _note(store, who, "dispatch.handover", f"{broker} → {made[0].broker_id if made else to}", request_id)
        return len(made)

    number = await services.in_store(work)
    return see_other(request, "/dispatch", notice="handed_over" if number else "nothing")


def _note(store: Store, who: SignedIn, action: str, subject: str, request_id: str) -> None:
    store.api_keys.note(AuditEntry(utc_now(), who.actor, action, subject[:500], request_id))


PAGES = (
    Page("/dispatch", page),
    Page("/dispatch/send", send, Role.REVIEWER, post=True),
    Page("/dispatch/step", step, Role.REVIEWER, post=True),
    Page("/dispatch/handover", give_over, Role.REVIEWER, post=True),
)
TABLES: tuple[TableSpec, ...] = ()
