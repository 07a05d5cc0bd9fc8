"""订单: services ordered for demands, from publishing to evaluation; one order with its short list, checks and history."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from data.clocks import china_today
from data.errors import InputError, NotFoundError
from data.quality.ratings import SCALES
from data.records import Demand
from data.store.dashboard_tables import order_steps, orders
from data.store.keys import AuditEntry
from data.store.store import Store
from data.store.tables import demands
from data.work.order_state import (
    MOVES,
    NAMES,
    PARTY_NAMES,
    UNDO,
    Order,
    OrderAction,
    OrderRefusal,
    OrderState,
    OrderStep,
    Party,
    Published,
    RecordRef,
    ways,
)
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import SignedIn, utc_now
from serving.dashboard.page import Page, field, operator_of, see_other
from serving.dashboard.pages.kinds.records import found_for
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, Row, SelectedRows, Table, TableSpec, show
from serving.runtime.services import Services, services_of
from serving.runtime.work import ordering

OFFERED = 3  # records of a kind that are offered for the short list


async def table(request: Request) -> Table:
    """Return the table of orders."""
    engine = await services_of(request).in_store(lambda store: store.engine)
    o, s = orders.c, order_steps.c
    columns = (o.number, demands.c.title.label("title"), o.demand_id, o.client, o.state, o.provider, s.at, s.by)
    joined = orders.outerjoin(demands, demands.c.id == o.demand_id).outerjoin(order_steps, s.number == o.last)
    return Table(
        "orders",
        "订单",
        (
            Column("number", "编号", link=_order_link),
            Column("title", "需求", "title", link=_order_link),
            Column("client", "需求方"),
            Column("state", "状态", hint="已发布 → 已入围 → 已下单 → 已接单或已拒单 → 已交付 → 已评价；交付前可撤回。"),
            Column("provider", "服务方"),
            Column("at", "最近一步", "moment"),
            Column("by", "经办"),
        ),
        SelectedRows(engine, sa.select(*columns).select_from(joined), o.number),
        find=("title", "client", "provider"),
        choices={"state": [(state.value, state.value) for state in OrderState]},
        sort="at",
        empty="没有符合条件的记录。在上方为一条需求发布订单，或用接口 POST /v1/orders。",
    )


def _order_link(row: Row) -> tuple[str, dict[str, Any]]:
    return "/orders/order", {"number": row["number"]}


async def page(request: Request) -> Response:
    """Show all orders, and the form that publishes one."""
    shown = await show(request, await table(request))
    return render(
        request,
        "orders/orders.html",
        title="订单",
        active="orders",
        shown=shown,
        demand=request.query_params.get("demand"),
    )


async def order_page(request: Request) -> Response:
    """Show one order: what can be done next, the short list with checks, further records that fit, all steps."""
    services, number = services_of(request), _number(request.query_params.get("number", ""))
    state = await services.in_store(lambda store: _state(store, services, number))
    order: Order = state["order"]
    can = {action for action, _ in ways(order)}
    offered = []
    if OrderAction.SHORTLIST in can and state["demand"] is not None and services.holder.live is not None:
        names = [kind.name for kind in services.kinds.kinds.values() if kind.ordered and kind.name in state["counts"]]
        offered = await _offered(services, state["demand"], names, order) if names else []
    who = operator_of(request)
    last = next((one for one in reversed(state["steps"]) if one.undone_at is None), None)
    recent = last is not None and last.by == who.name and utc_now() - last.at <= UNDO
    return render(
        request, "orders/order.html", title=f"订单 {number}", active="orders", offered=offered, can=can, ways=ways(order),
        undoable=recent and last is not None and last.action is not OrderAction.PUBLISH, names=NAMES,
        party_names=PARTY_NAMES, scales=SCALES, refusals=[one.value for one in OrderRefusal],
        kinds=services.kinds.kinds, orderable=[kind for kind in services.kinds.kinds.values() if kind.ordered], **state,
    )  # fmt: skip


async def _offered(services: Services, demand: Demand, names: list[str], order: Order) -> list[tuple[str, Any]]:
    work = partial(found_for, services, demand, names, china_today(), OFFERED)
    answer = await services.engine_threads.run(work)
    return [
        (kind.kind, item)
        for kind in answer.kinds
        for item in kind.items
        if RecordRef(kind.kind, item.id) not in order.shortlist
    ]


def _state(store: Store, services: Services, number: int) -> dict[str, Any]:
    order = store.orders.get(number)
    try:
        demand = store.demand(order.about.demand_id)
    except NotFoundError:
        demand = None
    return {
        "order": order,
        "demand": demand,
        "steps": store.orders.steps(number),
        "records": ordering.records_of(store, order.shortlist),
        "checks": ordering.order_checks(store, services.kinds.kinds, services.withheld.ids, order),
        "counts": store.kinds.counts(),
    }


async def publish(request: Request) -> Response:
    """Begin an order."""
    who = operator_of(request)
    about = Published(field(request, "demand").strip()[:128], field(request, "client").strip()[:500])
    first = _step(request, who, 0, OrderAction.PUBLISH)
    order = await _done(request, who, "orders.publish", lambda store: ordering.publish(store, about, first))
    return see_other(request, "/orders/order", number=order.number, notice="saved")


async def step(request: Request) -> Response:
    """Take a step of an order."""
    who, services = operator_of(request), services_of(request)
    try:
        number, seen = int(field(request, "number")), int(field(request, "seen"))
        taken = _step(request, who, number, OrderAction(field(request, "step")))
    except ValueError as error:
        raise InputError("页面已过期，请刷新后重试。") from error
    kinds, withheld = services.kinds.kinds, services.withheld.ids
    order = await _done(
        request, who, "orders.step", lambda store: ordering.take_step(store, kinds, withheld, taken, seen)
    )
    return see_other(request, "/orders/order", number=order.number, notice="ordered")


async def undo(request: Request) -> Response:
    """Take back the operator's own latest step."""
    who, services, number = operator_of(request), services_of(request), _number(field(request, "number"))
    kinds = services.kinds.kinds
    await _done(request, who, "orders.undo", lambda store: ordering.undo(store, kinds, number, who.name, utc_now()))
    return see_other(request, "/orders/order", number=number, notice="taken_back")


