"""What standing requests cost: one new record beside many of them, a new one beside many records."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import cycle, islice

import numpy as np

from data.kinds.registry import load_kinds
from data.records import Achievement, Demand, UnstoredAchievement
from data.settings import Settings
from data.store.store import Store
from eval.bench.report import BenchRow
from matcher.bundle import current_bundle
from matcher.engine import Engine
from matcher.kinds.index import KindIndex
from matcher.model import MatchingModel
from matcher.standing.index import StandingIndex
from matcher.standing.requests import WatchedRequest

REQUESTS = 20_000
RECORDS = 100_000
LEAST = 3.0
_ROUNDS = 20
_DAY = date(2026, 1, 1)


def bench_standing(settings: Settings, number: int = REQUESTS) -> list[BenchRow]:
    """Return what one new record costs beside `number` requests, and one new request beside `RECORDS` achievements.

    The requests are those of the store's demands, in turn, each demand as often as it takes; the records those of the
    bundle, as often as it takes to be `RECORDS`. Times are CPU time of one thread: medians, and the worst.

    Raises:
        BundleError: nothing was built yet, or the bundle is damaged.

    """
    engine = Engine(MatchingModel.load(current_bundle(settings.bundles), threads=1))
    kinds = load_kinds(settings.kinds)
    with Store.open(settings.store_url) as store:
        demands, offers = list(store.demands()), list(islice(store.achievements(), _ROUNDS))
    begun = time.thread_time()
    index = StandingIndex.empty(engine, kinds)
    requests = _requests(demands, number)
    for start in range(0, number, 1000):
        index = index.with_changes(engine, requests[start : start + 1000])
    built = time.thread_time() - begun
    texts = [Demand.of_text(f"{one.title}，请尽快联系。{one.content}") for one in demands[:_ROUNDS]]
    begun = time.thread_time()
    index.with_changes(engine, [replace(requests[0], id=f"T{place}", wants=one) for place, one in enumerate(texts)])
    text = 1000 * (time.thread_time() - begun) / len(texts)
    written = [
        UnstoredAchievement(title=f"{one.title}新", content=one.content, keywords=one.keywords, holder=one.holder)
        for one in offers
    ]
    one_record, found = _records(index, written)
    pool, large = KindIndex.build(engine.model.record_encoder, kinds, []), _enlarged(engine)
    one_request = []
    for request in requests[:_ROUNDS]:
        begun = time.thread_time()
        index.near(large, pool, request.id)
        one_request.append(1000 * (time.thread_time() - begun))
    stage = f"standing {number:,}"
    return [
        BenchRow(stage, "taking in requests of stored demands", built, "s"),
        BenchRow(stage, "taking in one saved text", text, "ms"),
        BenchRow(stage, "one new record p50", float(np.median(one_record)), "ms"),
        BenchRow(stage, "one new record, worst", max(one_record), "ms"),
        BenchRow(stage, "requests that it fits, mean", found, ""),
        BenchRow(stage, f"one new request at {RECORDS:,} achievements p50", float(np.median(one_request)), "ms"),
        BenchRow(stage, "the same, worst", max(one_request), "ms"),
    ]


def _enlarged(engine: Engine) -> Engine:
    """Return an engine with `RECORDS` achievements, those of the bundle again and again; its indexes know nothing of them."""
    held = engine.model.achievements
    view = replace(held.base, graph=None).take(np.arange(RECORDS, dtype=np.int64) % len(held.base))
    large = replace(held, base=view, extra=None, current=np.ones(RECORDS, dtype=np.bool_), row_of={})
    return Engine(replace(engine.model, achievements=large))


def _records(index: StandingIndex, written: Sequence[Achievement]) -> tuple[list[float], float]:
    """Return the milliseconds of each record, its encoding included, and how many requests it fits in the mean."""
    taken, found = [], 0
    for record in written:
        begun = time.thread_time()
        for encoded in index.encode([record]):
            found += len(index.requests_for(*encoded, _DAY))
        taken.append(1000 * (time.thread_time() - begun))
    return taken, found / len(written)


def _requests(demands: Sequence[Demand], number: int) -> list[WatchedRequest]:
    return [
        WatchedRequest(f"W{place:06d}", demand, None, frozenset({"achievement"}), LEAST)
        for place, demand in enumerate(islice(cycle(demands), number))
    ]
