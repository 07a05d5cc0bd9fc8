"""Inverted lists of 4-bit codes, reordered by the exact vectors: the kind from ten thousand vectors to millions.

Vectors are rotated, see `rotation`, assigned to the list of their nearest centroid, and kept there as 4-bit product
quantisation codes, an eighth of a byte a dimension, which FAISS compares by SIMD table look-ups (André, Kermarrec,
Le Scouarnec: Quicker ADC, TPAMI 2019). A search scans
the lists nearest to the query until they hold a share of the allowed vectors, then compares the best few hundred
exactly. Both numbers are measured on the vectors themselves when the segment is built; see `probing`.
"""

import json
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from weakref import ReferenceType, ref

import faiss
import numpy as np
from numpy.typing import NDArray

from models.vector_index.exact import reorder, scan
from models.vector_index.kernels import lists_needed
from models.vector_index.probing import (
    STARVED,
    Probing,
    near_density,
    required_candidates,
    required_shares,
    sample_queries,
)
from models.vector_index.rotation import NARROW_CODE, WIDE_CODE, WIDE_FROM, balanced_rotation

_SAMPLES_PER_LIST = 64
_SCAN_LIMIT = 4096  # up to so many allowed rows a scan of them is as fast, and exact
_WEIGHING_SAMPLE = 16_384  # positions looked at to weigh the lists by their allowed vectors
_ROTATION_SAMPLE = 20_000
_SEED = 20190321


