"""Whole requests, in process, on the current bundle, beside FAISS' flat search and what a user would assemble."""

import time
from collections.abc import Sequence
from functools import partial
from itertools import islice

import faiss
import numpy as np

from data.records import Demand
from data.settings import Settings
from data.store.store import Store
from eval.bench.assembled import NAME as ASSEMBLED
from eval.bench.assembled import bench_assembled
from eval.bench.report import BenchRow, Latency, latency, resident_mib, throughput
from matcher.bundle import current_bundle
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.request.pipeline import preselected, retrieve, score
from matcher.request.stages import stage_listener

PEER = "FAISS flat"
K = 100
_DEMANDS = 120
_EXPLAINED = 20
_UPDATES = 20
_TOP = 10


def bench_request(settings: Settings) -> list[BenchRow]:
    """Return what requests for stored demands cost on the bundle that `settings` names, whole and by part.

    Everything is compared with one flat search for the nearest 100 vectors, the request also with what a user would
    assemble for the same job (`eval.bench.assembled`). Latencies are CPU time of one thread.

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
        stored = list(store.achievements())
    count = len(model.achievements)
    stage = f"request {count:,}" + ("" if model.scorer else ", no ranker")
    answers = [partial(engine.recommend_achievements, demand) for demand in asked]
    mine = latency(answers)
    held = resident_mib()
    peer, flat_rate = _flat(model)
    vectors = np.ascontiguousarray(model.achievements.base.texts.full.vectors, dtype=np.float32)
    assembled = bench_assembled(vectors, stored, asked)
    explained = latency([partial(engine.recommend_achievements, d, explain=True) for d in asked[:_EXPLAINED]], 2)
    one, two = throughput(answers, 1), throughput(answers, 2)
    updates = [partial(engine.upsert_achievements, [record]) for record in stored[:_UPDATES]]
    return [
        BenchRow(stage, "load, digests checked", loaded, "s"),
        BenchRow(stage, "memory of the process", held, "MiB"),
        BenchRow(stage, "of which by loading and answering", held - before, "MiB"),
        BenchRow(stage, "flat search p50", peer.p50, "ms"),
        BenchRow(stage, "assembled p50", assembled.p50, "ms"),
        BenchRow(stage, "request p50", mine.p50, "ms", mine.p50 / peer.p50, PEER),
        BenchRow(stage, "request p50, to an assembled one", mine.p50, "ms", mine.p50 / assembled.p50, ASSEMBLED),
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
    """Return the median cost of every part of a request, as the pipeline marks them."""
    spent: dict[str, list[float]] = {}
    proposed, kept = [], []
    for demand in asked:
        begun = time.thread_time()

        def passed(stage: str) -> None:
            nonlocal begun
            spent.setdefault(stage, []).append(1e3 * (time.thread_time() - begun))
            begun = time.thread_time()

        with stage_listener(passed):
            retrieved = retrieve(engine.query(demand, "achievements", top=_TOP))
            proposed.append(len(retrieved))
            chosen = preselected(retrieved)
            kept.append(len(chosen))
            if chosen.query.scorer is not None and len(chosen):
                score(chosen, chosen.query.scorer)
    medians = {name: float(np.median(times)) for name, times in spent.items()}
    parts = [BenchRow(stage, f"  {name}", value, "ms", value / peer.p50, PEER) for name, value in medians.items()]
    return [
        BenchRow(stage, "candidates, median", float(np.median(proposed)), ""),
        BenchRow(stage, "of which scored, median", float(np.median(kept)), ""),
        *parts,
    ]
