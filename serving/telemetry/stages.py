"""Where a request's time goes: each stage into Prometheus' histogram and, where traces are on, into a span."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter, time_ns

from serving.telemetry import tracing
from serving.telemetry.metrics import STAGE_SECONDS

_seconds = cache(STAGE_SECONDS.labels)  # looking one up costs more than to note a time


def record(stage: str, seconds: float, ended_ns: int | None = None) -> None:
    """Note that `stage` took `seconds` and ended now (or at `ended_ns`, of the wall clock)."""
    _seconds(stage).observe(seconds)
    tracing.stage(stage, seconds, ended_ns)


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Note how long the block takes, whether or not it fails."""
    started = perf_counter()
    try:
        yield
    finally:
        record(stage, perf_counter() - started, time_ns())
