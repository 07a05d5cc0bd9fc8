"""Orders of services in the store: an append-only table of steps, and where each order is, always replayed from its steps."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from data.errors import ConflictError, InputError, NotFoundError
from data.store.dashboard_tables import order_steps, orders
from data.store.database import reading, writing
from data.work.order_state import (
    EVENTS,
    UNDO,
    Admission,
    Capacity,
    Order,
    OrderAction,
    OrderState,
    OrderStep,
    Party,
    Published,
    check_step,
    replay,
)

MAX_LISTED = 2_000
_NONE = Admission()
_REPORTED = (*EVENTS, OrderAction.EVALUATE)
"""Actions whose steps become outcome events or evaluations."""


class Orders:
    """The orders of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def publish(self, about: Published, step: OrderStep) -> Order:
        """Begin an order and return it; a step whose token is known changes nothing."""
        with writing(self._engine, "orders") as connection:
            known = _step_of(connection, step.token)
            if known is not None:
                first = _order(connection, known.order)
                if replace(step, order=known.order).said != known.said or first.about != about:
                    raise _taken(step.token)
                return first
            values = vars(about) | {"state": OrderState.PUBLISHED.value, "kind": "", "record_id": "", "provider": ""}
            number = connection.execute(sa.insert(orders).values(values | {"last": 0}).returning(orders.c.number))
            return _write(connection, replace(step, order=int(number.scalar_one())))

    def act(self, step: OrderStep, seen: int | None = None, admission: Admission = _NONE) -> Order:
        """Take a step and return the order as it is then; a step whose token is known changes nothing.

        `seen` is the `last` of the order that the sender looked at. `admission` is what the record allows;
        whether there is room is decided here, as one acceptance after the other is written.

        Raises:
            NotFoundError: there is no such order.
            InputError: the step is not possible, the record does not allow it, or it has no room.
            ConflictError: somebody else changed the order since, or took the same step.

        """
        with writing(self._engine, "orders") as connection:
            known = _step_of(connection, step.token)
            if known is not None:
                if known.said != step.said:
                    raise _taken(step.token)
                return _order(connection, step.order)
            order = _order(connection, step.order)
            check_step(order, step, seen)
            if admission.refused is not None:
                raise admission.refused
            if step.action not in (OrderAction.SHORTLIST, OrderAction.ORDER):
                step = replace(step, kind=order.kind, record_id=order.record_id, provider=order.provider)
            if admission.capacity is not None:
                admission.capacity.check(_accepted(connection, step.kind, step.record_id))
            return _write(connection, step)

    def undo(self, number: int, by: str, now: datetime, capacity: Capacity | None = None) -> Order:
        """Take back the latest step of an order, somebody's own, within ten minutes, and return the order as it is then.

        `capacity` is that of the record: what becomes accepted again needs room again.

        Raises:
            NotFoundError: there is no such order, or no step that can still be taken back.
            ConflictError: somebody else changed the order since.
            InputError: the step is the first one, or there is no room.

        """
        with writing(self._engine, "orders") as connection:
            before = _order(connection, number)
            steps = [step for step in _steps(connection, number) if step.undone_at is None]
            last = steps[-1]
            if last.by != by:
                if any(step.by == by and now - step.at <= UNDO for step in steps):
                    raise ConflictError(
                        f"{last.by} changed order {number} to {before.state.value} since; undo that first",
                        f"{last.by} 之后已把订单 {number} 变为“{before.state.value}”，须先撤销那一步",
                    )
                raise _nothing(number, by)
            if last.action is OrderAction.PUBLISH:
                raise InputError(
                    f"order {number} was only published; withdraw it instead", f"订单 {number} 只有发布一步：请用撤回"
                )
            c = order_steps.c
            free = (c.number == last.number) & (c.event_id.is_(None) | (c.event_id == ""))
            undone = sa.update(order_steps).where(free).values(undone_at=_plain(now))
            if now - last.at > UNDO or not connection.execute(undone).rowcount:
                raise _nothing(number, by)
            order = _order(connection, number)
            if order.state is OrderState.ACCEPTED and capacity is not None:
                capacity.check(_accepted(connection, order.kind, order.record_id, but=number))
            _note(connection, order)
            return order

    def get(self, number: int) -> Order:
        """Return an order; NotFoundError if there is none with this number."""
        with reading(self._engine) as connection:
            return _order(connection, number)

    def of_token(self, token: str) -> Order | None:
        """Return the order that has a step with a token; None if there is none."""
        with reading(self._engine) as connection:
            known = _step_of(connection, token)
            return None if known is None else _order(connection, known.order)

    def steps(self, number: int) -> list[OrderStep]:
        """Return all steps of an order, undone ones too, oldest first."""
        with reading(self._engine) as connection:
            return _steps(connection, number)

    def listed(
        self,
        states: Collection[OrderState] = (),
        demand_id: str = "",
        provider: str = "",
        client: str = "",
        limit: int = 200,
    ) -> list[Order]:
        """Return orders, the latest change first, at most `MAX_LISTED`; "" and () mean any."""
        query = sa.select(orders)
        for column, wanted in (
            (orders.c.demand_id, demand_id),
            (orders.c.provider, provider),
            (orders.c.client, client),
        ):
            if wanted:
                query = query.where(column == wanted)
        if states:
            query = query.where(orders.c.state.in_([state.value for state in states]))
        query = query.order_by(orders.c.last.desc()).limit(min(limit, MAX_LISTED))
        with reading(self._engine) as connection:
            heads = connection.execute(query).all()
            found: dict[int, list[OrderStep]] = {row.number: [] for row in heads}
            mine = sa.select(order_steps).where(order_steps.c.order.in_(list(found))).order_by(order_steps.c.number)
            for row in connection.execute(mine).mappings() if found else ():
                found[row["order"]].append(_step(row))
        return [replay(row.number, _about(row), found[row.number]) for row in heads]

    def counts(self) -> dict[OrderState, int]:
        """Return how many orders are in each state; states without any are left out."""
        query = sa.select(orders.c.state, sa.func.count()).group_by(orders.c.state)
        with reading(self._engine) as connection:
            return {OrderState(state): int(number) for state, number in connection.execute(query)}

    def accepted(self, kind: str, record_id: str) -> int:
        """Return how many accepted orders of a record are not delivered yet."""
        with reading(self._engine) as connection:
            return _accepted(connection, kind, record_id)

    def pending(self, before: datetime) -> list[tuple[OrderStep, Order]]:
        """Return the steps before a moment that report something and did not yet, with the orders that they belong to."""
        c = order_steps.c
        query = sa.select(order_steps).where(c.event_id.is_(None), c.undone_at.is_(None), c.at < _plain(before))
        with reading(self._engine) as connection:
            found = [_step(row) for row in connection.execute(query.order_by(c.number)).mappings()]
            by_number = {number: _order(connection, number) for number in {step.order for step in found}}
        return [(step, by_number[step.order]) for step in found]

    def mark(self, events: Mapping[int, str]) -> None:
        """Note which steps (by number) became which events; "" for those that became none."""
        with writing(self._engine, "orders") as connection:
            for number, event_id in sorted(events.items()):
                query = sa.update(order_steps).where(order_steps.c.number == number)
                connection.execute(query.values(event_id=event_id))


