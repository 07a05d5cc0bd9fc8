"""How near two texts are, by every measure that the label-free text space offers."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from data.columns.arrays import FloatArray, csr_parts, readonly_view
from data.columns.features import Feature, declare, names_of
from matcher.texts import kernels as text_kernels
from matcher.texts.space import TextRows, TextSpace
from models.encoder.record_vectors import RecordVectors
from models.vector_index.kernels import products_at

Rows = NDArray[np.int64]

_MEASURES = {  # of a text by name, each with its group and label
    "vectors": ("semantic", "编码向量余弦"),
    "words": ("terms", "词语余弦"),
    "grams": ("terms", "字符片段余弦"),
    "topics": ("semantic", "主题余弦"),
    "associated": ("concepts", "关联词余弦"),
    "associated2": ("concepts", "二阶关联词余弦"),
    "overlap": ("terms", "共同词语的权重"),
}
_TEXTS = {"t": "标题", "f": "全文"}  # of the demand; the achievement's full text
SIMILARITY_FEATURES = (
    *declare("semantic", {"vectors_tt": "双方标题的编码向量余弦"}),
    *(
        Feature(name=f"{name}_{text}", label=f"{label}（{text_label}）", group=group)
        for text, text_label in _TEXTS.items()
        for name, (group, label) in _MEASURES.items()
    ),
    *declare("semantic", {"context_f": "全文的语境向量余弦"}),
    *declare("terms", {"overlap_share": "共同词语占成果词语的权重"}),
)
SIMILARITIES = names_of(SIMILARITY_FEATURES)
# Columns of one text after the other: title, full.
VECTORS, TOPICS, GRAMS = (
    tuple(SIMILARITIES.index(f"{name}_{text}") for text in "tf") for name in ("vectors", "topics", "grams")
)
WORDS = tuple(
    [SIMILARITIES.index(f"{name}_{text}") for name in ("words", "associated", "associated2", "overlap")]
    for text in "tf"
)
OVERLAP_FULL = SIMILARITIES.index("overlap_f")
CONTEXT = SIMILARITIES.index("context_f")


@dataclass(frozen=True)
class TextSide:
    """The texts of n records of one side: `title` alone, `full` text, and their vectors in `context`, each of one text.

    Without a contextual encoder the vectors in context have no dimensions and all similarities in context are 0.
    """

    title: TextRows
    full: TextRows
    context: RecordVectors

    def __len__(self) -> int:
        return len(self.title.vectors)

    def take(self, rows: NDArray[np.int64]) -> "TextSide":
        """Return the given rows, in that order."""
        return TextSide(self.title.take(rows), self.full.take(rows), self.context.take(rows))

    @staticmethod
    def concat(parts: Sequence["TextSide"]) -> "TextSide":
        """Return the rows of all parts, one after the other."""
        return TextSide(
            TextRows.concat([part.title for part in parts]),
            TextRows.concat([part.full for part in parts]),
            RecordVectors.concat([part.context for part in parts]),
        )

    def save(self, directory: Path) -> None:
        """Write the arrays into `directory`, which is created."""
        self.title.save(directory / "title")
        self.full.save(directory / "full")
        self.context.save(directory / "context")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote, mapped into memory."""
        return cls(
            TextRows.load(directory / "title"),
            TextRows.load(directory / "full"),
            RecordVectors.load(directory / "context"),
        )


