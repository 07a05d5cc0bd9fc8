"""Webhooks in the store: where they go, the messages that wait for them, and those that were given up."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from data.errors import ConflictError, InputError, NotFoundError
from data.standing.types import MOST_CHARACTERS_OF_NAME
from data.store.database import reading, writing
from data.store.standing.requests import aware, plain
from data.store.standing.tables import standing_notices, standing_requests, webhook_endpoints, webhook_messages

MOST_ENDPOINTS = 200
MAX_ERROR = 200
_E, _M = webhook_endpoints.c, webhook_messages.c


class MessageState(StrEnum):
    """How far a message has come; the values are what operators read."""

    WAITING = "待发送"
    DELIVERED = "已送达"
    DEAD = "已放弃"


@dataclass(frozen=True)
class WebhookEndpoint:
    """Where messages go; `secret` signs them and is shown nowhere once it was given out."""

    name: str
    url: str
    secret: str = field(repr=False)
    created_at: datetime
    created_by: str
    enabled: bool = True
    why_disabled: str = ""


@dataclass(frozen=True)
class WebhookMessage:
    """One message: its id stays the same however often it is sent, so that receivers can leave out repetitions."""

    id: str
    endpoint: str
    body: str
    created_at: datetime
    state: MessageState = MessageState.WAITING
    attempts: int = 0
    next_at: datetime | None = None
    last_status: int | None = None
    last_error: str = ""
    ended_at: datetime | None = None


class Webhooks:
    """The webhooks of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, endpoint: WebhookEndpoint) -> None:
        """Write an endpoint; one of this name is replaced and enabled again.

        Raises:
            InputError: the name is unusable, or there are too many.

        """
        if not 0 < len(endpoint.name) <= MOST_CHARACTERS_OF_NAME:
            raise InputError(f"an endpoint's name has 1 to {MOST_CHARACTERS_OF_NAME} characters")
        with writing(self._engine, "webhook_endpoints") as connection:
            connection.execute(sa.delete(webhook_endpoints).where(_E.name == endpoint.name))
            number = connection.execute(sa.select(sa.func.count()).select_from(webhook_endpoints)).scalar_one()
            if number >= MOST_ENDPOINTS:
                raise InputError(f"there are {number} webhooks; delete one first", f"最多 {MOST_ENDPOINTS} 个推送地址")
            values = {name: getattr(endpoint, name) for name in ("name", "url", "secret", "enabled", "created_by")}
            values |= {"why_disabled": endpoint.why_disabled, "created_at": plain(endpoint.created_at)}
            connection.execute(sa.insert(webhook_endpoints).values(values))

    def get(self, name: str) -> WebhookEndpoint:
        """Return an endpoint.

        Raises:
            NotFoundError: there is none of this name.

        """
        with reading(self._engine) as connection:
            query = sa.select(webhook_endpoints).where(_E.name == name)
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFoundError(f"there is no webhook {name!r}", chinese=f"没有名为“{name[:40]}”的推送地址")
        return _endpoint(row)

    def endpoints(self) -> list[WebhookEndpoint]:
        """Return all endpoints by name."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(webhook_endpoints).order_by(_E.name)).mappings()
            return [_endpoint(row) for row in rows]

    def drop(self, name: str, now: datetime) -> None:
        """Delete an endpoint; its messages that wait are given up.

        Raises:
            NotFoundError: there is none of this name.
            ConflictError: a standing request in force still names it.

        """
        with writing(self._engine, "webhook_endpoints") as connection:
            users = sa.select(standing_requests.c.id).where(
                standing_requests.c.endpoint == name, standing_requests.c.ended_at.is_(None)
            )
            user = connection.execute(users.limit(1)).scalar()
            if user is not None:
                raise ConflictError(
                    f"the standing request {user!r} is sent to {name!r}; change it first",
                    f"订阅“{user}”仍在使用该推送地址，请先修改订阅",
                )
            if not connection.execute(sa.delete(webhook_endpoints).where(_E.name == name)).rowcount:
                raise NotFoundError(f"there is no webhook {name!r}", chinese=f"没有名为“{name[:40]}”的推送地址")
            waiting = (_M.endpoint == name) & (_M.state == MessageState.WAITING.value)
            given_up = {"state": MessageState.DEAD.value, "last_error": "推送地址已删除", "ended_at": plain(now)}
            connection.execute(sa.update(webhook_messages).where(waiting).values(given_up))

    def disable(self, name: str, why: str) -> None:
        """Send nothing more to an endpoint until it is written again."""
        with writing(self._engine) as connection:
            query = sa.update(webhook_endpoints).where(_E.name == name)
            connection.execute(query.values(enabled=False, why_disabled=why[:MAX_ERROR]))

    def write(self, message: WebhookMessage, notices: Sequence[int] = ()) -> bool:
        """Write a message that carries notices; nothing, and False, if another message holds one of them already."""
        with writing(self._engine, "standing_notices") as connection:
            mine = standing_notices.c.number.in_(notices) & standing_notices.c.message_id.is_(None)
            free = sa.select(sa.func.count()).select_from(standing_notices).where(mine)
            if notices and connection.execute(free).scalar_one() != len(notices):
                return False
            if notices:
                connection.execute(sa.update(standing_notices).where(mine).values(message_id=message.id))
            values = vars(message) | {"state": message.state.value, "created_at": plain(message.created_at)}
            values["next_at"] = plain(message.next_at or message.created_at)
            connection.execute(sa.insert(webhook_messages).values(values))
            return True

    def claim(self, now: datetime, lease: timedelta, busy: Collection[str], limit: int) -> list[WebhookMessage]:
        """Return messages that are due, at most one an endpoint and none of `busy` ones; nobody else gets them for a while.

        Who does not report within `lease` loses the claim: the message is due again.
        """
        due = (_M.state == MessageState.WAITING.value) & (_M.next_at <= plain(now))
        first = (
            sa.select(sa.func.min(_M.next_at).label("at"), _M.endpoint)
            .join(webhook_endpoints, _E.name == _M.endpoint)
            .where(due, _E.enabled, _M.endpoint.not_in(sorted(busy)))
            .group_by(_M.endpoint)
            .order_by("at")
            .limit(limit)
        )
        with reading(self._engine) as connection:
            endpoints = [row.endpoint for row in connection.execute(first)]
        if not endpoints:
            return []
        claimed = []
        with writing(self._engine, "webhook_messages") as connection:
            for endpoint in endpoints:
                query = sa.select(webhook_messages).where(due, _M.endpoint == endpoint)
                row = connection.execute(query.order_by(_M.next_at, _M.id).limit(1)).mappings().one_or_none()
                if row is not None:
                    until = plain(now + lease)
                    connection.execute(sa.update(webhook_messages).where(_M.id == row["id"]).values(next_at=until))
                    claimed.append(_message(row))
        return claimed

    def delivered(self, message_id: str, status: int, now: datetime) -> None:
        """Note that a receiver took a message."""
        self._note(message_id, MessageState.DELIVERED, status, "", None, now)

    def failed(self, message_id: str, status: int | None, error: str, next_at: datetime | None, now: datetime) -> None:
        """Note that an attempt failed; without a next one the message is given up."""
        state = MessageState.DEAD if next_at is None else MessageState.WAITING
        self._note(message_id, state, status, error, next_at, now)

    def _note(
        self,
        message_id: str,
        state: MessageState,
        status: int | None,
        error: str,
        next_at: datetime | None,
        now: datetime,
    ) -> None:
        values = {
            "state": state.value,
            "attempts": _M.attempts + 1,
            "next_at": next_at and plain(next_at),
            "last_status": status,
            "last_error": error[:MAX_ERROR],
            "ended_at": None if state is MessageState.WAITING else plain(now),
        }
        open_ = (_M.id == message_id) & (_M.state == MessageState.WAITING.value)
        with writing(self._engine) as connection:
            connection.execute(sa.update(webhook_messages).where(open_).values(values))

    def again(self, message_id: str, now: datetime) -> WebhookMessage:
        """Have a message that was given up sent again, with all its attempts.

        Raises:
            NotFoundError: there is no such message that was given up.

        """
        with writing(self._engine) as connection:
            dead = (_M.id == message_id) & (_M.state == MessageState.DEAD.value)
            values = {"state": MessageState.WAITING.value, "attempts": 0, "next_at": plain(now), "ended_at": None}
            if not connection.execute(sa.update(webhook_messages).where(dead).values(values)).rowcount:
                raise NotFoundError(
                    f"no message {message_id!r} was given up", chinese=f"没有已放弃的消息“{message_id[:64]}”"
                )
            row = connection.execute(sa.select(webhook_messages).where(_M.id == message_id)).mappings().one()
            return _message(row)

    def messages(self, state: MessageState | None = None, endpoint: str = "", limit: int = 100) -> list[WebhookMessage]:
        """Return the latest messages, of one state and endpoint if given."""
        query = sa.select(webhook_messages).order_by(_M.created_at.desc(), _M.id).limit(limit)
        if state is not None:
            query = query.where(_M.state == state.value)
        if endpoint:
            query = query.where(_M.endpoint == endpoint)
        with reading(self._engine) as connection:
            return [_message(row) for row in connection.execute(query).mappings()]


def _endpoint(row: Any) -> WebhookEndpoint:
    return WebhookEndpoint(**dict(row) | {"created_at": aware(row["created_at"])})


def _message(row: Any) -> WebhookMessage:
    moments = {name: row[name] and aware(row[name]) for name in ("created_at", "next_at", "ended_at")}
    return WebhookMessage(**dict(row) | moments | {"state": MessageState(row["state"])})
