"""How the actors of shards are, for Prometheus: asked each time it asks, so that nothing is kept that is no longer so."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily

Statuses = Callable[[], Mapping[tuple[int, int], Mapping[str, Any] | None]]
REPLICA = ["shard", "replica"]
FIGURES = {
    "revision": ("gongxu_shard_revision", "Store revision up to which records are searchable on a shard"),
    "behind": ("gongxu_shard_behind_seconds", "Time since a shard held all that had been written to the store"),
    "memory": ("gongxu_shard_memory_bytes", "Resident memory of a shard's process, mapped files included"),
    "started": (
        "gongxu_shard_started_timestamp_seconds",
        "When a shard's process was started; a later one: started again",
    ),
}


class ShardCollector:
    """The state of all actors as metrics."""

    def __init__(self, statuses: Statuses) -> None:
        self._statuses = statuses

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics without figures: nobody is asked when this is registered."""
        return self._families({})

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Ask all actors and return what they say."""
        return self._families(self._statuses())

    def _families(self, statuses: Mapping[tuple[int, int], Mapping[str, Any] | None]) -> list[GaugeMetricFamily]:
        up = GaugeMetricFamily("gongxu_shard_up", "1 if an actor answers, else 0", labels=REPLICA)
        holds = GaugeMetricFamily("gongxu_shard_holds", "Versions that an actor holds", labels=[*REPLICA, "version"])
        records = GaugeMetricFamily("gongxu_shard_records", "Records that an actor holds", labels=[*REPLICA, "side"])
        figures = {name: GaugeMetricFamily(*about, labels=REPLICA) for name, about in FIGURES.items()}
        for replica, status in statuses.items():
            labels = [str(number) for number in replica]
            up.add_metric(labels, status is not None)
            if status is None:
                continue
            for name, family in figures.items():
                family.add_metric(labels, status[name])
            for version in status["versions"]:
                holds.add_metric([*labels, version], 1)
            for side, count in status["records"].items():
                records.add_metric([*labels, side], count)
        return [up, holds, records, *figures.values()]


def export(statuses: Statuses, host: str, port: int) -> int:
    """Answer Prometheus at an address from now on, in a thread of its own; return the port, chosen freely for 0.

    Raises:
        OSError: nothing can listen there.

    """
    registry = CollectorRegistry()
    registry.register(ShardCollector(statuses))
    server, _ = start_http_server(port, host, registry)
    return int(server.server_port)
