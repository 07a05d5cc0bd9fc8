"""Whole requests, in process, on the current bundle, beside FAISS' flat search over the same achievements' vectors."""

import time
from collections.abc import Sequence
from functools import partial
from itertools import islice

import faiss
import numpy as np

from data.records import Demand
from data.settings import Settings
from data.store.store import Store
from data.text.segment import content_words
from eval.bench.report import BenchRow, Latency, latency, resident_mib, throughput
from matcher.bundle import current_bundle
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.features.graph import GraphQuery
from matcher.features.table import label_free_table, with_history
from matcher.model import MatchingModel
from matcher.ranking.channels import find_candidates
from matcher.ranking.first_stage import preselect

PEER = "FAISS flat"
K = 100
_DEMANDS = 120
_EXPLAINED = 20
_UPDATES = 20
_TOP = 10


def bench_request(settings: Settings) -> list[BenchRow]:
    """Return what requests for stored demands cost on the bundle that `settings` names, whole and by part.

    Everything is compared with one flat search for the nearest 100 vectors. Latencies are CPU time of one thread.

    Raises:
        BundleError: nothing was built yet, or the bundle is damaged.

    """
    directory = current_bundle(settings.bundles)
    before = resident_mib()
    begun = time.perf_counter()
    model = MatchingModel.load(directory, threads=1)
    engine = Engine(model)
    loaded = time.perf_counter() - begun
    with Store.open(settings.store_url) as store:
        asked = _spread(store, len(model.demands), _DEMANDS)
        written = list(islice(store.achievements(), _UPDATES))
    count = len(model.achievements)
    stage = f"request {count:,}" + ("" if model.scorer else ", no ranker")
    answers = [partial(engine.recommend_achievements, demand) for demand in asked]
    mine = latency(answers)
    held = resident_mib()
    peer, flat_rate = _flat(model)
    explained = latency([partial(engine.recommend_achievements, d, explain=True) for d in asked[:_EXPLAINED]], 2)
    one, two = throughput(answers, 1), throughput(answers, 2)
    updates = [partial(engine.upsert_achievements, [record]) for record in written]
    return [
        BenchRow(stage, "load, digests checked", loaded, "s"),
        BenchRow(stage, "memory of the process", held, "MiB"),
        BenchRow(stage, "of which by loading and answering", held - before, "MiB"),
        BenchRow(stage, "flat search p50", peer.p50, "ms"),
        BenchRow(stage, "request p50", mine.p50, "ms", mine.p50 / peer.p50, PEER),
        BenchRow(stage, "request p99", mine.p99, "ms", mine.p99 / peer.p99, PEER),
        BenchRow(stage, "with reasons p50", explained.p50, "ms", explained.p50 / peer.p50, PEER),
        *_parts(stage, engine, asked, peer),
        BenchRow(stage, "throughput, 1 thread", one, "1/s", one / flat_rate, PEER),
        BenchRow(stage, "throughput, 2 threads", two, "1/s", two / one, "1 thread"),
        BenchRow(stage, "updates of one achievement", throughput(updates, 1), "1/s"),
    ]


def _spread(store: Store, stored: int, wanted: int) -> list[Demand]:
    """Return about `wanted` demands, evenly spread over the `stored` ones."""
    return list(islice(store.demands(), 0, None, max(1, stored // wanted)))[:wanted]


def _flat(model: MatchingModel) -> tuple[Latency, float]:
    """Return the latency and the rate of a flat search for the nearest `K` achievements, by stored demands."""
    vectors = np.ascontiguousarray(model.achievements.base.texts.full.vectors, dtype=np.float32)
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    queries = np.asarray(model.demands.base.texts.full.vectors[:40], dtype=np.float32)
    calls = [partial(flat.search, query[None], K) for query in queries]
    return latency(calls), throughput(calls, 1)


def _parts(stage: str, engine: Engine, asked: Sequence[Demand], peer: Latency) -> list[BenchRow]:
    """Return the median cost of every part of a request, run one after the other as the engine does."""
    clock = _Clock()
    model, proposed, pool = engine.model, [], []
    for demand in asked:
        clock.start()
        subject = engine.subject(demand)
        clock.stop("the demand's text in numbers")
        lens = GraphQuery(model.graph, demand, subject.row) if model.graph else None
        clock.stop("the demand's terms in the graph")
        shelf, words = model.achievements, content_words(subject.text.full)
        history = model.scorer.history if model.scorer else None
        likeness = history.likeness(subject.view, np.array([subject.place])) if history and history.kernel else None
        feedback = history.feedback(subject.view, subject.place, likeness) if history else None
        clock.stop("demands like it with outcomes")
        reach = lens.retrieve if lens else None
        allowed, place = shelf.allowed(Filters()), subject.place
        candidates = find_candidates(subject.view, words, shelf, allowed, feedback, reach, place=place)
        clock.stop("candidates of all channels")
        found, a = shelf.at(candidates.rows)
        first = model.scorer.first_stages.get("achievements") if model.scorer else None
        kept = preselect(first, subject.view, place, found, a, candidates, feedback, _TOP, subject_is_demand=True)
        proposed.append(len(a))
        candidates, a = candidates.kept(kept), a[kept]
        clock.stop("first stage: which of them to score")
        pool.append(len(a))
        if model.scorer is None or not len(a):
            continue
        d = np.full(len(a), place, dtype=np.int64)
        signals = lens.signals(candidates.rows) if lens else None
        clock.stop("graph signals")
        table = label_free_table(model.space, subject.view, found, d, a, signals)
        clock.stop("features of texts and attributes")
        table = with_history(table, model.scorer.history, subject.view, found, d, a, likeness)
        clock.stop("features of history")
        model.scorer.score(table)
        clock.stop("ranker and calibration")
    medians = {name: float(np.median(times)) for name, times in clock.spent.items()}
    parts = [BenchRow(stage, f"  {name}", value, "ms", value / peer.p50, PEER) for name, value in medians.items()]
    return [
        BenchRow(stage, "candidates, median", float(np.median(proposed)), ""),
        BenchRow(stage, "of which scored, median", float(np.median(pool)), ""),
        *parts,
    ]


class _Clock:
    """Milliseconds of this thread's CPU time between stops, by the name of what was done."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}
        self._begun = 0.0

    def start(self) -> None:
        self._begun = time.thread_time()

    def stop(self, name: str) -> None:
        now = time.thread_time()
        self.spent.setdefault(name, []).append(1e3 * (now - self._begun))
        self._begun = time.thread_time()