def _write(connection: sa.Connection, step: OrderStep) -> Order:
    """Write an admitted step and where its order is after it."""
    values = {name: value for name, value in vars(step).items() if name not in ("number", "undone_at")}
    scores = step.scores and orjson.dumps(dict(step.scores), option=orjson.OPT_SORT_KEYS).decode()
    reports = step.action in _REPORTED and (step.action is not OrderAction.EVALUATE or step.party is Party.CLIENT)
    values |= {"at": _plain(step.at), "scores": scores, "event_id": None if reports else ""}
    connection.execute(sa.insert(order_steps).values(values))
    order = _order(connection, step.order)
    _note(connection, order)
    return order


def _note(connection: sa.Connection, order: Order) -> None:
    names = ("state", "kind", "record_id", "provider", "last")
    now = {name: getattr(order, name) for name in names}
    connection.execute(sa.update(orders).where(orders.c.number == order.number).values(now))


def _accepted(connection: sa.Connection, kind: str, record_id: str, but: int = 0) -> int:
    c = orders.c
    query = sa.select(sa.func.count()).where(
        c.state == OrderState.ACCEPTED.value, c.kind == kind, c.record_id == record_id, c.number != but
    )
    return int(connection.execute(query).scalar_one())


def _order(connection: sa.Connection, number: int) -> Order:
    row = connection.execute(sa.select(orders).where(orders.c.number == number)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no order {number}", chinese=f"没有编号为 {number} 的订单")
    return replay(number, _about(row), _steps(connection, number))


def _about(row: Any) -> Published:
    return Published(row.demand_id, row.client, row.firm_id)


def _steps(connection: sa.Connection, number: int) -> list[OrderStep]:
    query = sa.select(order_steps).where(order_steps.c.order == number).order_by(order_steps.c.number)
    return [_step(row) for row in connection.execute(query).mappings()]


def _step_of(connection: sa.Connection, token: str) -> OrderStep | None:
    row = connection.execute(sa.select(order_steps).where(order_steps.c.token == token)).mappings().one_or_none()
    return None if row is None else _step(row)


def _step(row: Mapping[Any, Any]) -> OrderStep:
    values = dict(row)
    values.pop("event_id")
    return OrderStep(
        **values
        | {
            "action": OrderAction(values["action"]),
            "party": Party(values["party"]),
            "at": values["at"].replace(tzinfo=UTC),
            "scores": values["scores"] and orjson.loads(values["scores"]),
            "undone_at": values["undone_at"] and values["undone_at"].replace(tzinfo=UTC),
        }
    )


def _taken(token: str) -> InputError:
    return InputError(
        f"the token {token!r} belongs to another step; use a new one for each",
        f"标记（token）“{token}”已用于另一步；每一步请用新的标记",
    )


def _nothing(number: int, by: str) -> NotFoundError:
    minutes = int(UNDO.total_seconds() // 60)
    return NotFoundError(
        f"{by} has no step of order {number} in the last {minutes} minutes to take back; later ones stay",
        chinese=f"订单 {number} 没有 {by} 在 {minutes} 分钟内的步骤可撤销；之后的步骤已生效",
    )


def _plain(moment: datetime) -> datetime:
    """Return a moment in UTC without offset: SQLite has no other."""
    return moment.astimezone(UTC).replace(tzinfo=None)
