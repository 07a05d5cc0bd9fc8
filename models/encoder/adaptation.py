"""Label-free adaptation of a static encoder to a store's own texts: no judgement, no teacher, one pass over the texts.

1. Words common in the store say little there: token i is scaled by a / (a + p_i), p_i its share of the store's tokens
   (SIF weights: Arora, Liang & Ma, ICLR 2017).
2. A word means what it occurs with: to every token is added the mean of the (centred) vectors of the texts that hold
   it. Two words of one topic come closer even if no text holds both, as in latent semantic analysis, but without
   forgetting what the encoder knew.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.encoder.static import StaticEncoder, quantise

# Chosen on held-out papers (are titles of one discipline closer?); the result changes little around them.
_SIF_PARAMETER = 3e-3
_CONTEXT_WEIGHT = 1.0
# Added to the number of texts that hold a word: a word seen once is not yet known by its company.
_PRIOR_TEXTS = 1.0
# A store of this many texts gets half the effect: the company kept in a handful of texts is chance.
_HALF_EFFECT_TEXTS = 100.0
# More texts than these teach nothing more about words; a sample of them keeps the pass within a minute.
_MAX_TEXTS = 50_000
_BLOCK = 4096


def adapt(encoder: StaticEncoder, texts_a: Sequence[str], texts_b: Sequence[str]) -> StaticEncoder:
    """Return `encoder` adapted to a store whose two sides (demands, achievements) have the texts given.

    The sides are centred apart, because they differ in style. Of more than 50,000 texts a side, an even sample is
    read. The result depends on nothing but the arguments; without any text the encoder itself is returned.
    """
    sides = [_sample([text for text in texts if text.strip()]) for texts in (texts_a, texts_b)]
    if not any(sides):
        return encoder
    counts = [_token_counts(encoder, side) for side in sides if side]
    vectors = encoder.token_vectors()
    occurrences = np.sum([np.asarray(side.sum(axis=0)).ravel() for side in counts], axis=0)
    total = float(occurrences.sum())
    if total == 0:
        return encoder
    vectors *= (_SIF_PARAMETER / (_SIF_PARAMETER + occurrences / total)).astype(np.float32)[:, None]

    context = np.zeros_like(vectors)
    documents = np.zeros(len(vectors), dtype=np.float32)
    for side in counts:
        _add_context(side, vectors, context, documents)
    context /= (documents + _PRIOR_TEXTS)[:, None]
    n_texts = sum(side.shape[0] for side in counts)
    weight = _CONTEXT_WEIGHT * n_texts / (n_texts + _HALF_EFFECT_TEXTS)
    vectors += weight * np.linalg.norm(vectors, axis=1, keepdims=True) * context
    table, factors = quantise(vectors)
    return StaticEncoder(
        encoder.tokenizer_json,
        table,
        factors=factors,
        query_prefix=encoder.query_prefix,
        passage_prefix=encoder.passage_prefix,
    )


def _sample(texts: list[str]) -> list[str]:
    """Return at most `_MAX_TEXTS` of `texts`, evenly spread."""
    if len(texts) <= _MAX_TEXTS:
        return texts
    return [texts[i] for i in np.linspace(0, len(texts) - 1, _MAX_TEXTS).astype(np.int64)]


def _token_counts(encoder: StaticEncoder, texts: list[str]) -> sparse.csr_array:
    """Return how often each text holds each token, shape (texts, tokens), float32."""
    blocks = []
    for start in range(0, len(texts), _BLOCK):
        ids = encoder.token_ids(texts[start : start + _BLOCK])
        bounds = np.cumsum([0, *(len(row) for row in ids)])
        columns = np.fromiter((token for row in ids for token in row), dtype=np.int32, count=int(bounds[-1]))
        block = sparse.csr_array(
            (np.ones(len(columns), dtype=np.float32), columns, bounds), shape=(len(ids), encoder.vocabulary_size)
        )
        block.sum_duplicates()
        blocks.append(block)
    return sparse.csr_array(sparse.vstack(blocks))


def _add_context(
    side: sparse.csr_array, vectors: NDArray[np.float32], context: NDArray[np.float32], documents: NDArray[np.float32]
) -> None:
    """Add to `context` the sum of the centred vectors of the texts with each token, to `documents` their number."""
    total = np.zeros(vectors.shape[1], dtype=np.float64)
    held_by = np.zeros(len(vectors), dtype=np.float32)
    for start in range(0, side.shape[0], _BLOCK):
        block = sparse.csr_array(side[start : start + _BLOCK])
        texts = block @ vectors
        norms = np.linalg.norm(texts, axis=1, keepdims=True)
        texts /= np.where(norms > 0, norms, 1)
        block.data[:] = 1
        context += block.T @ texts
        held_by += np.asarray(block.sum(axis=0)).ravel()
        total += texts.sum(axis=0, dtype=np.float64)
    mean = (total / side.shape[0]).astype(np.float32)
    context -= held_by[:, None] * mean[None, :]
    documents += held_by
