"""A private PostgreSQL for the contract suites: started once, a fresh database for each test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from data.store.database import open_engine
from deploy.postgresql import LocalServer, local_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[LocalServer]:
    """Start PostgreSQL on a socket in a temporary folder; a test may stop it and start it again."""
    # Not pytest's folder: a socket's path may have 107 bytes, and under root the server runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="gongxu-pg-"))
    try:
        with local_postgresql(folder, settings="-c fsync=off") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server(postgresql: LocalServer) -> str:
    """Return the server's URL up to the database's name."""
    return postgresql.url


_numbers = count(1)


@pytest.fixture(scope="session")
def new_postgresql(postgresql_server: str) -> Callable[..., str]:
    """Return a function that creates a database with the tables of a new store, or a bare one, and returns its URL.

    The migrations run once; the others are copies.
    """
    url = postgresql_server.format("postgres").replace("postgresql://", "postgresql+psycopg://")

    def copy_of(template: str) -> str:
        name = f"gongxu_{next(_numbers)}"
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return name

    @cache
    def migrated() -> str:
        name = copy_of("template0")
        open_engine(postgresql_server.format(name)).dispose()
        return name

    def create(*, bare: bool = False) -> str:
        return postgresql_server.format(copy_of("template0" if bare else migrated()))

    return create
