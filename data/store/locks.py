"""Locks that hold on all machines of one store and end with their holder, whatever ends it."""

from hashlib import sha256

import sqlalchemy as sa

from data.store.database import translated_errors


class HeldLock:
    """A lock that this process holds until `release`, or until it loses the database."""

    def __init__(self, connection: sa.Connection | None) -> None:
        """Hold the lock of the open transaction of `connection`; None: the file lock beside it is enough."""
        self._connection = connection

    @property
    def alive(self) -> bool:
        """Whether the lock is still held: a database that was away gave it up."""
        if self._connection is None:
            return True
        try:
            self._connection.exec_driver_sql("SELECT 1")
        except sa.exc.SQLAlchemyError:
            return False
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._connection is None:
            return
        if not self.alive:  # the database ended it before: nothing is to be rolled back
            self._connection.invalidate()
        self._connection.close()
        self._connection = None


class StoreLocks:
    """Gives out locks by name. Where the store is a file, all its processes are on one machine and lock files are enough."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def take(self, name: str) -> HeldLock | None:
        """Take the lock of this name for this process; None if another one, here or on another machine, holds it.

        Raises:
            StoreError: the database fails.

        """
        if self._engine.dialect.name != "postgresql":
            return HeldLock(None)
        key = int.from_bytes(sha256(f"gongxu lock {name}".encode()).digest()[:8], signed=True)
        with translated_errors(self._engine.url):
            connection = self._engine.connect()
            try:
                # The lock of a transaction, not of a session: PgBouncer keeps one connection for it.
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
                if connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(key))).scalar_one():
                    return HeldLock(connection)
            except BaseException:
                connection.close()
                raise
            connection.close()
            return None
