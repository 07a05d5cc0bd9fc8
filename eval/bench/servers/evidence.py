"""Servers that note who was shown what and one that does not, asked in turn: what evidence costs a request."""

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import uvloop
from numpy.typing import NDArray

from data.settings import Settings
from eval.bench.report import BenchRow
from eval.bench.servers.load import closed_loop
from eval.bench.servers.serve import Plan, Served, asked_demands, cpu_seconds, question, served
from matcher.bundle import current_bundle

ROUNDS = 20
MODES = ("off", "restricted", "all")
_RESAMPLES = 2_000


def bench_evidence(settings: Settings, plan: Plan) -> Iterator[list[BenchRow]]:
    """Yield the CPU time of a request by `GONGXU_EVIDENCE`, and its ratio to that without, with its 95% interval.

    The servers, one worker each on copies of the home, are asked in turn for `plan.seconds` altogether, so that whatever
    else the machine does happens to all. The chaining of what was noted, once a second, is part of the time.

    Raises:
        BundleError: nothing was built yet.
        InputError: the store is not SQLite, or holds API keys or no demands.

    """
    current_bundle(settings.bundles)
    ids, _ = asked_demands(settings)
    questions = [question(demand_id, "none") for demand_id in ids]

    def cost(server: Served, seconds: float) -> float:
        before = cpu_seconds(server.process.pid)
        asked = uvloop.run(closed_loop(server.port, questions, 1, seconds))
        return 1e3 * (cpu_seconds(server.process.pid) - before) / max(1, sum(asked.statuses.values()))

    with ExitStack() as stack:
        servers = [stack.enter_context(served(settings, 1, 0, evidence=mode)) for mode in MODES]
        for server in servers:
            cost(server, min(3.0, plan.seconds / 2))  # warm
        share = plan.seconds / len(MODES) / ROUNDS
        rounds = np.array([[cost(server, share) for server in servers] for _ in range(ROUNDS)])
    medians = np.median(rounds, axis=0).tolist()
    for place, mode in enumerate(MODES):
        stage = f"evidence {mode}"
        ratio = medians[place] / medians[0]
        rows = [BenchRow(stage, "CPU of the server, each", medians[place], "ms", ratio if place else None, MODES[0])]
        if place:
            low, high = _interval(rounds[:, [0, place]])
            rows += [BenchRow(stage, "ratio, 95% from", low, ""), BenchRow(stage, "ratio, 95% to", high, "")]
        yield rows


def _interval(rounds: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95% interval of the ratio of medians, by drawing rounds (n, 2) again."""
    drawn = np.random.default_rng(7).integers(len(rounds), size=(_RESAMPLES, len(rounds)))
    medians = np.median(rounds[drawn], axis=1)
    low, high = np.quantile(medians[:, 1] / medians[:, 0], (0.025, 0.975)).tolist()
    return low, high
