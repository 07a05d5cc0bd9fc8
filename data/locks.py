"""One at a time: locks that die with their process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from data.errors import GongxuError


class BusyError(GongxuError):
    """Another process is doing this already."""


@contextmanager
def exclusive(path: Path, what: str, chinese: str = "") -> Iterator[None]:
    """Hold the lock at `path` for the block; `what` names the work in the error, `chinese` in Chinese.

    The operating system lets go of it when the process ends, however it ends.

    Raises:
        BusyError: another process, or another block of this one, holds it.

    """
    descriptor = _opened(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 200).decode(errors="replace").strip() or "unknown"
            raise BusyError(
                f"another {what} is running ({holder}); wait until it has finished",
                f"另一项{chinese or '同样的操作'}正在进行（{holder}）；请等它完成",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Hold the lock at `path` for the block, once whoever holds it has let go."""
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def taken(path: Path) -> int | None:
    """Take the lock at `path` and return its descriptor, closing which gives it back; None if somebody holds it."""
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def held(path: Path) -> bool:
    """Tell whether some process holds the lock at `path` now."""
    if not path.exists():
        return False
    descriptor = taken(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def _opened(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
