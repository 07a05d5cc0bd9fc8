"""Records as vectors that outcomes are compared by."""

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray
from matcher.texts.similarities import TextSide


def demand_vectors(texts: TextSide, rows: NDArray[np.int64]) -> FloatArray:
    """Return (n, k) vectors of rows whose inner product is the mean cosine of titles and full texts, by both measures.

    The measures are the encoder and the topics.
    """
    parts = (texts.full.vectors, texts.title.vectors, texts.full.topics, texts.title.topics)
    return np.hstack([np.asarray(part[rows]) * np.float32(0.5) for part in parts])


def achievement_vectors(texts: TextSide, rows: NDArray[np.int64]) -> FloatArray:
    """Return (n, k) vectors of rows whose inner product is the mean cosine of full texts, by encoder and by topics."""
    half = np.float32(np.sqrt(0.5))
    return np.hstack([np.asarray(part[rows]) * half for part in (texts.full.vectors, texts.full.topics)])


def of_length_1(vectors: FloatArray) -> FloatArray:
    """Return vectors (..., d) scaled to length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
