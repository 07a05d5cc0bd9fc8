"""Connections to PostgreSQL: a pool of limited size, limits for each statement, and none to a schema of another gongxu."""

from typing import Any

import sqlalchemy as sa

from data.errors import StoreError, first_line
from data.store.postgresql.limits import Limits, are_long

# Any number that no other program using the same PostgreSQL server is likely to take.
MIGRATION_LOCK = 7_355_608_113
KEPT = 5  # connections that a pool keeps open while nobody uses them
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000}
_NAME = "gongxu"


def postgresql_engine(url: sa.URL, limits: Limits) -> sa.Engine:
    """Return an engine whose pool holds at most `limits.pool` connections; nothing is connected yet."""
    arguments: dict[str, Any] = {"connect_timeout": 10, "application_name": _NAME, **_ALIVE}
    if limits.pgbouncer:
        # What a session remembers is somebody else's a transaction later: no prepared statements, limits by transaction.
        arguments["prepare_threshold"] = None
    else:
        given = limits.parameters(long=False)
        arguments["options"] = " ".join(f"-c {name}={value}" for name, value in given.items())
    kept = min(KEPT, limits.pool)
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_use_lifo=True,
        pool_size=kept,
        max_overflow=limits.pool - kept,
        pool_timeout=limits.pool_wait,
        connect_args=arguments,
        execution_options={"pgbouncer": limits.pgbouncer},
    )
    _limit_transactions(engine, limits)
    return engine


def single_statements(engine: sa.Engine) -> sa.Engine:
    """Return the engine for reads of one statement: without a transaction around it, where that is not needed for limits."""
    if engine.dialect.name == "postgresql" and not engine.get_execution_options()["pgbouncer"]:
        return engine.execution_options(isolation_level="AUTOCOMMIT")
    return engine.execution_options(single=True)


def _limit_transactions(engine: sa.Engine, limits: Limits) -> None:
    """Give each transaction its limits where those of the connection are not the right ones."""

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") == "AUTOCOMMIT":
            return
        long = limits.short is not None and (are_long() or bool(options.get("long", False)))
        if long or limits.pgbouncer:
            parts = ", ".join(f"set_config('{k}', '{v}', true)" for k, v in limits.parameters(long=long).items())
            connection.exec_driver_sql(f"SELECT {parts}")


def require_schema(engine: sa.Engine, schema: str) -> None:
    """Refuse each connection from now on while the store is being migrated, and once it has another schema than `schema`.

    A process of an earlier version that goes on beside a migrated store would write by rules that hold no longer.
    """

    @sa.event.listens_for(engine, "connect")
    def _check(connection: Any, _record: Any) -> None:
        import psycopg

        try:
            # Waits for a migration that is under way.
            connection.execute(f"SELECT pg_advisory_xact_lock_shared({MIGRATION_LOCK})")
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.rollback()
        except psycopg.Error as error:
            connection.close()
            raise StoreError(f"the store is being migrated or not usable: {first_line(error)}") from error
        if found is None or found[0] != schema:
            connection.close()
            raise StoreError(
                f"the store has schema {found and found[0]} by now, this process knows {schema}; "
                "restart it with the gongxu that migrated the store"
            )


def begin_migration(connection: sa.Connection, *, populated: bool) -> None:
    """Keep everybody else out of the store until the transaction of `connection` ends.

    Transactions of other processes under way end without being acknowledged; new connections wait, see `require_schema`.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # copying a large table takes its time
    if populated:
        # Those of earlier versions have no name. Whoever is at work with tools of PostgreSQL's own (pg_dump) is waited for.
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND usename = current_user AND backend_type = 'client backend' AND pid <> pg_backend_pid() "
            "AND application_name IN ('', :name)"
        )
        connection.execute(sa.text(others), {"name": _NAME})
