"""Orders of services: publish, shortlist, order, accept or decline, deliver, evaluate; both parties, no money."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.kinds.record import KindRecord
from data.kinds.registry import Kinds
from data.quality.ratings import SCALES
from data.records import Identifier, Label
from data.store.store import Store
from data.work.order_state import (
    MAX_NOTE,
    MOVES,
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
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, CONFLICT, NOT_FOUND, responses
from serving.runtime.services import ServicesOf
from serving.runtime.work.ordering import Withheld, order_checks, publish, records_of, take_step, undo

router = APIRouter(prefix="/v1/orders", tags=["orders"])
Reading = Depends(Needs(Scope.READ_EVENTS))
Writing = Depends(Needs(Scope.WRITE_EVENTS))
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the order", examples=[17])]
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
Operator = Annotated[str, Field(min_length=1, max_length=90, pattern=_PRINTABLE, examples=["张三"])]
Token = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=_PRINTABLE,
        description="Of your choice; sending the same again is harmless",
        examples=["7f3a"],
    ),
]
Note = Annotated[str, Field(max_length=MAX_NOTE, pattern=r"^[^\x00]*$")]


class OrderPublished(BaseModel):
    """A need for services that becomes an order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    demand_id: Identifier = Field(examples=["D000001"])
    client: Label = Field("", description="Who orders; absent: the firm, or the demand's enterprise", examples=[""])
    firm_id: Annotated[str, Field(max_length=128, pattern=r"^[^\x00]*$")] = Field(
        "", description="The client's record of kind `firm`, for its vouchers; absent: the firm of that title"
    )
    operator: Operator
    token: Token
    note: Note = ""


class Scores(BaseModel):
    """An evaluation on four scales from 1 (poor) to 5 (excellent)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    result: int = Field(ge=1, le=5, strict=True, description="成效")
    response: int = Field(ge=1, le=5, strict=True, description="响应")
    skill: int = Field(ge=1, le=5, strict=True, description="专业")
    conduct: int = Field(ge=1, le=5, strict=True, description="诚信")


class OrderStepSent(BaseModel):
    """A step of an order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: OrderAction = Field(examples=["shortlist"])
    party: Party | None = Field(None, description="Whose step it is; needed for `evaluate` of the provider alone")
    operator: Operator
    token: Token
    kind: str = Field("", max_length=40, description="With shortlist and order: the record", examples=["service"])
    record_id: Annotated[str, Field(max_length=128, pattern=r"^[^\x00]*$")] = Field("", examples=["S1"])
    voucher: Annotated[Label, Field(max_length=100)] = Field(
        "", description="With order: the innovation voucher (创新券), or the id of the policy that grants it"
    )
    reason: OrderRefusal | None = Field(None, description="With decline")
    scores: Scores | None = Field(None, description="With evaluate")
    note: Note = ""
    seen: int | None = Field(None, ge=0, description="`last` of the order as you saw it; guards against overwriting")


class OrderUndo(BaseModel):
    """Whose latest step of an order is to be taken back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: Operator


class NextStep(BaseModel):
    """What can be done with an order now."""

    model_config = ConfigDict(frozen=True)

    action: OrderAction
    party: Party


class OrderCheckView(BaseModel):
    """One check of a record: missed, the order is refused; unknown, the record does not say."""

    model_config = ConfigDict(frozen=True)

    field: str
    label: str
    status: str = Field(description="missed, unknown or met", examples=["unknown"])
    text: str = Field(examples=["未说明服务地区"])


class CandidateView(BaseModel):
    """A record of the short list."""

    model_config = ConfigDict(frozen=True)

    kind: str
    record_id: str
    title: str = Field(description="Empty if the record was deleted")
    provider: str
    declined: bool
    checks: tuple[OrderCheckView, ...] = Field((), description="As of now; in lists of orders left out")


class OrderView(BaseModel):
    """An order as far as it has come."""

    model_config = ConfigDict(frozen=True)

    number: int
    demand_id: str
    client: str
    firm_id: str
    state: OrderState
    kind: str = Field(description="The record that is ordered; empty before")
    record_id: str
    provider: str
    voucher: str
    decline_reason: str
    shortlist: tuple[CandidateView, ...]
    evaluated: tuple[Party, ...] = Field(description="Who evaluated")
    changed_at: datetime | None
    changed_by: str
    last: int = Field(description="Number of the latest step; send it as `seen`")
    next: tuple[NextStep, ...]


class OrderStepEntry(BaseModel):
    """One step of an order's history."""

    model_config = ConfigDict(frozen=True)

    number: int
    demand_id: str = Field(description="As of the order: whoever must not see the demand sees no notes either")
    action: OrderAction
    party: Party
    by: str
    at: datetime
    kind: str
    record_id: str
    provider: str
    voucher: str
    reason: str
    scores: dict[str, int] | None
    note: str
    undone_at: datetime | None


