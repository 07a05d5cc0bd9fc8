"""Database engines for the store: SQLite in WAL mode or PostgreSQL, brought to the current schema when opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from data.errors import StoreError, first_line
from data.settings import Settings, settings
from data.store.postgresql.engine import begin_migration, postgresql_engine, require_schema
from data.store.postgresql.limits import Limits
from data.store.tables import SCHEMA

# How long a writer waits for another one, seconds.
LOCK_TIMEOUT = 60


def open_engine(
    url: str, lock_timeout: float = LOCK_TIMEOUT, *, create: bool = True, server: Settings | None = None
) -> sa.Engine:
    """Return an engine for `url` (SQLite or PostgreSQL) whose database has the current schema, creating it if need be.

    A writer waits `lock_timeout` seconds for another one. Without `create` a file that is not there is left so: what is
    read then is an empty database in memory. `server` holds the settings of a server, whose statements on PostgreSQL
    have the limits of requests; elsewhere the settings of the environment count, and nobody waits.

    Raises:
        StoreError: the URL is not understood, the database cannot be reached or was written by a newer gongxu.

    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        # The URL may hold a password: it is not repeated.
        raise StoreError("GONGXU_DATABASE_URL is no database URL; e.g. postgresql://user@host/name") from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise StoreError(f"database {backend!r} is not supported; use sqlite or postgresql")
    with translated_errors(parsed):
        if backend == "postgresql":
            limits = Limits.of(server or settings(), lock_timeout, requests=server is not None)
            engine = postgresql_engine(parsed, limits)
        elif create or not parsed.database or Path(parsed.database).exists():
            engine = _sqlite_engine(parsed, lock_timeout)
        else:
            engine = _empty_engine()
        try:
            _migrate(engine)
            if backend == "postgresql":
                require_schema(engine, SCHEMA)
        except BaseException:
            engine.dispose()
            raise
    return engine


@contextmanager
def translated_errors(url: sa.URL) -> Iterator[None]:
    """Turn the database's errors inside into a StoreError of one line; passwords are not shown."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        why = first_line(error.orig or error)
        shown = url.render_as_string(hide_password=True)
        hint = "; another process holds it, try again" if "locked" in why else ""
        chinese = f"数据库 {shown}：{why}{'；另一程序正在占用，请稍后再试' if hint else ''}"
        raise StoreError(f"store {shown}: {why}{hint}", chinese) from error
    except sa.exc.TimeoutError as error:
        raise StoreError(
            "all database connections that this process may have are in use; try again, or raise GONGXU_DATABASE_POOL",
            "本进程可用的数据库连接已全部占用；请稍后再试，或调高 GONGXU_DATABASE_POOL",
        ) from error
    except sa.exc.SQLAlchemyError as error:
        raise StoreError(f"store {url.render_as_string(hide_password=True)}: {first_line(error)}") from error
    except OSError as error:
        raise StoreError(f"store {url.database}: {error.strerror or error}") from error


def begin_write(engine: sa.Engine) -> Any:
    """Return a context manager: a connection in a transaction that is going to write."""
    return engine.execution_options(writes=True).begin()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection to read by.

    Raises:
        StoreError: the database fails.

    """
    with translated_errors(engine.url), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine, locked: str = "") -> Iterator[sa.Connection]:
    """Open a transaction to write in; PostgreSQL locks the table `locked` against a second writer, as SQLite does by itself.

    Raises:
        StoreError: the database fails.

    """
    with translated_errors(engine.url), begin_write(engine) as connection:
        if locked and engine.dialect.name == "postgresql":
            connection.execute(sa.text(f"LOCK TABLE {locked} IN SHARE ROW EXCLUSIVE MODE"))
        yield connection


def _sqlite_engine(url: sa.URL, lock_timeout: float) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("the store needs a file: sqlite:////folder/store.db")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    # The connection used last: its pages are in memory.
    engine = sa.create_engine(url, connect_args={"timeout": lock_timeout}, pool_use_lifo=True)
    _with_own_transactions(engine)
    return engine


def _empty_engine() -> sa.Engine:
    """Return an engine of an empty database in memory: one connection, which all share."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    _with_own_transactions(engine)
    return engine


def _with_own_transactions(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # The driver's own transactions begin too late and spare DDL; ours begin below.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get("single", False):  # a statement for itself reads one snapshot without
            return
        # A reader that turns writer midway can fail at once; a writer announces itself and waits for its turn.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes", False) else "BEGIN")


def _schema_of(connection: sa.Connection) -> str | None:
    """Return the database's schema version, None when it has no tables yet."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: sa.Engine) -> None:
    """Bring the database to this code's schema; of several processes that open it at once one does the work."""
    with engine.connect() as connection:
        if _schema_of(connection) == SCHEMA:
            return
    with begin_write(engine) as connection:
        if engine.dialect.name == "postgresql":
            begin_migration(connection, populated=_schema_of(connection) is not None)
        found = _schema_of(connection)
        if found == SCHEMA:
            return
        # Alembic takes a while to import and is hardly ever needed.
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
        config.set_main_option("recursive_version_locations", "true")  # a folder holds some of the steps
        known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
        if found is not None and found not in known:
            shown = engine.url.render_as_string(hide_password=True)
            raise StoreError(f"store {shown} has schema {found}, this gongxu knows up to {SCHEMA}; update gongxu")
        config.attributes["connection"] = connection
        command.upgrade(config, SCHEMA)
