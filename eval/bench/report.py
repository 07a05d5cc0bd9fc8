"""Rows of a benchmark, the way they are timed, and the table that shows them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np

from data.resident import resident_bytes
from data.terminal import Table


@dataclass(frozen=True)
class BenchRow:
    """One measured figure; `ratio` is value / the peer's value of the same run, None where there is no peer."""

    stage: str
    metric: str
    value: float
    unit: str
    ratio: float | None = None
    peer: str = ""

    def as_dict(self) -> dict[str, str | float | None]:
        """Return the row as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Latency:
    """Milliseconds of the calling thread's CPU time per call: what a call costs whatever else the machine does."""

    p50: float
    p99: float


def latency(calls: Sequence[Callable[[], object]], warm_up: int = 5) -> Latency:
    """Run each of `calls` once, the first `warm_up` of them once more before, and return the quantiles."""
    for call in calls[:warm_up]:
        call()
    durations = []
    for call in calls:
        begun = time.thread_time()
        call()
        durations.append(1e3 * (time.thread_time() - begun))
    return Latency(float(np.quantile(durations, 0.5)), float(np.quantile(durations, 0.99)))


def throughput(calls: Sequence[Callable[[], object]], threads: int) -> float:
    """Return how many of `calls` `threads` threads of this process finish a second."""
    with ThreadPoolExecutor(threads) as pool:
        begun = time.perf_counter()
        for future in [pool.submit(call) for call in calls]:
            future.result()
        return len(calls) / (time.perf_counter() - begun)


def resident_mib() -> float:
    """Return the memory that this process holds now in MiB, see `resident_bytes`."""
    return resident_bytes() / 2**20


def table(rows: Sequence[BenchRow], title: str) -> Table:
    """Return `rows` as a table for the terminal."""
    shown = Table("stage", "metric", "value", "unit", "ratio", "to", title=title)
    stage = ""
    for row in rows:
        if stage and row.stage != stage:
            shown.add_section()
        ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
        shown.add_row(
            "" if row.stage == stage else row.stage, row.metric, f"{row.value:,.3f}", row.unit, ratio, row.peer
        )
        stage = row.stage
    return shown
