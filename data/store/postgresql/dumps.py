"""A PostgreSQL store as a file and back, by PostgreSQL's own pg_dump and pg_restore."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from data.errors import InputError, StoreError, first_line


def save(url: str, target: Path) -> None:
    """Write the store at `url` into `target`, as it is in one moment; others may go on writing.

    Raises:
        InputError: there is no pg_dump here.
        StoreError: it failed; the reason is its own.

    """
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def require_restorable(url: str, *, replace: bool) -> None:
    """Refuse to restore over a store that is in use or, unless `replace`, over one at all.

    Raises:
        InputError: that is so.
        StoreError: the database cannot be reached.

    """
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with _connected(url) as connection:
        number = connection.execute(sa.text(others)).scalar_one()
        if number:
            raise InputError(
                f"the store is in use by {number} connections; stop the servers and what else works on it, then restore",
                f"数据库正在被 {number} 个连接使用；请先停止服务和其他命令，再恢复",
            )
        if sa.inspect(connection).has_table("alembic_version") and not replace:
            raise InputError(
                "the database holds a store; restore with --replace to set it aside, or name an empty database"
            )


def restore(url: str, dump: Path) -> str:
    """Put a saved store in place; the one that was there is set aside as a schema, whose name is returned ("" if none).

    Raises:
        InputError: there is no pg_restore here.
        StoreError: it failed; what was there is in its place again.

    """
    aside = ""
    with _connected(url) as connection:
        if sa.inspect(connection).has_table("alembic_version"):
            aside = f"before_restore_{datetime.now(UTC):%Y%m%d_%H%M%S}"
            connection.execute(sa.text(f"ALTER SCHEMA public RENAME TO {aside}"))
            connection.execute(sa.text("CREATE SCHEMA public"))
    try:
        _run("pg_restore", url, "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(dump))
    except (StoreError, InputError):
        if aside:
            with _connected(url) as connection:
                connection.execute(sa.text("DROP SCHEMA public CASCADE"))
                connection.execute(sa.text(f"ALTER SCHEMA {aside} RENAME TO public"))
        raise
    return aside


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    """Open a transaction on a connection of its own.

    Raises:
        StoreError: the database fails.

    """
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise StoreError(f"the database of the store: {first_line(error.orig or error)}") from error


def _run(program: str, url: str, *arguments: str) -> None:
    """Run a program on a database, whose password is not on the command line.

    Raises:
        InputError: there is no such program.
        StoreError: it failed.

    """
    found = shutil.which(program)
    if found is None:
        raise InputError(
            f"{program} is not installed; install PostgreSQL's client programs, of the server's version or newer",
            f"没有找到 {program}；请安装 PostgreSQL 客户端程序，版本不低于服务器",
        )
    parsed = sa.make_url(url).set(drivername="postgresql")
    environment = dict(os.environ)
    if parsed.password is not None:
        environment["PGPASSWORD"] = str(parsed.password)
    target = parsed.set(password=None).render_as_string()
    command = [found, *arguments[:-1], "--dbname", target, arguments[-1]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StoreError(f"{program} failed: {(done.stderr.strip() or 'it gave no reason').splitlines()[0]}")
