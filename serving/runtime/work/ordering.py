"""Orders of services: what the ordered record allows, the steps themselves, and what they report to training and quality."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from data.clocks import china_today
from data.errors import InputError, NotFoundError
from data.kinds.declaration import KindDeclaration
from data.kinds.outcome import KindOutcome, counted
from data.kinds.record import KindRecord
from data.kinds.registry import Kinds
from data.quality.ratings import Evaluation
from data.store.store import Store
from data.work.order_state import EVENTS, Admission, Order, OrderAction, OrderState, OrderStep, Published, RecordRef
from matcher.kinds.order_checks import (
    OrderCheck,
    VoucherFacts,
    admission,
    by_status,
    capacity_check,
    capacity_of,
    checks,
    grants_vouchers,
)

POLICY, FIRM = "policy", "firm"
Withheld = Mapping[str, frozenset[str]]


def publish(store: Store, about: Published, step: OrderStep) -> Order:
    """Begin an order of a service for a demand; without a client it is the firm's, or the demand's enterprise.

    Raises:
        NotFoundError: there is no such demand or firm.
        InputError: nobody is named who orders.

    """
    known = store.orders.of_token(step.token)
    if known is not None:  # sent again: the store compares it with what it was
        return store.orders.publish(replace(about, client=about.client.strip() or known.about.client), step)
    demand = store.demand(about.demand_id)
    firm = store.kinds.get(FIRM, about.firm_id) if about.firm_id else None
    client = about.client.strip() or (firm.title if firm else demand.enterprise)
    if not client:
        raise InputError(
            f"demand {about.demand_id!r} names no enterprise; say who orders (client, or firm_id)",
            f"需求“{about.demand_id}”没有企业名称；请写明下单企业（client 或 firm_id）",
        )
    return store.orders.publish(replace(about, client=client), step)


def take_step(store: Store, kinds: Kinds, withheld: Withheld, step: OrderStep, seen: int | None = None) -> Order:
    """Take a step of an order and return it as it is then.

    Raises:
        NotFoundError: there is no such order, or no such record.
        InputError: the step is not possible, or the record cannot be ordered; the message says what is in the way.
        ConflictError: somebody else changed the order since `seen`, or took the same step.

    """
    if step.action is OrderAction.PUBLISH:
        raise InputError("an order is published by POST /v1/orders", "发布请用 POST /v1/orders")
    if step.action is OrderAction.SHORTLIST:
        return store.orders.act(step, seen, _listed(store, kinds, step))
    if step.action not in (OrderAction.ORDER, OrderAction.ACCEPT):
        return store.orders.act(step, seen)
    order = store.orders.get(step.order)
    step, allowed = _admitted(store, kinds, withheld, order, step)
    # The checks concern the order as it was read: whoever changed it since has the step refused.
    return store.orders.act(step, order.last if seen is None else seen, allowed)


def _listed(store: Store, kinds: Kinds, step: OrderStep) -> Admission:
    try:
        orderable(kinds, step.kind)
        store.kinds.get(step.kind, step.record_id)  # NotFoundError names near ids
    except InputError as error:
        return Admission(error)
    return Admission()


def _admitted(
    store: Store, kinds: Kinds, withheld: Withheld, order: Order, step: OrderStep
) -> tuple[OrderStep, Admission]:
    """Return an order or acceptance with the record's provider, and what the record allows."""
    own = step.action is OrderAction.ACCEPT
    ref = RecordRef(order.kind, order.record_id) if own else RecordRef(step.kind, step.record_id)
    try:
        kind = orderable(kinds, ref.kind)
        record = store.kinds.get(*ref)
    except InputError as error:
        return step, Admission(error)
    found = _checks(store, kinds, withheld, order, record, kind, order.voucher if own else step.voucher)
    step = step if own else replace(step, provider=record.provider or record.title)
    return step, admission(found, capacity_of(record, kind))


def undo(store: Store, kinds: Kinds, number: int, by: str, now: datetime) -> Order:
    """Take back somebody's latest step of an order, within ten minutes; see `Orders.undo`."""
    order = store.orders.get(number)
    found = records_of(store, [RecordRef(order.kind, order.record_id)]) if order.record_id else {}
    capacities = [capacity_of(record, orderable(kinds, ref.kind)) for ref, record in found.items()]
    return store.orders.undo(number, by, now, capacities[0] if capacities else None)


