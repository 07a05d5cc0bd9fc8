"""How near two texts are, by every measure that the label-free text space offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matcher import text_kernels
from matcher.sparse import FloatArray, csr_parts, frozen
from matcher.textspace import TextRows, TextSpace

Rows = NDArray[np.int64]

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
    values = np.zeros((len(demands), len(achievements), len(SIMILARITIES)), dtype=np.float32)
    if len(demands) <= len(achievements):
        every = np.arange(len(achievements), dtype=np.int64)
        for row in range(len(demands)):
            values[row] = demand_against(space, demands, row, achievements, every)
    else:
        every = np.arange(len(demands), dtype=np.int64)
        for row in range(len(achievements)):
            values[:, row] = achievement_against(space, achievements, row, demands, every)
    return values


def demand_against(space: TextSpace, demands: TextSide, row: int, achievements: TextSide, rows: Rows) -> FloatArray:
    """Return (n, len(SIMILARITIES)) of the demand in `row` with the achievements in `rows` (n,)."""
    own = achievements.full
    texts = (demands.title, demands.full)
    words = _against_words(space, texts, row, own, rows, demand_leads=True)
    grams = _against_grams(space, texts, row, own, rows)
    aligned = _alignments(space, texts, row, own, rows)
    offered, topics = own.vectors[rows], own.topics[rows]
    found = {"vectors_tt": achievements.title.vectors[rows] @ demands.title.vectors[row]}
    for k, (name, text) in enumerate(zip("tf", texts, strict=True)):
        found[f"vectors_{name}"] = offered @ text.vectors[row]
        found[f"topics_{name}"] = topics @ text.topics[row]
        found[f"grams_{name}"] = grams[:, k]
        found |= {f"{kind}_{name}": words[kind][:, k] for kind in words}
        forth, back, _, best = aligned[k].T
        found[f"align_{name}a"], found[f"align_a{name}"], found[f"align_best_{name}"] = forth, back, best
    return _stacked(space, found, own, rows)


def achievement_against(
    space: TextSpace, achievements: TextSide, row: int, demands: TextSide, rows: Rows
) -> FloatArray:
    """Return (n, len(SIMILARITIES)) of the achievement in `row` with the demands in `rows` (n,)."""
    own = achievements.full
    found = {"vectors_tt": demands.title.vectors[rows] @ achievements.title.vectors[row]}
    for name, text in (("t", demands.title), ("f", demands.full)):
        words = _against_words(space, (own,), row, text, rows, demand_leads=False)
        found[f"vectors_{name}"] = text.vectors[rows] @ own.vectors[row]
        found[f"topics_{name}"] = text.topics[rows] @ own.topics[row]
        found[f"grams_{name}"] = _against_grams(space, (own,), row, text, rows)[:, 0]
        found |= {f"{kind}_{name}": words[kind][:, 0] for kind in words}
        back, forth, best, _ = _alignments(space, (own,), row, text, rows)[0].T
        found[f"align_{name}a"], found[f"align_a{name}"], found[f"align_best_{name}"] = forth, back, best
    return _stacked(space, found, own, np.full(len(rows), row, dtype=np.int64))


def _stacked(space: TextSpace, found: dict[str, FloatArray], own: TextRows, rows: Rows) -> FloatArray:
    indptr, indices, _ = csr_parts(own.words)
    total = text_kernels.totals(indptr, indices, rows, frozen(space.words.idf))
    found["overlap_share"] = np.asarray(found["overlap_f"] / np.maximum(total, 1e-6), dtype=np.float32)
    return np.stack([found[name] for name in SIMILARITIES], axis=1).astype(np.float32, copy=False)


def _against_words(
    space: TextSpace, leads: tuple[TextRows, ...], row: int, partners: TextRows, rows: Rows, *, demand_leads: bool
) -> dict[str, FloatArray]:
    """Return words, associated, associated2 and overlap of each lead's text with the partners' in `rows`: (n, leads).

    A product with a partner's associated words, x · (y A), is one of its own words with x brought back: (x Aᵀ) · y.
    """
    forward, backward = csr_parts(space.associations), csr_parts(space.associated_by)
    width = len(space.words.terms)
    idf = frozen(space.words.idf)
    columns: list[tuple[NDArray[np.int32], FloatArray]] = []
    for lead in leads:
        words, weights = _entries(lead.words, row)
        reached, mass = text_kernels.hop(words, weights, *forward, width)
        mass /= max(float(lead.reach[row]), 1e-12)
        once = (reached, mass) if demand_leads else text_kernels.hop(words, weights, *backward, width)
        columns += [(words, weights), once, text_kernels.hop(frozen(reached), frozen(mass), *backward, width)]
    weighted = len(columns)
    columns += [(words, idf[words]) for words, _ in columns[::3]]
    sums = _gathered(partners.words, rows, columns, weighted, width)
    alike, associated, associated2 = (sums[:, kind:weighted:3] for kind in range(3))
    far = np.maximum(partners.reach[rows], np.float32(1e-12))[:, None]
    associated2 /= far
    if not demand_leads:
        associated /= far
    overlap = sums[:, weighted:]
    return {"words": alike, "associated": associated, "associated2": associated2, "overlap": overlap}


def _against_grams(
    space: TextSpace, leads: tuple[TextRows, ...], row: int, partners: TextRows, rows: Rows
) -> FloatArray:
    columns = [_entries(lead.grams, row) for lead in leads]
    return _gathered(partners.grams, rows, columns, len(columns), len(space.grams.terms))


def _gathered(
    partners: csr_array, rows: Rows, columns: list[tuple[NDArray[np.int32], FloatArray]], weighted: int, width: int
) -> FloatArray:
    """Return (n, c) products of sparse columns with the partners' `rows`; those after `weighted` count what occurs."""
    slot = np.zeros(width, dtype=np.int32)
    table = np.zeros((1 + sum(len(places) for places, _ in columns), len(columns)), dtype=np.float32)
    used = 1
    for at, (places, values) in enumerate(columns):
        used = text_kernels.place(frozen(places), frozen(values), at, slot, table, used)
    return text_kernels.gather(*csr_parts(partners), rows, slot, table, weighted)


def _alignments(
    space: TextSpace, leads: tuple[TextRows, ...], row: int, partners: TextRows, rows: Rows
) -> list[FloatArray]:
    """Return for each lead's text how well its words align with those of the partners, see `text_kernels.align`."""
    width, idf, vectors = len(space.words.terms), space.words.idf, space.word_vectors
    here = np.array([row], dtype=np.int64)
    own = [text_kernels.heaviest_words(*csr_parts(lead.words), here, ALIGNED_WORDS, width)[2] for lead in leads]
    bounds, words, different = text_kernels.heaviest_words(*csr_parts(partners.words), rows, ALIGNED_WORDS, width)
    theirs, weight = vectors[different], idf[different]
    return [
        text_kernels.align(bounds, words, weight, np.ascontiguousarray(theirs @ vectors[lead].T), idf[lead])
        for lead in own
    ]


def _entries(rows: csr_array, row: int) -> tuple[NDArray[np.int32], FloatArray]:
    """Return columns and values of one sparse row."""
    indptr, indices, data = csr_parts(rows)
    return indices[indptr[row] : indptr[row + 1]], data[indptr[row] : indptr[row + 1]]
