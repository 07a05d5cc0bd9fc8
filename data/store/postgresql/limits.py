"""How long statements may take and how many connections a process may hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

from data.settings import Settings

_LONG: ContextVar[bool] = ContextVar("long_statements", default=False)


@contextmanager
def long_statements() -> Iterator[None]:
    """Give statements of this thread inside the block the time of an import or a report, not that of a request."""
    token = _LONG.set(True)
    try:
        yield
    finally:
        _LONG.reset(token)


def are_long() -> bool:
    """Tell whether statements of this thread may take long."""
    return _LONG.get()


@dataclass(frozen=True)
class Limits:
    """Limits of one process; seconds, connections. `short` is that of a request's statement, None where nobody waits."""

    lock: float
    long: float
    idle: float
    pool: int
    pool_wait: float
    pgbouncer: bool
    short: float | None = None

    @classmethod
    def of(cls, chosen: Settings, lock: float, *, requests: bool = False) -> Self:
        """Return the limits that the settings name; `requests`: of a server, whose statements somebody waits for."""
        return cls(
            lock,
            chosen.database_long_timeout,
            chosen.database_idle_timeout,
            chosen.database_pool,
            chosen.database_pool_wait,
            chosen.database_pgbouncer,
            chosen.database_statement_timeout if requests else None,
        )

    def parameters(self, *, long: bool) -> dict[str, str]:
        """Return PostgreSQL's parameters for a connection or transaction, in milliseconds."""
        statement = self.long if long or self.short is None else self.short
        return {
            "lock_timeout": _milliseconds(self.lock),
            "statement_timeout": _milliseconds(statement),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle),
        }


def _milliseconds(seconds: float) -> str:
    return f"{int(seconds * 1000)}ms"
