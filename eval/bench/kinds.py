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
from models.threads import limit_threads

RECORDS = 10_000
KINDS = ("service", "expert", "equipment", "institution")
TOP = 5
_DEMANDS = 30
_ROUNDS = 5
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
    here, there = Pipe()
    # A process of its own, not a fork: libraries with threads do not survive one.
    without = get_context("spawn").Process(target=_time_alone, args=(there, settings), daemon=True)
    without.start()
    engine, demands, offers = _loaded(settings, number)
    kinds = load_kinds(settings.kinds)
    begun = time.thread_time()
    index = KindIndex.build(engine.model.record_encoder, kinds, records_like(offers, number))
    built = time.thread_time() - begun
    _question(engine, index, demands, (*KINDS, "achievement"))
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


def _loaded(settings: Settings, number: int) -> tuple[Engine, list[Demand], list[Achievement]]:
    """Return an engine over the current bundle, the texts to ask by, and at most `number` achievements of the store."""
    engine = Engine(MatchingModel.load(current_bundle(settings.bundles), threads=1))
    with Store.open(settings.store_url) as store:
        stored = list(islice(store.demands(), _DEMANDS))
        offers = list(islice(store.achievements(), number))
    return engine, [Demand.of_text(f"{one.title}。{one.content}") for one in stored], offers


def _time_alone(pipe: Connection, settings: Settings) -> None:
    """Time requests for achievements without records of other kinds: answer each True with a measure, until a False."""
    limit_threads(1)
    engine, demands, _ = _loaded(settings, 0)
    alone = KindIndex.build(engine.model.record_encoder, load_kinds(settings.kinds), ())
    _achievements(engine, alone, demands)
    while pipe.recv():
        pipe.send(_achievements(engine, alone, demands))


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
