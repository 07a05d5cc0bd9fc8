"""Servers as processes of their own, for tests that kill, starve, break and flood them."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

START = 240.0  # seconds that a start may take on a machine that does other things as well


def copy_of(platform, home: Path) -> Path:
    """Copy the suite's platform into `home`, for a test that writes."""
    home.mkdir()
    for path in platform.settings.home.glob("store.db*"):
        shutil.copy(path, home)
    shutil.copytree(platform.settings.bundles, home / "bundles")
    return home


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(home: Path, port: int, *arguments: str, **settings: object) -> subprocess.Popen:
    """Start a server and return its process, without waiting until it is ready."""
    environment = os.environ | {"GONGXU_HOME": str(home), "GONGXU_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment |= {f"GONGXU_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "gongxu", "serve", "--port", str(port), *arguments]
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def wait_until(condition: Callable[[], object], seconds: float = START) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s")
        time.sleep(0.02)


def wait_until_up(port: int, process: subprocess.Popen, path: str = "/readyz") -> None:
    def up() -> bool:
        assert process.poll() is None, "the server ended"
        try:
            return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False

    wait_until(up)


@contextmanager
def served(
    home: Path, *arguments: str, path: str = "/readyz", **settings: object
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Yield the URL and the process of a server that is up."""
    port = free_port()
    process = start(home, port, *arguments, **settings)
    try:
        wait_until_up(port, process, path)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
