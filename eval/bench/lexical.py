"""The lexical index beside bm25s with numba: building, size, latency with and without filters, throughput, updates."""

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import bm25s
import numpy as np

from eval.bench.report import BenchRow, latency, resident_mib, throughput
from models.lexical_index import LexicalIndex

K = 300
PEER = "bm25s, numba"
_LENGTH = 80
_VOCABULARY = 60_000
_SELECTIVITIES = (0.5, 0.1, 0.01)


def synthetic_documents(count: int, length: int, seed: int) -> list[list[str]]:
    """Return documents of `length` words on average, whose words are as frequent as Zipf's law has it."""
    generator = np.random.default_rng(seed)
    frequency = 1.0 / (np.arange(_VOCABULARY) + 20.0)
    lengths = np.maximum(1, generator.poisson(length, size=count))
    words = generator.choice(_VOCABULARY, size=int(lengths.sum()), p=frequency / frequency.sum())
    names = [f"w{number}" for number in range(_VOCABULARY)]
    ends = np.cumsum(lengths)
    return [
        [names[word] for word in words[end - size : end].tolist()]
        for end, size in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]


def bench_lexical(
    count: int = 100_000, documents: list[list[str]] | None = None, queries: list[list[str]] | None = None
) -> list[BenchRow]:
    """Return the figures of an index of segmented `documents`, by default `count` synthetic ones, for top 300.

    Everything is compared with bm25s on numba in the same run. Latencies are CPU time of one thread.
    """
    if documents is None:
        documents = synthetic_documents(count, _LENGTH, 1)
    if queries is None:
        queries = synthetic_documents(200, 12, 2)
    before = resident_mib()
    begun = time.process_time()
    index = LexicalIndex.build(documents)
    built = time.process_time() - begun
    held = resident_mib() - before
    begun = time.process_time()
    peer_index = bm25s.BM25(backend="numba")
    peer_index.index(documents, show_progress=False)
    peer_built = time.process_time() - begun
    peer_held = resident_mib() - before - held
    stage = f"lexical {len(documents):,}"
    places = min(K, len(documents))
    known = [[peer_index.vocab_dict[word] for word in query if word in peer_index.vocab_dict] for query in queries]
    peer_calls = [partial(peer_index.retrieve, [q], k=places, show_progress=False) for q in known if q]
    peer = latency(peer_calls)
    mine = latency([partial(index.search, q, places) for q in queries])
    rows = [
        BenchRow(stage, "build, CPU", built, "s", built / peer_built, PEER),
        # A small index may fit into pages that the process already had: then there is nothing to compare with.
        BenchRow(stage, "memory", held, "MiB", held / peer_held if peer_held > 0 else None, PEER),
        *_storage(stage, index),
        BenchRow(stage, "search p50", mine.p50, "ms", mine.p50 / peer.p50, PEER),
        BenchRow(stage, "search p99", mine.p99, "ms", mine.p99 / peer.p99, PEER),
    ]
    generator = np.random.default_rng(3)
    for share in _SELECTIVITIES:
        mask = generator.random(len(documents)) < share
        timed = latency([partial(index.search, q, places, mask) for q in queries])
        rows.append(BenchRow(stage, f"filter {share:.0%} p50", timed.p50, "ms", timed.p50 / peer.p50, PEER))
    chosen = generator.integers(len(documents), size=300)
    timed = latency([partial(index.scores, q, chosen) for q in queries])
    rows.append(BenchRow(stage, "scores of 300 rows p50", timed.p50, "ms", timed.p50 / peer.p50, PEER))
    calls = [partial(index.search, q, places) for q in queries * 4]
    for threads, name in ((1, "1 thread"), (2, "2 threads")):
        rate, peer_rate = throughput(calls, threads), throughput(peer_calls, threads)
        rows.append(BenchRow(stage, f"throughput, {name}", rate, "1/s", rate / peer_rate, f"{PEER}, {name}"))
    updates = [partial(index.add, np.array([n]), [d]) for n, d in enumerate(documents[:200])]
    return [*rows, BenchRow(stage, "updates of one document", throughput(updates, 1), "1/s")]


def _storage(stage: str, index: LexicalIndex) -> list[BenchRow]:
    """Return how large the saved index is, and how long mapping it takes."""
    with TemporaryDirectory() as folder:
        index.save(Path(folder))
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        begun = time.perf_counter()
        LexicalIndex.load(Path(folder))
        loaded = time.perf_counter() - begun
    return [
        BenchRow(stage, "size", size / 2**20, "MiB"),
        BenchRow(stage, "load, mapped", 1e3 * loaded, "ms"),
    ]
