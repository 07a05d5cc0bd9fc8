"""Sparse rows: kept as memory-mapped files, multiplied pair by pair, cut to their heaviest entries."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

FloatArray = NDArray[np.float32]
_Number = TypeVar("_Number", bound=np.generic)


SHARED_FROM = 64 * 1024
"""Bytes of a file from which it is mapped: a mapping holds a descriptor open, and a bundle has hundreds of small arrays."""


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file that nobody changes under another name too, by a hard link where the file system has them."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)


def load_mmap(path: Path) -> NDArray[Any]:
    """Return an .npy file's array, read-only and plain, which is quick to index.

    A file from `SHARED_FROM` bytes is mapped into memory, so that processes share it.
    """
    if path.stat().st_size >= SHARED_FROM:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    return readonly_view(np.load(path, allow_pickle=False))


def save_csr(stem: Path, rows: csr_array) -> None:
    """Write `stem`.{data,indices,indptr,shape}.npy; indices take 4 bytes each, as long as there are fewer than 2^31."""
    short = max(rows.nnz, *rows.shape) <= np.iinfo(np.int32).max
    kind = np.int32 if short else np.int64
    for part, values in (
        ("data", rows.data),
        ("indices", rows.indices.astype(kind)),
        ("indptr", rows.indptr.astype(kind)),
    ):
        np.save(stem.with_name(f"{stem.name}.{part}.npy"), values)
    np.save(stem.with_name(f"{stem.name}.shape.npy"), np.array(rows.shape, dtype=np.int64))


def load_csr(stem: Path) -> csr_array:
    """Read what `save_csr` wrote, mapped into memory so that processes share it."""
    data, indices, indptr, shape = (
        load_mmap(stem.with_name(f"{stem.name}.{part}.npy")) for part in ("data", "indices", "indptr", "shape")
    )
    return csr_array((data, indices, indptr), shape=tuple(shape.tolist()), copy=False)


def readonly_view(array: NDArray[_Number]) -> NDArray[_Number]:
    """Return a read-only view: compiled loops are compiled once, for arrays in files and in memory alike."""
    if type(array) is np.ndarray and not array.flags.writeable:
        return array
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def csr_parts(rows: csr_array) -> tuple[NDArray[np.int32], NDArray[np.int32], FloatArray]:
    """Return indptr, indices and data as compiled loops take them."""
    return readonly_view(rows.indptr), readonly_view(rows.indices), readonly_view(rows.data)


def take_rows(rows: csr_array, chosen: NDArray[np.integer]) -> csr_array:
    """Return the chosen rows, in that order: `rows[chosen]` without what SciPy does besides."""
    starts = rows.indptr[chosen]
    sizes = rows.indptr[chosen + 1] - starts
    ends = np.cumsum(sizes)
    at = np.repeat(starts - (ends - sizes), sizes) + np.arange(ends[-1] if len(ends) else 0, dtype=starts.dtype)
    indptr = np.zeros(len(chosen) + 1, dtype=rows.indptr.dtype)
    indptr[1:] = ends
    return csr_array((rows.data[at], rows.indices[at], indptr), shape=(len(chosen), rows.shape[1]))


def stack_rows(parts: Sequence[csr_array]) -> csr_array:
    """Return the rows of all parts, one after the other: `scipy.sparse.vstack` without what it does besides."""
    before = np.cumsum([0, *(len(part.data) for part in parts)]).tolist()
    indptr = [part.indptr[1:] + start for part, start in zip(parts, before, strict=False)]
    return csr_array(
        (
            np.concatenate([part.data for part in parts]),
            np.concatenate([part.indices for part in parts]),
            np.concatenate([parts[0].indptr[:1], *indptr]),
        ),
        shape=(sum(part.shape[0] for part in parts), parts[0].shape[1]),
    )


def heaviest(rows: csr_array, k: int) -> csr_array:
    """Return the rows with only the k largest entries of each."""
    counts = np.diff(rows.indptr)
    row = np.repeat(np.arange(rows.shape[0]), counts)
    order = np.lexsort((-rows.data, row))
    place = np.arange(len(order)) - np.repeat(rows.indptr[:-1], counts)
    kept = np.sort(order[place < k])
    indptr = np.concatenate([[0], np.cumsum(np.minimum(counts, k))])
    return csr_array((rows.data[kept], rows.indices[kept], indptr), shape=rows.shape)
