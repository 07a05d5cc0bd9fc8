"""How near two texts are, by every measure that the label-free text space offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matcher.sparse import FloatArray, heaviest
from matcher.textspace import TextRows, TextSpace

SIMILARITIES = (
    "vectors_tt",
    *(
        f"{name}_{text}"
        for text in "tf"
        for name in ("vectors", "words", "grams", "topics", "associated", "associated2", "overlap")
    ),
    *("align_ta", "align_at", "align_best_t", "align_fa", "align_af", "align_best_f"),
    "overlap_share",
)
ALIGNED_WORDS = 48  # heaviest words of a text that take part in the alignment


@dataclass(frozen=True)
class TextSide:
    """The texts of n records of one side: `title` alone and `full` text."""

    title: TextRows
    full: TextRows

    def __len__(self) -> int:
        return len(self.title.vectors)

    def take(self, rows: NDArray[np.int64]) -> "TextSide":
        """Return the given rows, in that order."""
        return TextSide(self.title.take(rows), self.full.take(rows))

    @staticmethod
    def concat(parts: Sequence["TextSide"]) -> "TextSide":
        """Return the rows of all parts, one after the other."""
        return TextSide(TextRows.concat([part.title for part in parts]), TextRows.concat([part.full for part in parts]))

    def save(self, directory: Path) -> None:
        """Write the arrays into `directory`, which is created."""
        self.title.save(directory / "title")
        self.full.save(directory / "full")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote, mapped into memory."""
        return cls(TextRows.load(directory / "title"), TextRows.load(directory / "full"))


def similarities(space: TextSpace, demands: TextSide, achievements: TextSide) -> FloatArray:
    """Return (nd, na, len(SIMILARITIES)) float32 similarities of each demand with each achievement.

    The letter after the underscore tells the demand's text (t title, f full); the achievement's is always the full
    text, except in `vectors_tt`. All lie in [0, 1] but for rounding, vectors and topics in [-1, 1]; `overlap` is a sum
    of inverse document frequencies and `align_best` one times a cosine, >= 0.
    """
    own = achievements.full
    own_associated = space.associated(own.words)
    found = {"vectors_tt": _products(demands.title.vectors, achievements.title.vectors)}
    for name, side in (("t", demands.title), ("f", demands.full)):
        associated = space.associated(side.words)
        found[f"vectors_{name}"] = _products(side.vectors, own.vectors)
        found[f"words_{name}"] = _products(side.words, own.words)
        found[f"grams_{name}"] = _products(side.grams, own.grams)
        found[f"topics_{name}"] = _products(side.topics, own.topics)
        found[f"associated_{name}"] = _products(associated, own.words)
        found[f"associated2_{name}"] = _products(associated, own_associated)
        found[f"overlap_{name}"] = _products(_present(side.words, space.words.idf), _present(own.words))
        forth, back, best = alignment(space, side.words, own.words)
        found[f"align_{name}a"], found[f"align_a{name}"], found[f"align_best_{name}"] = forth, back, best
    total = np.asarray(_present(own.words) @ space.words.idf)
    found["overlap_share"] = found["overlap_f"] / np.maximum(total, 1e-6)
    return np.stack([found[name] for name in SIMILARITIES], axis=2).astype(np.float32, copy=False)


def alignment(space: TextSpace, left: csr_array, right: csr_array) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return how well the words of two texts find partners by their vectors, three arrays (rows of left, of right).

    forth: idf-weighted mean over the words of a left text of the cosine to their nearest word of the right one; back:
    the same from right to left; best: the largest idf × cosine of a right text's word with its nearest left one. 0
    where a text has no words.
    """
    left, right = heaviest(left, ALIGNED_WORDS), heaviest(right, ALIGNED_WORDS)
    if left.shape[0] > right.shape[0]:  # the side with fewer texts leads, each against all its partners at once
        forth, back, best, _ = _align(space, right, left)
        return back.T, forth.T, best.T
    forth, back, _, best = _align(space, left, right)
    return forth, back, best


def _align(
    space: TextSpace, leads: csr_array, partners: csr_array
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return forth, back and the best by the idf of the lead's and of the partner's words, (leads, partners) each."""
    forth, back, best_lead, best_partner = (
        np.zeros((leads.shape[0], partners.shape[0]), dtype=np.float32) for _ in range(4)
    )
    if not partners.nnz:
        return forth, back, best_lead, best_partner
    words, position = np.unique(partners.indices, return_inverse=True)
    vectors = space.word_vectors[words]
    filled = np.diff(partners.indptr) > 0
    starts = partners.indptr[:-1][filled]
    weight = space.words.idf[words]
    weights = weight[position]
    share = weights / np.repeat(np.add.reduceat(weights, starts), np.diff(partners.indptr)[filled])
    for row in range(leads.shape[0]):
        lead = leads.indices[leads.indptr[row] : leads.indptr[row + 1]]
        if not len(lead):
            continue
        cosine = vectors @ space.word_vectors[lead].T
        nearest = cosine.max(axis=1)
        back[row, filled] = np.add.reduceat(nearest[position] * share, starts)
        best_partner[row, filled] = np.maximum.reduceat((nearest * weight)[position], starts)
        of_lead = space.words.idf[lead]
        closest = np.maximum.reduceat(cosine[position], starts, axis=0)
        forth[row, filled] = closest @ (of_lead / of_lead.sum())
        best_lead[row, filled] = (closest * of_lead).max(axis=1)
    return forth, back, best_lead, best_partner


def _products(left: csr_array | FloatArray, right: csr_array | FloatArray) -> FloatArray:
    """Return (nd, na) inner products of rows, dense or sparse; a single sparse row is multiplied as a dense one."""
    if not isinstance(left, csr_array) or not isinstance(right, csr_array):
        return np.asarray(left @ right.T, dtype=np.float32)
    if left.shape[0] == 1:
        return np.asarray(right @ left.toarray()[0], dtype=np.float32)[None, :]
    if right.nnz > left.nnz:  # the transposed side is rearranged first: let it be the smaller
        return np.asarray((right @ left.T).toarray().T, dtype=np.float32)
    return np.asarray((left @ right.T).toarray(), dtype=np.float32)


def _present(rows: csr_array, weights: FloatArray | None = None) -> csr_array:
    """Return the rows with 1 (or the column's weight) for every word that occurs."""
    data = np.ones_like(rows.data) if weights is None else weights[rows.indices]
    return csr_array((data, rows.indices, rows.indptr), shape=rows.shape)