class OrderHistory(BaseModel):
    """An order and all its steps, undone ones too, oldest first."""

    model_config = ConfigDict(frozen=True)

    order: OrderView
    steps: tuple[OrderStepEntry, ...]


class OrderList(BaseModel):
    """Orders, the latest change first."""

    model_config = ConfigDict(frozen=True)

    orders: tuple[OrderView, ...]


@router.post(
    "",
    response_model=OrderView,
    responses=responses(NOT_FOUND, *COMMON),
    dependencies=[Writing],
    summary="Publish an order",
)
async def publish_order(sent: OrderPublished, services: ServicesOf) -> Response:
    """Begin an order of a service for a demand. Records are shortlisted next, one of them is ordered, its provider answers."""
    about = Published(sent.demand_id, sent.client, sent.firm_id)
    first = OrderStep(
        0, OrderAction.PUBLISH, Party.CLIENT, sent.operator, datetime.now(UTC), sent.token, note=sent.note
    )
    work = partial(_publish, about=about, step=first, kinds=services.kinds.kinds, withheld=services.withheld.ids)
    return json_response(await services.in_store(work))


@router.get("", response_model=OrderList, responses=responses(*COMMON), dependencies=[Reading], summary="List orders")
async def list_orders(
    services: ServicesOf,
    state: Annotated[OrderState | None, Query(description="Only in this state")] = None,
    demand_id: Annotated[str, Query(max_length=128)] = "",
    provider: Annotated[str, Query(max_length=500)] = "",
    client: Annotated[str, Query(max_length=500)] = "",
    limit: Annotated[int, Query(ge=1, le=2000)] = 200,
) -> Response:
    """List orders, the latest change first."""
    states = () if state is None else (state,)
    found = await services.in_store(
        lambda store: shown(store, store.orders.listed(states, demand_id, provider, client, limit))
    )
    return json_response(OrderList(orders=found).model_dump(mode="json"))


@router.get(
    "/{number}",
    response_model=OrderHistory,
    responses=responses(NOT_FOUND, *COMMON),
    dependencies=[Reading],
    summary="Read an order",
)
async def get_order(number: Number, services: ServicesOf) -> Response:
    """Return an order with its history, and what its short list's records say to being ordered now."""
    kinds, withheld = services.kinds.kinds, services.withheld.ids

    def work(store: Store) -> OrderHistory:
        order = checked(store, kinds, withheld, store.orders.get(number))
        names = set(OrderStepEntry.model_fields) - {"demand_id"}
        steps = tuple(
            OrderStepEntry(demand_id=order.demand_id, **{name: getattr(step, name) for name in names})
            for step in store.orders.steps(number)
        )
        return OrderHistory(order=order, steps=steps)

    return json_response((await services.in_store(work)).model_dump(mode="json"))