async def _done(request: Request, who: SignedIn, action: str, work: Callable[[Store], Order]) -> Order:
    """Do something with an order and note it in the audit trail."""
    request_id = request.state.request_id

    def noted(store: Store) -> Order:
        order = work(store)
        subject = f"{order.number}: {order.state.value} {order.kind} {order.record_id}".strip()
        store.api_keys.note(AuditEntry(utc_now(), who.actor, action, subject[:500], request_id))
        return order

    return await services_of(request).in_store(noted)


def _step(request: Request, who: SignedIn, number: int, action: OrderAction) -> OrderStep:
    """Return the step that a form describes; ValueError where it holds what no form of ours does."""
    party = Party(field(request, "party")) if field(request, "party") else MOVES[action].parties[0]
    scores = {name: int(field(request, name)) for name in SCALES} if action is OrderAction.EVALUATE else None
    kind, _, record_id = field(request, "record").partition("/")
    return OrderStep(
        number, action, party, who.name, utc_now(), field(request, "token")[:64] or secrets.token_hex(12),
        kind=kind[:40], record_id=(record_id or field(request, "record_id")).strip()[:128],
        voucher=field(request, "voucher").strip()[:100], reason=field(request, "reason"), scores=scores,
        note=field(request, "note").strip().replace("\0", ""),
    )  # fmt: skip


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise NotFoundError(f"there is no order {text[:20]!r}", chinese=f"没有编号为“{text[:20]}”的订单")
    return int(text)


PAGES = (
    Page("/orders", page),
    Page("/orders/order", order_page),
    Page("/orders/publish", publish, Role.REVIEWER, post=True),
    Page("/orders/step", step, Role.REVIEWER, post=True),
    Page("/orders/undo", undo, Role.REVIEWER, post=True),
)
TABLES = (TableSpec("orders", table),)
