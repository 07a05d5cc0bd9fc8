"""The knowledge graph of the current bundle: its signals beside networkx, retrieval, updates; and building it again."""

import resource
import time
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from data.settings import Settings
from data.store.store import Store
from eval.bench.report import BenchRow, latency, resident_mib, throughput
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.reading.signals import term_signals, walk_from
from knowledge_graph.records.table import GraphRow
from knowledge_graph.relations.matrix import RESTART
from matcher.bundle import current_bundle

SIMPLE = "networkx, shared and two-hop"
WALKED = "networkx, with PageRank"
CANDIDATES = 300
_DEMANDS = 200
_PEER_DEMANDS = 20
_WALKED_DEMANDS = 2
_UPDATES = 100


def bench_graph(settings: Settings) -> list[BenchRow]:
    """Return the figures of the graph in the bundle that `settings` names, for 300 candidates of a demand.

    Latencies are CPU time of one thread. networkx computes three of the term signals, once without the third: shared
    weighted terms, weighted two-hop paths, personalised PageRank mass.

    Raises:
        BundleError: nothing was built yet, or the graph in the bundle is damaged.

    """
    directory = current_bundle(settings.bundles) / "graph"
    before = resident_mib()
    begun = time.process_time()
    graph = KnowledgeGraph.load(directory)
    loaded = time.process_time() - begun
    step = max(1, len(graph.demand_ids) // _DEMANDS)
    asked = [graph.demand(row) for row in range(0, len(graph.demand_ids), step)][:_DEMANDS]
    pairs = [(demand, _candidates(graph, demand, number)) for number, demand in enumerate(asked)]
    mine = latency([partial(graph.signals, demand, rows) for demand, rows in pairs])
    found = latency([partial(graph.retrieve, demand, CANDIDATES) for demand in asked])
    held = resident_mib() - before
    simple, walked = _peer(graph, pairs[:_PEER_DEMANDS])
    terms = latency([partial(_terms_only, graph, demand, rows) for demand, rows in pairs])
    signals = [partial(graph.signals, demand, rows) for demand, rows in pairs]
    one, two = throughput(signals, 1), throughput(signals, 2)
    stage = f"graph {len(graph.achievement_ids):,} × {len(graph.demand_ids):,}"
    size = sum(file.stat().st_size for file in directory.iterdir())
    return [
        BenchRow(stage, "size", size / 2**20, "MiB"),
        BenchRow(stage, "load, CPU", loaded, "s"),
        BenchRow(stage, "memory, loaded and used", held, "MiB"),
        BenchRow(stage, f"{SIMPLE} p50", simple, "ms"),
        BenchRow(stage, f"{WALKED} p50", walked, "ms"),
        BenchRow(stage, f"term signals of {CANDIDATES} p50", terms.p50, "ms", terms.p50 / simple, SIMPLE),
        BenchRow(stage, f"all signals of {CANDIDATES} p50", mine.p50, "ms", mine.p50 / walked, WALKED),
        BenchRow(stage, f"all signals of {CANDIDATES} p99", mine.p99, "ms", mine.p99 / walked, WALKED),
        BenchRow(stage, f"top {CANDIDATES} p50", found.p50, "ms"),
        BenchRow(stage, f"top {CANDIDATES} p99", found.p99, "ms"),
        BenchRow(stage, "throughput, 1 thread", one, "1/s"),
        BenchRow(stage, "throughput, 2 threads", two, "1/s", two / one, "1 thread"),
        *_updates(stage, graph, settings),
    ]


def _candidates(graph: KnowledgeGraph, demand: GraphRow, seed: int) -> NDArray[np.int64]:
    """Return the rows of candidates: what the graph reaches, filled up at random where that is too little."""
    rows = graph.retrieve(demand, CANDIDATES)[0]
    others = np.random.default_rng(seed).permutation(len(graph.achievement_ids))[: 2 * CANDIDATES]
    return np.concatenate((rows, others[~np.isin(others, rows)]))[:CANDIDATES].astype(np.int64)


def _terms_only(graph: KnowledgeGraph, demand: GraphRow, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the term signals (n, TERM_SIGNALS): all that shared terms, paths and the walk tell."""
    return term_signals(graph.tables, demand, walk_from(graph.tables, demand), graph.achievements, rows)


def _peer(graph: KnowledgeGraph, pairs: list[tuple[GraphRow, NDArray[np.int64]]]) -> tuple[float, float]:
    """Return the median milliseconds in which networkx gives a demand's candidates their signals, without and with walk.

    Signals are shared terms and two-hop paths, and with the walk personalised PageRank over the graph of terms.
    """
    mentions = nx.Graph()
    for demand, rows in pairs:
        records = [("demand", id(demand), demand), *(("offer", row, graph.achievement(row)) for row in rows.tolist())]
        for kind, number, row in records:
            terms, weights = row.terms.tolist(), row.weights.tolist()
            mentions.add_node((kind, number))
            mentions.add_weighted_edges_from(
                ((kind, number), ("term", t), w) for t, w in zip(terms, weights, strict=True)
            )
    relations, related = graph.relations.as_csr().tocoo(), nx.DiGraph()
    related.add_weighted_edges_from(
        zip(relations.row.tolist(), relations.col.tolist(), relations.data.tolist(), strict=True)
    )

    def signals(demand: GraphRow, rows: NDArray[np.int64]) -> list[tuple[float, float]]:
        own = {term: edge["weight"] for (_, term), edge in mentions[("demand", id(demand))].items()}
        reached: dict[int, float] = {}
        for term, weight in own.items():
            if term in related:
                for other, edge in related[term].items():
                    reached[other] = max(reached.get(other, 0.0), weight * edge["weight"])
        found = []
        for row in rows.tolist():
            held = [(term, edge["weight"]) for (_, term), edge in mentions[("offer", row)].items()]
            shared = sum(own[term] * weight for term, weight in held if term in own)
            found.append((shared, sum(reached[term] * weight for term, weight in held if term in reached)))
        return found

    def walk(demand: GraphRow, rows: NDArray[np.int64]) -> list[float]:
        start = {t: w for t, w in zip(demand.terms.tolist(), demand.weights.tolist(), strict=True) if t in related}
        mass = nx.pagerank(related, alpha=1 - RESTART, personalization=start) if start else {}
        signals(demand, rows)
        held = [mentions[("offer", row)].items() for row in rows.tolist()]
        return [sum(mass.get(term, 0.0) * edge["weight"] for (_, term), edge in terms) for terms in held]

    simple = latency([partial(signals, demand, rows) for demand, rows in pairs], 2).p50
    return simple, latency([partial(walk, demand, rows) for demand, rows in pairs[:_WALKED_DEMANDS]], 0).p50


def _updates(stage: str, graph: KnowledgeGraph, settings: Settings) -> list[BenchRow]:
    """Return what it costs to read one changed achievement by the graph."""
    with Store.open(settings.store_url) as store:
        records = list(islice(store.achievements(), _UPDATES))
    if not records:
        return []
    mine = latency([partial(graph.describe_all, [record]) for record in records])
    return [
        BenchRow(stage, "update of one record p50", mine.p50, "ms"),
        BenchRow(stage, "update of one record p99", mine.p99, "ms"),
    ]


def bench_graph_build(settings: Settings) -> list[BenchRow]:
    """Return what it costs to build the graph of the store's records, with vectors by the bundle's encoder.

    Raises:
        BundleError: nothing was built yet.

    """
    from models.encoder.base import load_encoder

    encoder = load_encoder(str(current_bundle(settings.bundles) / "encoder"))
    with Store.open(settings.store_url) as store:
        achievements, demands = list(store.achievements()), list(store.demands())
    begun, wall = time.process_time(), time.perf_counter()
    graph = KnowledgeGraph.build(achievements, demands, encode=lambda texts: encoder.encode(texts, "passage"))
    spent, lasted = time.process_time() - begun, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    stage = f"graph build {len(achievements):,} × {len(demands):,}"
    with TemporaryDirectory() as folder:
        graph.save(Path(folder))
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
    return [
        BenchRow(stage, "build, CPU", spent, "s"),
        BenchRow(stage, "build, wall", lasted, "s"),
        BenchRow(stage, "peak memory of the process, records included", peak, "MiB"),
        BenchRow(stage, "terms", len(graph.vocabulary), ""),
        BenchRow(stage, "relations of terms", graph.terms.number_of_edges(), ""),
        BenchRow(stage, "size", size / 2**20, "MiB"),
    ]
