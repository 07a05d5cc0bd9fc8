"""Two servers, one of which notes who was shown what, asked in turn: what evidence costs a request."""

from collections.abc import Iterator

import numpy as np
import uvloop

from data.settings import Settings
from eval.bench.load import closed_loop
from eval.bench.report import BenchRow
from eval.bench.serve import Plan, Served, asked_demands, cpu_seconds, question, served
from matcher.bundle import current_bundle

ROUNDS = 20
_RESAMPLES = 2_000


def bench_evidence(settings: Settings, plan: Plan) -> Iterator[list[BenchRow]]:
    """Yield the CPU time of a request without and with `GONGXU_EVIDENCE=all`, and their ratio with its 95% interval.

    Both servers, one worker each on copies of the home, are asked in turn for `plan.seconds` altogether, so that whatever else
    the machine does happens to both. The chaining of what was noted, once a second, is part of the time.

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

    with served(settings, 1, 0) as without, served(settings, 1, 0, evidence="all") as noting:
        for server in (without, noting):
            cost(server, 3.0)  # warm
        rounds = np.array(
            [[cost(server, plan.seconds / 2 / ROUNDS) for server in (without, noting)] for _ in range(ROUNDS)]
        )
    low, high = _interval(rounds)
    off, on = np.median(rounds, axis=0).tolist()
    yield [
        BenchRow("evidence off", "CPU of the server, each", off, "ms"),
        BenchRow("evidence all", "CPU of the server, each", on, "ms", on / off, "off"),
        BenchRow("evidence all", "ratio, lower end of 95%", low, ""),
        BenchRow("evidence all", "ratio, upper end of 95%", high, ""),
    ]


def _interval(rounds: np.ndarray) -> tuple[float, float]:
    """Return the 95% interval of the ratio of medians, by drawing rounds (n, 2) again."""
    drawn = np.random.default_rng(7).integers(len(rounds), size=(_RESAMPLES, len(rounds)))
    medians = np.median(rounds[drawn], axis=1)
    low, high = np.quantile(medians[:, 1] / medians[:, 0], (0.025, 0.975)).tolist()
    return low, high
