"""A private PostgreSQL for the contract suites: started once, a fresh database for each test."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from data.store.database import open_engine


def _binaries() -> Path:
    """Return the folder of PostgreSQL's programs: PyPI's pgserver carries them, Debian's package is as good."""
    spec = find_spec("pgserver")
    carried = [Path(folder) / "pginstall/bin" for folder in (spec.submodule_search_locations or [])] if spec else []
    for folder in [*carried, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]:
        if (folder / "initdb").exists():
            return folder
    pytest.fail("no PostgreSQL found; install the project's dev dependencies (pgserver) or Debian's postgresql")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start PostgreSQL on a socket in a temporary folder; yield its URL up to the database's name."""
    # Not pytest's folder: a socket's path may have 107 bytes, and under root the server runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="gongxu-pg-"))
    binaries = _binaries()
    options: dict[str, object] = {"cwd": folder, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root, and root's folders may be closed to others.
        if any(not parent.stat().st_mode & 0o001 for parent in binaries.parents):
            binaries = Path(shutil.copytree(binaries.parent, folder / "pg")) / "bin"
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def run(program: str, *arguments: str) -> None:
        with (folder / "output").open("a+b") as output:
            command = [str(binaries / program), "-D", str(folder / "data"), *arguments]
            done = subprocess.run(command, stdout=output, stderr=output, check=False, timeout=120, **options)
        if done.returncode:
            pytest.fail(f"{program} failed: {(folder / 'output').read_text(errors='replace')[-2000:]}")

    try:
        run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-h '' -k {folder} -c fsync=off", "start")
        yield f"postgresql://postgres@/{{}}?host={folder}"
        run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