def orderable(kinds: Kinds, name: str) -> KindDeclaration:
    """Return a kind whose records can be ordered.

    Raises:
        InputError: no file declares it, or its records cannot be ordered.

    """
    kind = kinds.get(name)
    if kind is None or not kind.ordered:
        can = [one for one in kinds.values() if one.ordered]
        raise InputError(
            f"records of kind {name!r} cannot be ordered; {', '.join(one.name for one in can)} can",
            f"“{kind.label if kind else name[:40]}”不能下单；可下单的种类：{'、'.join(one.label for one in can)}",
        )
    return kind


def order_checks(store: Store, kinds: Kinds, withheld: Withheld, order: Order) -> dict[RecordRef, list[OrderCheck]]:
    """Return the checks of each record of an order's short list, as of now; deleted ones are left out."""
    found = {}
    for ref, record in records_of(store, order.shortlist).items():
        kind = orderable(kinds, ref.kind)
        ordered = order.state is OrderState.ACCEPTED and ref == (order.kind, order.record_id)
        accepted = store.orders.accepted(*ref) - ordered
        stated = _checks(store, kinds, withheld, order, record, kind, order.voucher)
        found[ref] = by_status([*stated, *capacity_check(record, kind, accepted)])
    return found


def records_of(store: Store, refs: Iterable[RecordRef]) -> dict[RecordRef, KindRecord]:
    """Return the records of references; those that were deleted are left out."""
    ids: dict[str, dict[str, None]] = {}
    for ref in refs:
        ids.setdefault(ref.kind, {})[ref.record_id] = None
    return {
        RecordRef(kind, record_id): record
        for kind, wanted in ids.items()
        for record_id, record in store.kinds.some(kind, wanted).items()
    }


def _checks(
    store: Store,
    kinds: Kinds,
    withheld: Withheld,
    order: Order,
    record: KindRecord,
    kind: KindDeclaration,
    voucher: str,
) -> list[OrderCheck]:
    today = china_today()
    try:
        region = store.demand(order.about.demand_id).region
    except NotFoundError:
        region = None  # deleted since: the order goes on
    suspended = record.id in withheld.get(kind.name, ())
    vouchers = _voucher_facts(store, kinds, order, kind, voucher)
    return checks(record, kind, order.about.client, region, vouchers, today, suspended=suspended)


def _voucher_facts(store: Store, kinds: Kinds, order: Order, kind: KindDeclaration, voucher: str) -> VoucherFacts:
    if not any(field.voucher for field in kind.fields):
        return VoucherFacts(voucher)
    today, policy_kind = china_today(), kinds.get(POLICY)
    granting = [one for one in store.kinds.all(POLICY) if grants_vouchers(one)] if policy_kind else []
    policies = [one for one in granting if policy_kind and one.offered(today, policy_kind)]
    named = records_of(store, [RecordRef(POLICY, voucher)]) if voucher else {}
    own = records_of(store, [RecordRef(FIRM, order.about.firm_id)]) if order.about.firm_id else {}
    firm = next(iter(own.values()), None) if own else store.kinds.titled(FIRM, order.about.client)
    return VoucherFacts(voucher, firm, kinds.get(FIRM), policies, next(iter(named.values()), None), policy_kind)


def submit_orders(store: Store, kinds: Kinds, before: datetime) -> int:
    """Turn steps of orders taken before a moment into outcome events and evaluations; return how many steps.

    Safe to repeat after a crash: ids of events and tokens of evaluations follow from the step.
    """
    pending = store.orders.pending(before)
    events: dict[str, list[KindOutcome]] = {}
    evaluations, marks = [], {}
    for step, order in pending:
        event_id = f"order-{step.order}" if step.action is OrderAction.EVALUATE else f"order-step-{step.number}"
        marks[step.number] = event_id
        if step.action is OrderAction.EVALUATE:
            evaluations.append(Evaluation(event_id, step.provider, order.about.client, step.scores or {}, step.at))
            continue
        kind = kinds.get(step.kind)
        declared = [one for one in EVENTS[step.action] if kind is not None and counted(kind, one)]
        if declared:
            event = KindOutcome(
                event_id=event_id,
                demand_id=order.about.demand_id,
                record_id=step.record_id,
                kind=declared[0],
                occurred_at=step.at,
            )
            events.setdefault(step.kind, []).append(event)
        else:
            marks[step.number] = ""
    for name, outcomes in events.items():
        store.kind_outcomes.append(name, outcomes)
    if evaluations:
        store.quality.evaluate(evaluations)
    if marks:
        store.orders.mark(marks)
    return len(pending)
