"""Marks between the stages of a request, for whoever wants to time them; the engine itself has no clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def mark_stage(stage: str) -> None:
    """Tell whoever listens in this thread that `stage` is over."""
    if (listener := _listener.get()) is not None:
        listener(stage)


@contextmanager
def stage_listener(listener: Callable[[str], None]) -> Iterator[None]:
    """Have `listener` called with the name of each stage that ends inside the block, in this thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
