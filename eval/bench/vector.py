"""The vector index beside FAISS' flat search: building, memory, latency with and without filters, throughput, updates."""

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import faiss
import numpy as np
from numpy.typing import NDArray

from eval.bench.report import BenchRow, latency, resident_mib, throughput
from eval.bench.scale import FEW_QUERIES, MAX_PEER_BUILD
from models.index_state.selection import k_best
from models.vector_index import IndexKind, VectorIndex, build_vector_index, load_vector_index

K = 100
FLAT = "FAISS flat"
_SELECTIVITIES = (0.5, 0.1, 0.01, 0.001)


def synthetic_vectors(count: int, dimension: int, seed: int) -> NDArray[np.float32]:
    """Return vectors (count, dimension) of length 1 whose neighbourhoods are about as hard as those of encoded titles.

    Each is a mixture of three of 2,000 topics with noise, and the variance falls with the dimension, as it does in
    encoders whose dimensions are ordered by principal components.
    """
    generator = np.random.default_rng(seed)
    scale = (np.arange(1, dimension + 1) ** -0.4).astype(np.float32)
    topics = np.random.default_rng(0).normal(size=(2_000, dimension)).astype(np.float32) * scale
    vectors = np.empty((count, dimension), dtype=np.float32)
    for start in range(0, count, 100_000):
        size = min(100_000, count - start)
        block = topics[generator.integers(2_000, size=size)]
        for weight in (0.7, 0.5):
            block = block + np.float32(weight) * topics[generator.integers(2_000, size=size)]
        block = block + 0.7 * generator.standard_normal((size, dimension), dtype=np.float32) * scale
        vectors[start : start + size] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return vectors


def bench_vector(
    count: int = 100_000,
    dimension: int = 256,
    kind: IndexKind = "auto",
    vectors: NDArray[np.float32] | None = None,
    queries: NDArray[np.float32] | None = None,
) -> list[BenchRow]:
    """Return the figures of an index of `vectors` (n, d), by default synthetic (count, dimension), for top 100.

    Everything is compared with exhaustive search by FAISS in the same run. Latencies are CPU time of one thread.
    """
    if vectors is None:
        vectors = synthetic_vectors(count, dimension, 1)
    if queries is None:
        queries = synthetic_vectors(256 if count <= MAX_PEER_BUILD else FEW_QUERIES, vectors.shape[1], 2)
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    before = resident_mib()
    begun = time.process_time()
    index = build_vector_index(vectors, kind=kind)
    built = time.process_time() - begun
    grown = resident_mib() - before
    stage = f"vector {len(vectors):,} × {vectors.shape[1]}"
    singles = [query[None] for query in queries]
    peer = latency([partial(flat.search, q, K) for q in singles[:40]])
    mine = latency([partial(index.search, q, K) for q in singles])
    true = flat.search(queries, K)[1]
    rows = [
        _build_row(stage, vectors, built),
        BenchRow(stage, "memory beside the vectors", grown, "MiB", grown / (vectors.nbytes / 2**20), "its vectors"),
        *_storage(stage, index, vectors.nbytes),
        BenchRow(stage, "flat search p50", peer.p50, "ms"),
        BenchRow(stage, "search p50", mine.p50, "ms", mine.p50 / peer.p50, FLAT),
        BenchRow(stage, "search p99", mine.p99, "ms", mine.p99 / peer.p99, FLAT),
        BenchRow(stage, "recall@100", _recall(index.search(queries, K)[0], true), ""),
    ]
    for name, mask in _filters(vectors):
        allowed = np.flatnonzero(mask)
        places = min(K, len(allowed))
        truth = np.stack([allowed[k_best((vectors @ query)[allowed], places)] for query in queries])
        timed = latency([partial(index.search, q, K, mask) for q in singles])
        rows += [
            BenchRow(stage, f"filter {name} p50", timed.p50, "ms", timed.p50 / peer.p50, FLAT),
            BenchRow(stage, f"filter {name} recall", _recall(index.search(queries, K, mask)[0][:, :places], truth), ""),
        ]
    return [*rows, *_batches(stage, vectors, flat, queries), *_rates(stage, index, flat, singles)]