class IvfSegment:
    """Vectors in inverted lists of 4-bit codes; see the module."""

    kind: ClassVar[Literal["ivf"]] = "ivf"

    def __init__(
        self,
        vectors: NDArray[np.float32],
        index: Any,
        rotation: NDArray[np.float32],
        probing: Probing,
    ) -> None:
        self.vectors = vectors
        self.probing = probing
        self._index = index
        self._rotation = rotation
        self._centroids: NDArray[np.float32] = index.quantizer.reconstruct_n(0, index.nlist)
        self._lists = _list_of_each(index, len(vectors))
        self._sizes: NDArray[np.float64] = np.bincount(self._lists, minlength=index.nlist).astype(np.float64)
        self._weighed: tuple[ReferenceType[NDArray[Any]], NDArray[np.float64]] | None = None
        self._sample = None
        self._sampled_lists = self._lists
        if len(vectors) > 2 * _WEIGHING_SAMPLE:
            chosen = np.random.default_rng(_SEED).choice(len(vectors), _WEIGHING_SAMPLE, replace=False)
            self._sample = np.sort(chosen)
            self._sampled_lists = self._lists[self._sample]

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> Self:
        """Train centroids and codebooks on a sample of `vectors` (n, d), encode all, and measure how far to search."""
        count, dimension = vectors.shape
        code_dimensions = WIDE_CODE if dimension >= WIDE_FROM else NARROW_CODE
        rotation = balanced_rotation(vectors[:: max(1, count // _ROTATION_SAMPLE)], code_dimensions)
        width = rotation.shape[1]
        list_count = _list_count(count)
        index: Any = faiss.IndexIVFPQFastScan(
            faiss.IndexFlatIP(width), width, list_count, width // code_dimensions, 4, faiss.METRIC_INNER_PRODUCT
        )
        index.by_residual = False
        index.cp.spherical = True
        index.cp.niter = 10
        index.cp.seed = _SEED
        index.cp.min_points_per_centroid = 1
        sample = np.random.default_rng(_SEED).permutation(count)[: max(_SAMPLES_PER_LIST * list_count, 16_384)]
        index.train(vectors[np.sort(sample)] @ rotation)
        for start in range(0, count, 65_536):
            index.add(vectors[start : start + 65_536] @ rotation)
        segment = cls(vectors, index, rotation, Probing.everything())
        segment.probing = segment._measured()
        return segment

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return about the k best positions (q, k), and their exact inner products (q, k), among the allowed."""
        count = len(self.vectors) if allowed is None else int(np.count_nonzero(allowed))
        if count <= max(_SCAN_LIMIT, 4 * k):
            return scan(self.vectors, queries, k, None if allowed is None else np.flatnonzero(allowed))
        rotated = queries @ self._rotation
        order = np.argsort(-(rotated @ self._centroids.T), axis=1)
        if allowed is None:
            return self._approximate(queries, k, rotated, self._probes(order, self._sizes, k, 1.0), None)
        weights = self._weights(allowed)
        # Where little is allowed near a query, the best of what remains lie too close to each other for codes.
        density = near_density(order, self._sizes, weights)
        starved = density < STARVED
        if np.any(starved):
            return self._search_apart(queries, k, allowed, starved)
        share = count / len(self.vectors)
        near = min(1.0, share * float(density.max()))
        return self._approximate(queries, k, rotated, self._probes(order, weights, k, share), allowed, near)

    def _weights(self, allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return (lists,) how much of each list is allowed; the same read-only mask is weighed once."""
        owner = allowed if allowed.base is None else allowed.base
        known = self._weighed
        if known is not None and known[0]() is owner:
            return known[1]
        # With many vectors it is enough to weigh the lists by a sample.
        sampled = allowed if self._sample is None else allowed.take(self._sample)
        weights = np.bincount(self._sampled_lists, weights=sampled, minlength=len(self._sizes)).astype(np.float64)
        if isinstance(owner, np.ndarray) and not owner.flags.writeable:
            self._weighed = ref(owner), weights
        return weights

    def _search_apart(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_], starved: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the answer where `starved` (q,) queries are searched exactly and the others by lists."""
        rows = np.empty((len(queries), k), dtype=np.int64)
        scores = np.empty((len(queries), k), dtype=np.float32)
        rows[starved], scores[starved] = scan(self.vectors, queries[starved], k, np.flatnonzero(allowed))
        if not starved.all():
            rows[~starved], scores[~starved] = self.search(queries[~starved], k, allowed)
        return rows, scores

    def _approximate(
        self,
        queries: NDArray[np.float32],
        k: int,
        rotated: NDArray[np.float32],
        probes: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
        near: float = 1.0,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the answer from the lists `probes` (q, p), or from all where they hold fewer than k.

        `near` is the allowed share of the vectors near the queries.
        """
        wanted = min(self.probing.candidates(k, near), len(self.vectors))
        found = self._scan_lists(rotated, wanted, probes, allowed)
        if np.any(found[:, k - 1] < 0):
            found = self._scan_lists(rotated, wanted, self._all_lists(len(queries)), allowed)
        return reorder(self.vectors, queries, k, found)

    def _probes(
        self, order: NDArray[np.int64], weights: NDArray[np.float64], k: int, allowed: float
    ) -> NDArray[np.int64]:
        """Return the lists (q, p) to scan for each query, nearest first, -1 where a query needs fewer than others.

        `order` (q, lists) are the lists nearest to each first, `weights` (lists,) what is allowed in each, `allowed` is
        the allowed share of all vectors. Lists are taken until their weight suffices, not their number, so that a
        filter whose rows lie far from the query is searched as thoroughly as none.
        """
        needed = np.empty(len(order), dtype=np.int64)
        lists_needed(order, weights, self.probing.share(k, allowed) * float(weights.sum()), needed)
        probes = order[:, : int(needed.max())]
        if len(probes) > 1:
            probes = np.where(np.arange(probes.shape[1]) < needed[:, None], probes, -1)
        return np.ascontiguousarray(probes)

    def _all_lists(self, queries: int) -> NDArray[np.int64]:
        """Return every list for each of `queries` queries."""
        return np.tile(np.arange(len(self._sizes), dtype=np.int64), (queries, 1))

    def _scan_lists(
        self,
        rotated: NDArray[np.float32],
        wanted: int,
        probes: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> NDArray[np.int64]:
        """Return the `wanted` best allowed positions (q, wanted) by codes in the lists `probes` (q, p), else -1."""
        selector = None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")  # must outlive the search: FAISS keeps a pointer
            selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        parameters = faiss.SearchParametersIVF(nprobe=probes.shape[1], sel=selector)  # type: ignore[call-arg]
        rotated = np.ascontiguousarray(rotated)
        similarity = np.zeros(probes.shape, dtype=np.float32)
        scores = np.empty((len(rotated), wanted), dtype=np.float32)
        positions = np.empty((len(rotated), wanted), dtype=np.int64)
        self._index.search_preassigned_c(
            len(rotated),
            faiss.swig_ptr(rotated),
            wanted,
            faiss.swig_ptr(probes),
            faiss.swig_ptr(similarity),
            faiss.swig_ptr(scores),
            faiss.swig_ptr(positions),
            False,
            parameters,
            None,
        )
        return positions

    def _measured(self) -> Probing:
        """Return how far to search these vectors, measured with some of them as queries."""
        queries, own = sample_queries(self.vectors, _SEED)
        rotated = queries @ self._rotation
        order = np.argsort(-(rotated @ self._centroids.T), axis=1)

        def approximate(wanted: int) -> NDArray[np.int64]:
            return self._scan_lists(rotated, wanted, self._all_lists(len(queries)), None)

        shares, filtered_shares = required_shares(self.vectors, queries, own, self._lists, order)
        return Probing(
            shares=shares,
            filtered_shares=filtered_shares,
            candidate_counts=required_candidates(self.vectors, queries, own, approximate),
        )

    def save(self, directory: Path) -> None:
        """Write lists, codes and measurements."""
        faiss.write_index(self._index, str(directory / "ivf.faiss"))
        np.save(directory / "rotation.npy", self._rotation)
        (directory / "probing.json").write_text(json.dumps(self.probing.as_lists()), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, vectors: NDArray[np.float32], *, memory_map: bool) -> Self:
        """Read what `save` wrote.

        With `memory_map` the vectors are shared between processes; the codes, a sixteenth of their size, are private to
        each: FAISS cannot map this kind.
        """
        index = faiss.read_index(str(directory / "ivf.faiss"), faiss.IO_FLAG_MMAP_IFC if memory_map else 0)
        rotation = np.load(directory / "rotation.npy", allow_pickle=False)
        probing = Probing.from_lists(json.loads((directory / "probing.json").read_text(encoding="utf-8")))
        return cls(vectors, index, rotation, probing)


def _list_count(count: int) -> int:
    """Return the number of lists for `count` vectors: the power of two nearest to 0.8 of its square root."""
    return int(2 ** max(0, round(float(np.log2(max(1.0, 0.8 * np.sqrt(count)))))))


def _list_of_each(index: Any, count: int) -> NDArray[np.int32]:
    """Return the list (count,) that holds each position."""
    lists = np.empty(count, dtype=np.int32)
    for number in range(index.nlist):
        size = index.invlists.list_size(number)
        if size:
            lists[faiss.rev_swig_ptr(index.invlists.get_ids(number), size)] = number
    return lists
