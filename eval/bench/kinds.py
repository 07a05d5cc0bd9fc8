"""What records of other kinds cost: a request for achievements beside them, one question over several kinds."""

import time
from collections.abc import Sequence
from datetime import date
from functools import partial
from itertools import cycle, islice
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection

import numpy as np

from data.kinds.record import KindRecord
from data.kinds.registry import load_kinds
from data.records import Achievement, Demand
from data.settings import Settings
from data.store.store import Store
from eval.bench.report import BenchRow, latency
from matcher.bundle import current_bundle
from matcher.engine import Engine
from matcher.kinds.candidates import KindsQuery
from matcher.kinds.index import KindIndex
from matcher.kinds.recommend import recommend_kinds
from matcher.model import MatchingModel

RECORDS = 10_000
KINDS = ("service", "expert", "equipment", "institution")
TOP = 5
_DEMANDS = 40
_ROUNDS = 7
_DAY = date(2026, 1, 1)  # the records have no dates: any day will do


def bench_kinds(settings: Settings, number: int = RECORDS) -> list[BenchRow]:
    """Return what `number` records of four other kinds cost requests on the bundle that `settings` names.

    Their texts are those of the store's achievements, in turn. Requests for achievements are timed in two processes in
    turn, of which one never had the records; the question over four kinds is timed in turn with four questions over one:
    the machine's pace is the same for both. Questions are free texts, which have to be read. Latencies are CPU time of one
    thread, medians of rounds.

    Raises:
        BundleError: nothing was built yet, or the bundle is damaged.

    """
    model = MatchingModel.load(current_bundle(settings.bundles), threads=1)
    engine, kinds = Engine(model), load_kinds(settings.kinds)
    with Store.open(settings.store_url) as store:
        stored = list(islice(store.demands(), _DEMANDS))
        offers = list(islice(store.achievements(), number))
    demands = [Demand.of_text(f"{one.title}。{one.content}") for one in stored]
    alone = KindIndex.build(model.record_encoder, kinds, ())
    _achievements(engine, alone, demands)
    here, there = Pipe()
    # A fork has all that was loaded so far, and nothing of what follows.
    without = get_context("fork").Process(target=_time_on_request, args=(there, engine, alone, demands), daemon=True)
    without.start()
    begun = time.thread_time()
    index = KindIndex.build(model.record_encoder, kinds, records_like(offers, number))
    built = time.thread_time() - begun
    _question(engine, index, demands, KINDS)
    before, together, apart, after = [], [], [], []
    for _ in range(_ROUNDS):
        together.append(_question(engine, index, demands, KINDS))
        apart.append(sum(_question(engine, index, demands, (kind,)) for kind in KINDS))
        here.send(True)
        before.append(float(here.recv()))
        after.append(_achievements(engine, index, demands))
    here.send(False)
    without.join()
    stage, own, beside, four = f"kinds {number:,}", _median(before), _median(after), _median(together)
    return [
        BenchRow(stage, "index of the records", built, "s"),
        BenchRow(stage, "achievements alone p50", own, "ms"),
        BenchRow(stage, "achievements beside them p50", beside, "ms", beside / own, "alone"),
        BenchRow(stage, f"{len(KINDS)} questions over one kind p50", _median(apart), "ms"),
        BenchRow(stage, f"one question over {len(KINDS)} kinds p50", four, "ms", four / _median(apart), "the sum"),
    ]


def _time_on_request(pipe: Connection, engine: Engine, index: KindIndex, demands: Sequence[Demand]) -> None:
    """Answer each True with a new measure, until a False."""
    while pipe.recv():
        pipe.send(_achievements(engine, index, demands))


def records_like(offers: Sequence[Achievement], number: int) -> list[KindRecord]:
    """Return `number` records of the kinds in turn, with the texts of achievements."""
    return [
        KindRecord(
            kind=KINDS[place % len(KINDS)],
            id=f"K{place:06d}",
            title=offer.title,
            content=offer.content,
            keywords=offer.keywords,
            provider=f"{offer.holder}{place % 97}",
            region=offer.region,
        )
        for place, offer in enumerate(islice(cycle(offers), number))
    ]


def _achievements(engine: Engine, index: KindIndex, demands: Sequence[Demand]) -> float:
    return _question(engine, index, demands, ("achievement",))


def _question(engine: Engine, index: KindIndex, demands: Sequence[Demand], kinds: Sequence[str]) -> float:
    query = KindsQuery(dict.fromkeys(kinds, TOP), _DAY)
    return latency([partial(recommend_kinds, engine, index, demand, query) for demand in demands]).p50


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))