def similarities(space: TextSpace, demands: TextSide, achievements: TextSide) -> FloatArray:
    """Return (nd, na, len(SIMILARITIES)) float32 similarities of each demand with each achievement.

    The letter after the underscore tells the demand's text (t title, f full); the achievement's is always the full
    text, except in `vectors_tt`. All lie in [0, 1] but for rounding, vectors, context and topics in [-1, 1]; `overlap` is a sum
    of inverse document frequencies, >= 0.
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
    own, texts = achievements.full, (demands.title, demands.full)
    values = np.empty((len(rows), len(SIMILARITIES)), dtype=np.float32)
    products(achievements.title.vectors, rows, demands.title.vectors[row], values[:, 0])
    words, grams = (
        _against_words(space, texts, row, own, rows, demand_leads=True),
        _against_grams(space, texts, row, own, rows),
    )
    for k, text in enumerate(texts):
        products(own.vectors, rows, text.vectors[row], values[:, VECTORS[k]])
        products(own.topics, rows, text.topics[row], values[:, TOPICS[k]])
        values[:, GRAMS[k]] = grams[:, k]
        values[:, WORDS[k]] = words[k]
    values[:, CONTEXT] = achievements.context.similarities(demands.context.vectors(np.array([row]))[0], rows)
    _add_overlap_share(space, values, own, rows)
    return values


def achievement_against(
    space: TextSpace, achievements: TextSide, row: int, demands: TextSide, rows: Rows
) -> FloatArray:
    """Return (n, len(SIMILARITIES)) of the achievement in `row` with the demands in `rows` (n,)."""
    own = achievements.full
    values = np.empty((len(rows), len(SIMILARITIES)), dtype=np.float32)
    products(demands.title.vectors, rows, achievements.title.vectors[row], values[:, 0])
    for k, text in enumerate((demands.title, demands.full)):
        products(text.vectors, rows, own.vectors[row], values[:, VECTORS[k]])
        products(text.topics, rows, own.topics[row], values[:, TOPICS[k]])
        values[:, GRAMS[k]] = _against_grams(space, (own,), row, text, rows)[:, 0]
        values[:, WORDS[k]] = _against_words(space, (own,), row, text, rows, demand_leads=False)[0]
    values[:, CONTEXT] = demands.context.similarities(achievements.context.vectors(np.array([row]))[0], rows)
    _add_overlap_share(space, values, own, np.full(len(rows), row, dtype=np.int64))
    return values


def _add_overlap_share(space: TextSpace, values: FloatArray, own: TextRows, rows: Rows) -> None:
    """Write the column `overlap_share`: which part of the achievement's own weight the demand's words make up."""
    indptr, indices, _ = csr_parts(own.words)
    total = np.empty(len(rows), dtype=np.float32)
    text_kernels.totals(indptr, indices, rows, readonly_view(space.words.idf), total)
    values[:, -1] = values[:, OVERLAP_FULL] / np.maximum(total, 1e-6)


def _against_words(
    space: TextSpace, leads: tuple[TextRows, ...], row: int, partners: TextRows, rows: Rows, *, demand_leads: bool
) -> list[FloatArray]:
    """Return for each lead's text words, associated, associated2 and overlap with the partners' in `rows`: (n, 4).

    A product with a partner's associated words, x · (y A), is one of its own words with x brought back: (x Aᵀ) · y.
    """
    forward, backward = csr_parts(space.associations), csr_parts(space.associated_by)
    indptr, indices, data = csr_parts(partners.words)
    width, idf = len(space.words.terms), readonly_view(space.words.idf)
    slot, scratch = _zeros("slot", width, np.int32), _zeros("sums", width, np.float32)
    columns = text_kernels.number_columns(indptr, indices, rows, slot)
    far = np.maximum(partners.reach[rows], np.float32(1e-12))[:, None]
    found = []
    for lead in leads:
        words, weights = _entries(lead.words, row)
        reach = np.float32(max(float(lead.reach[row]), 1e-12))
        towards = *forward, *backward, demand_leads, slot, len(columns), scratch
        table = text_kernels.word_table(readonly_view(words), readonly_view(weights), reach, idf, *towards)
        sums = np.zeros((len(rows), 4), dtype=np.float32)
        text_kernels.gather(indptr, indices, data, rows, slot, table, 3, sums)
        sums[:, 2 if demand_leads else 1 : 3] /= far
        found.append(sums)
    slot[columns] = 0
    return found


def _against_grams(
    space: TextSpace, leads: tuple[TextRows, ...], row: int, partners: TextRows, rows: Rows
) -> FloatArray:
    """Return (n, leads) products of each lead's n-grams with the partners' in `rows`."""
    slot = _zeros("slot", len(space.grams.terms), np.int32)
    columns = [_entries(lead.grams, row) for lead in leads]
    table = np.zeros((1 + sum(len(places) for places, _ in columns), len(columns)), dtype=np.float32)
    sums = np.zeros((len(rows), len(columns)), dtype=np.float32)
    used = 1
    for at, (places, values) in enumerate(columns):
        used = text_kernels.place(readonly_view(places), readonly_view(values), at, slot, table, used)
    text_kernels.gather(*csr_parts(partners.grams), rows, slot, table, len(columns), sums)
    for places, _ in columns:
        slot[places] = 0
    return sums


def products(vectors: FloatArray, rows: Rows, lead: FloatArray, found: FloatArray) -> None:
    """Write to `found` (n,) the inner products of `vectors`' `rows` (n,) with `lead` (d,)."""
    found[:] = products_at(readonly_view(vectors), readonly_view(lead), rows)


class _Scratch(threading.local):
    """Arrays of zeros that are used again and again, one of a kind in each thread."""

    def __init__(self) -> None:
        self.held: dict[str, NDArray[Any]] = {}


_SCRATCH = _Scratch()


def _zeros(name: str, size: int, kind: type[np.generic]) -> NDArray[Any]:
    """Return this thread's array of at least `size` zeros; who writes into it leaves zeros behind."""
    held = _SCRATCH.held.get(name)
    if held is None or len(held) < size:
        held = _SCRATCH.held[name] = np.zeros(size, dtype=kind)
    return held


def _entries(rows: csr_array, row: int) -> tuple[NDArray[np.int32], FloatArray]:
    """Return columns and values of one sparse row."""
    indptr, indices, data = csr_parts(rows)
    return indices[indptr[row] : indptr[row + 1]], data[indptr[row] : indptr[row + 1]]
