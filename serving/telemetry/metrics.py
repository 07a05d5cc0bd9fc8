"""What the server counts and times, for Prometheus."""

import os

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.multiprocess import mark_process_dead

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

REQUESTS = Counter("gongxu_requests_total", "Requests answered", ["route", "method", "status"])
REQUEST_SECONDS = Histogram("gongxu_request_seconds", "Time to the last byte of an answer", ["route"], buckets=_SECONDS)
STAGE_SECONDS = Histogram(
    "gongxu_stage_seconds",
    "Time in one stage: wait, engine and its parts, store, json",
    ["stage"],
    buckets=_SECONDS,
)
ANSWER_CACHE = Counter(
    "gongxu_answer_cache_total", "Questions by whether they were answered before: hit, miss", ["result"]
)
SHED = Counter("gongxu_shed_total", "Requests refused because too many were waiting")
RATE_LIMITED_TOTAL = Counter("gongxu_rate_limited_total", "Requests refused because of their key's rate")
REFUSED = Counter("gongxu_refused_total", "Requests without a valid key or without the right to do what they ask")
CANDIDATES = Counter(
    "gongxu_candidates_by_channel_total", "Candidates scored, by the channel that proposed them", ["channel"]
)
CHANNEL_ITEMS = Counter(
    "gongxu_items_by_channel_total", "Recommended records by the channel that found them", ["channel"]
)
PROBABILITY = Histogram(
    "gongxu_best_probability",
    "Probability of the best match of an answer",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
)
EMPTY = Counter("gongxu_empty_answers_total", "Answers without any match")
DEGRADED = Counter("gongxu_degraded_answers_total", "Answers by what they were made without", ["lacking"])
MODEL_CALLS = Counter(
    "gongxu_model_calls_total",
    "Calls of models behind endpoints: ok, cached, late, failed, unreachable, broken; not made: open, busy, spent, …",
    ["endpoint", "outcome"],
)
MODEL_SECONDS = Histogram(
    "gongxu_model_seconds", "Time of a call of a model behind an endpoint", ["endpoint"], buckets=_SECONDS
)
SENTENCES = Counter(
    "gongxu_sentences_total",
    "Explanations in a sentence by whether a model's was shown, refused or lacking",
    ["outcome"],
)
EVENTS = Counter("gongxu_events_total", "Outcome events received", ["outcome"])
EVENT_LAG = Histogram(
    "gongxu_event_lag_seconds",
    "Time from an event to its arrival",
    buckets=(1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400),
)
IMPRESSIONS = Counter("gongxu_impressions_total", "Impressions written to the store")
IMPRESSIONS_LOST = Counter("gongxu_impressions_lost_total", "Impressions dropped because the queue was full")
BUNDLE_LOADS = Counter("gongxu_bundle_loads_total", "Bundles loaded or rejected", ["result"])
BUNDLE_CREATED = Gauge(
    "gongxu_bundle_created_timestamp_seconds", "When the bundle that is served was built", multiprocess_mode="livemin"
)
BUNDLE_SERVES = Gauge(
    "gongxu_bundle_serves",
    "Processes that answer with a version, or ask shards for it",
    ["version"],
    multiprocess_mode="livesum",
)
BUNDLE_REJECTED = Gauge(
    "gongxu_bundle_rejected", "1 while a newer bundle is refused, else 0", multiprocess_mode="livemax"
)
STORE_SILENCE = Gauge("gongxu_store_silence_seconds", "Time since the store last answered", multiprocess_mode="livemax")
RECORDS_REPLAYED = Counter("gongxu_records_replayed_total", "Records taken in since the bundle was built")
SHARD_SECONDS = Histogram(
    "gongxu_shard_seconds", "Time from a question to one shard's answer", ["question"], buckets=_SECONDS
)
SHARD_UNANSWERED = Counter(
    "gongxu_shard_unanswered_total", "Questions that a shard, silent or late, did not answer", ["shard", "question"]
)
SHARD_SILENT = Gauge(
    "gongxu_shard_silent", "1 while no replica of a shard answers, else 0", ["shard"], multiprocess_mode="livemax"
)


def forget_process(pid: int | None) -> None:
    """Leave the gauges of a worker that has ended out of what the others answer; its counts remain."""
    if pid is not None and "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