def _build_row(stage: str, vectors: NDArray[np.float32], built: float) -> BenchRow:
    """Return the time of building, beside FAISS' where that takes no more than a minute."""
    if len(vectors) > MAX_PEER_BUILD:
        return BenchRow(stage, "build, CPU", built, "s")
    return BenchRow(stage, "build, CPU", built, "s", built / _peer_build(vectors), "FAISS IVF-SQ8 build")


def _peer_build(vectors: NDArray[np.float32]) -> float:
    """Return the CPU seconds in which FAISS builds its usual inverted lists of 8-bit codes, 4 √n of them, bare."""
    lists = int(4 * np.sqrt(len(vectors)))
    begun = time.process_time()
    peer = faiss.index_factory(vectors.shape[1], f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    faiss.extract_index_ivf(peer).cp.niter = 10  # as many as ours
    peer.train(vectors[: min(len(vectors), 40 * lists)])
    peer.add(vectors)
    return time.process_time() - begun


def _storage(stage: str, index: VectorIndex, vectors_size: int) -> list[BenchRow]:
    """Return how large the saved index is beside its vectors, and how long mapping it takes."""
    with TemporaryDirectory() as folder:
        index.save(Path(folder))
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        begun = time.perf_counter()
        load_vector_index(Path(folder))
        loaded = time.perf_counter() - begun
    return [
        BenchRow(stage, "size", size / 2**20, "MiB", size / vectors_size, "its vectors"),
        BenchRow(stage, "load, mapped", 1e3 * loaded, "ms"),
    ]


def _filters(vectors: NDArray[np.float32]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return masks (n,) by name: blind to the content, and the part nearest to one vector."""
    generator = np.random.default_rng(3)
    masks = [(f"{share:.1%}", generator.random(len(vectors)) < share) for share in _SELECTIVITIES]
    nearness = vectors @ vectors[0]
    for share in (0.5, 0.1):
        masks.append((f"{share:.0%} of one topic", nearness >= np.quantile(nearness, 1 - share)))
    return masks


def _batches(
    stage: str, vectors: NDArray[np.float32], flat: "faiss.IndexFlatIP", queries: NDArray[np.float32]
) -> list[BenchRow]:
    """Return the time of an exact batch of 64 beside FAISS' default."""
    exact = build_vector_index(vectors, kind="exact")
    batch = queries[:64]
    peer = latency([partial(flat.search, batch, K)] * 3, warm_up=1)
    mine = latency([partial(exact.search, batch, K)] * 3, warm_up=1)
    return [BenchRow(stage, "exact batch of 64", mine.p50, "ms", mine.p50 / peer.p50, "FAISS flat batch")]


def _rates(
    stage: str, index: VectorIndex, flat: "faiss.IndexFlatIP", singles: list[NDArray[np.float32]]
) -> list[BenchRow]:
    """Return searches a second with one and two threads, and single-row updates a second."""
    calls = [partial(index.search, q, K) for q in singles * 4]
    peer = [partial(flat.search, q, K) for q in singles[:40]]
    rows = []
    for threads, name in ((1, "1 thread"), (2, "2 threads")):
        rate, peer_rate = throughput(calls, threads), throughput(peer, threads)
        rows.append(BenchRow(stage, f"throughput, {name}", rate, "1/s", rate / peer_rate, f"{FLAT}, {name}"))
    updates = [partial(index.add, np.array([n]), q) for n, q in enumerate(singles)]
    appends = [partial(flat.add, q) for q in singles]
    rate, peer_rate = throughput(updates, 1), throughput(appends, 1)
    return [*rows, BenchRow(stage, "updates of one row", rate, "1/s", rate / peer_rate, "FAISS flat append")]


def _recall(found: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    """Return the share of the `true` rows (q, k) that are `found` (q, k)."""
    return float(np.mean([len(np.intersect1d(a, b)) / true.shape[1] for a, b in zip(found, true, strict=True)]))
