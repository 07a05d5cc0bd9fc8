"""Servers in this process, on copies of the suite's tiny platform or on the platform itself for tests that only read."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from data.settings import Settings
from serving.app import create_app
from serving.runtime import live


@pytest.fixture(scope="session", autouse=True)
def _warm_once() -> Iterator[None]:
    """Let only the first bundle of this process be warmed up: what is compiled stays compiled."""
    warm_up, warmed = live.warm_up, []

    def first(*arguments) -> None:
        if not warmed:
            warmed.append(True)
            warm_up(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(live, "warm_up", first)
        yield


@contextmanager
def running(settings: Settings) -> Iterator[TestClient]:
    """Yield a client, on the same machine, to an app that runs in this process."""
    with TestClient(create_app(settings), base_url="http://localhost", client=("127.0.0.1", 50000)) as client:
        yield client


def quick(settings: Settings, **changes: object) -> Settings:
    """Return the settings with one thread each and short intervals."""
    return settings.model_copy(update={"serve_threads": 1, "serve_poll": 0.05} | changes)


def wait_for(condition, seconds=20.0):
    """Return the condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    return pytest.fail(f"not within {seconds} s")


def copy_of(platform, home) -> Settings:
    """Return settings of a copy of the platform in `home`, which is made.

    Nothing keeps the platform's own store open in this process: to copy an open SQLite file would end its locks.
    """
    home.mkdir()
    for path in platform.settings.home.glob("store.db*"):
        shutil.copy(path, home)
    shutil.copytree(platform.settings.bundles, home / "bundles")
    return quick(platform.settings, home=home)


@pytest.fixture
def site(platform, tmp_path) -> Settings:
    """Return settings of a copy of the platform, which a test may change."""
    return copy_of(platform, tmp_path / "home")


@pytest.fixture
def client(site) -> Iterator[TestClient]:
    """Yield a client to a server of the test's own."""
    with running(site) as client:
        yield client


@pytest.fixture(scope="session")
def reader(platform, tmp_path_factory) -> Iterator[TestClient]:
    """Yield a client to one server for all tests that only read."""
    with running(copy_of(platform, tmp_path_factory.mktemp("reader") / "home")) as client:
        yield client