@router.post(
    "/{number}/steps",
    response_model=OrderView,
    responses=responses(NOT_FOUND, CONFLICT, *COMMON),
    dependencies=[Writing],
    summary="Take a step of an order",
)
async def step_order(number: Number, sent: OrderStepSent, services: ServicesOf) -> Response:
    """Shortlist, order, accept, decline, deliver, evaluate or withdraw.

    What the record rules out (capacity, coverage, an ended qualification, a voucher) is refused; what it does not state is
    possible, and `checks` say so. Ten minutes later a step is an outcome event or an evaluation, if not undone.
    """
    scores = None if sent.scores is None else {name: getattr(sent.scores, name) for name in SCALES}
    step = OrderStep(
        number,
        sent.action,
        sent.party or MOVES[sent.action].parties[0],
        sent.operator,
        datetime.now(UTC),
        sent.token,
        kind=sent.kind,
        record_id=sent.record_id,
        voucher=sent.voucher,
        reason=sent.reason or "",
        scores=scores,
        note=sent.note,
    )
    work = partial(_step, step=step, seen=sent.seen, kinds=services.kinds.kinds, withheld=services.withheld.ids)
    return json_response(await services.in_store(work))


@router.post(
    "/{number}/undo",
    response_model=OrderView,
    responses=responses(NOT_FOUND, CONFLICT, *COMMON),
    dependencies=[Writing],
    summary="Undo a step of an order",
)
async def undo_order_step(number: Number, sent: OrderUndo, services: ServicesOf) -> Response:
    """Take back the latest step of an order, the operator's own, within ten minutes."""
    kinds, withheld = services.kinds.kinds, services.withheld.ids
    now = datetime.now(UTC)
    found = await services.in_store(
        lambda store: checked(store, kinds, withheld, undo(store, kinds, number, sent.operator, now))
    )
    return json_response(found.model_dump(mode="json"))


def shown(store: Store, orders: Sequence[Order]) -> tuple[OrderView, ...]:
    """Return orders as the API shows them, without checks."""
    records = records_of(store, (ref for order in orders for ref in order.shortlist))
    return tuple(
        _view(order, tuple(_candidate(order, ref, records.get(ref)) for ref in order.shortlist)) for order in orders
    )


def checked(store: Store, kinds: Kinds, withheld: Withheld, order: Order) -> OrderView:
    """Return an order as the API shows it, with what its records say to being ordered now."""
    records, found = records_of(store, order.shortlist), order_checks(store, kinds, withheld, order)
    candidates = []
    for ref in order.shortlist:
        views = tuple(
            OrderCheckView(field=one.field, label=one.label, status=one.status, text=one.text)
            for one in found.get(ref, ())
        )
        candidates.append(_candidate(order, ref, records.get(ref)).model_copy(update={"checks": views}))
    return _view(order, tuple(candidates))


def _candidate(order: Order, ref: RecordRef, record: KindRecord | None) -> CandidateView:
    return CandidateView(
        kind=ref.kind,
        record_id=ref.record_id,
        title=record.title if record else "",
        provider=record.provider if record else "",
        declined=ref in order.declined,
    )


def _view(order: Order, shortlist: tuple[CandidateView, ...]) -> OrderView:
    names = (
        "number",
        "state",
        "kind",
        "record_id",
        "provider",
        "voucher",
        "evaluated",
        "changed_at",
        "changed_by",
        "last",
    )
    return OrderView(
        **{name: getattr(order, name) for name in names},
        **vars(order.about),
        decline_reason=order.reason,
        shortlist=shortlist,
        next=tuple(NextStep(action=action, party=party) for action, party in ways(order)),
    )


def _publish(store: Store, about: Published, step: OrderStep, kinds: Kinds, withheld: Withheld) -> dict[str, object]:
    return checked(store, kinds, withheld, publish(store, about, step)).model_dump(mode="json")


def _step(store: Store, step: OrderStep, seen: int | None, kinds: Kinds, withheld: Withheld) -> dict[str, object]:
    return checked(store, kinds, withheld, take_step(store, kinds, withheld, step, seen)).model_dump(mode="json")
