"""Operators of the dashboard and their sessions in the store's database: hashes, never passwords or cookies."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from data.errors import InputError, unknown_id
from data.store.dashboard_tables import operator_sessions, operators
from data.store.database import reading, writing


@dataclass(frozen=True)
class Operator:
    """Somebody who may sign in to the dashboard; moments in UTC.

    `subject` names who signs in at an OpenID Connect provider (issuer and subject); their `password_hash` is empty.
    """

    name: str
    role: str
    password_hash: str
    created_at: datetime
    disabled_at: datetime | None = None
    failures: int = 0
    locked_until: datetime | None = None
    subject: str | None = None


@dataclass(frozen=True)
class Session:
    """A sign-in that goes on; `digest` is that of its cookie."""

    digest: str
    operator: str
    role: str
    created_at: datetime
    seen_at: datetime


class Operators:
    """The operators of one store and their sessions; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, operator: Operator) -> None:
        """Store a new operator.

        Raises:
            InputError: there is one of that name.

        """
        with writing(self._engine) as connection:
            if connection.execute(sa.select(operators.c.name).where(operators.c.name == operator.name)).first():
                raise InputError(f"there is an operator {operator.name!r} already; `gongxu operators list` shows all")
            connection.execute(sa.insert(operators).values({k: _plain(v) for k, v in vars(operator).items()}))

    def all(self) -> list[Operator]:
        """Return all operators, disabled ones too, by name."""
        with reading(self._engine) as connection:
            return [_operator(row) for row in connection.execute(sa.select(operators).order_by(operators.c.name))]

    def find(self, name: str) -> Operator | None:
        """Return an operator, None if there is none of that name."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(operators).where(operators.c.name == name)).first()
        return _operator(row) if row else None

    def of_subject(self, subject: str) -> Operator | None:
        """Return the operator who signs in at a provider under this issuer and subject, None if there is none yet."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(operators).where(operators.c.subject == subject)).first()
        return _operator(row) if row else None

    def change(self, name: str, **values: Any) -> None:
        """Change columns of an operator and end their sessions: a new password or role counts at once, everywhere.

        Raises:
            NotFoundError: there is none of that name.

        """
        with writing(self._engine) as connection:
            mine = operators.c.name == name
            changes = {key: _plain(value) for key, value in values.items()}
            if not connection.execute(sa.update(operators).where(mine).values(changes)).rowcount:
                known = connection.execute(sa.select(operators.c.name).order_by(operators.c.name)).scalars()
                raise unknown_id("operator", name, known)
            connection.execute(sa.delete(operator_sessions).where(operator_sessions.c.operator == name))

    def note_failure(self, name: str, now: datetime, limit: int, lock: timedelta) -> bool:
        """Count a wrong password; the `limit`-th in a row locks for the time `lock`. Return whether it did."""
        with writing(self._engine) as connection:
            mine = operators.c.name == name
            grown = sa.update(operators).where(mine).values(failures=operators.c.failures + 1)
            failures = connection.execute(grown.returning(operators.c.failures)).scalar()
            if failures is None or failures < limit:
                return False
            locked = sa.update(operators).where(mine).values(failures=0, locked_until=_plain(now + lock))
            connection.execute(locked)
            return True

    def open_session(self, digest: str, name: str, now: datetime, oldest: datetime) -> None:
        """Begin a session after a right password, forget the failures before it, and all sessions begun before `oldest`."""
        with writing(self._engine) as connection:
            connection.execute(
                sa.update(operators).where(operators.c.name == name).values(failures=0, locked_until=None)
            )
            connection.execute(sa.delete(operator_sessions).where(operator_sessions.c.created_at < _plain(oldest)))
            values = {"digest": digest, "operator": name, "created_at": _plain(now), "seen_at": _plain(now)}
            connection.execute(sa.insert(operator_sessions).values(values))

    def session(self, digest: str) -> Session | None:
        """Return a session of an operator who may still sign in, None if there is none."""
        table = operator_sessions
        query = (
            sa.select(table, operators.c.role)
            .join(operators, operators.c.name == table.c.operator)
            .where(table.c.digest == digest, operators.c.disabled_at.is_(None))
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return Session(row.digest, row.operator, row.role, _in_utc(row.created_at), _in_utc(row.seen_at))

    def touch(self, digest: str, now: datetime) -> None:
        """Note that a session was used."""
        with writing(self._engine) as connection:
            mine = operator_sessions.c.digest == digest
            connection.execute(sa.update(operator_sessions).where(mine).values(seen_at=_plain(now)))

    def close_session(self, digest: str) -> None:
        """End a session."""
        with writing(self._engine) as connection:
            connection.execute(sa.delete(operator_sessions).where(operator_sessions.c.digest == digest))


def _operator(row: Any) -> Operator:
    return Operator(**{name: _in_utc(value) for name, value in row._mapping.items()})


def _plain(value: Any) -> Any:
    """Return a moment in UTC without offset: SQLite has no other."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _in_utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
