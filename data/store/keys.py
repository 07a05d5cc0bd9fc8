"""API keys and the audit trail in the store's database: digests of keys, never the keys."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from data.errors import InputError, unknown_id
from data.store.database import translated_errors, writing
from data.store.tables import api_keys, audit


@dataclass(frozen=True)
class ApiKey:
    """A key as the store knows it; moments in UTC."""

    key_id: str
    name: str
    role: str
    digest: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def valid(self, now: datetime) -> bool:
        """Tell whether the key may be used at a moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, when; `request_id` is empty for what was done from the command line."""

    at: datetime
    actor: str
    action: str
    subject: str
    request_id: str = ""


class ApiKeys:
    """The keys and the audit trail of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, key: ApiKey) -> None:
        """Store a new key.

        Raises:
            InputError: another key has its name.

        """
        with writing(self._engine) as connection:
            if connection.execute(sa.select(api_keys.c.key_id).where(api_keys.c.name == key.name)).first():
                raise InputError(f"there is a key named {key.name!r} already; revoked or not, its name stays taken")
            connection.execute(sa.insert(api_keys).values(vars(key) | _moments(key)))

    def all(self) -> list[ApiKey]:
        """Return all keys ever made, revoked ones too, by name."""
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            rows = connection.execute(sa.select(api_keys).order_by(api_keys.c.name)).mappings()
            return [ApiKey(**{name: _in_utc(value) for name, value in row.items()}) for row in rows]

    def revoke(self, name: str, now: datetime) -> None:
        """Make a key useless from now on; a key that was revoked before stays so.

        Raises:
            NotFoundError: no key has this name.

        """
        with writing(self._engine) as connection:
            mine = api_keys.c.name == name
            if not connection.execute(sa.select(api_keys.c.key_id).where(mine)).first():
                names = connection.execute(sa.select(api_keys.c.name).order_by(api_keys.c.name)).scalars()
                raise unknown_id("key", name, names)
            still = mine & api_keys.c.revoked_at.is_(None)
            connection.execute(sa.update(api_keys).where(still).values(revoked_at=_plain(now)))

    def note(self, entry: AuditEntry) -> None:
        """Append to the audit trail."""
        with writing(self._engine) as connection:
            connection.execute(sa.insert(audit).values(vars(entry) | {"at": _plain(entry.at)}))

    def trail(self, limit: int = 1000) -> list[AuditEntry]:
        """Return the latest entries, newest first."""
        query = sa.select(audit).order_by(audit.c.number.desc()).limit(limit)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            rows = connection.execute(query).mappings()
            return [
                AuditEntry(**{name: _in_utc(value) for name, value in row.items() if name != "number"}) for row in rows
            ]


def _plain(moment: datetime | None) -> datetime | None:
    """Return a moment in UTC without offset: SQLite has no other."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)


def _moments(key: ApiKey) -> dict[str, datetime | None]:
    return {name: _plain(getattr(key, name)) for name in ("created_at", "expires_at", "revoked_at")}


def _in_utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
