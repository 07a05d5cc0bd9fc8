"""Texts as the student reads them beside what the teacher made of them, in a few flat arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.encoder.contextual.student import MAX_WORDS
from training.encoder.contextual.targets import read_targets
from training.encoder.contextual.words import Words, membership, read

# A word's mean state counts as if it had been seen this often on its own.
_LONE_WEIGHT = 2.0


@dataclass(frozen=True)
class Examples:
    """n texts of w words in all.

    `rows` (w,) are rows of the student's table, `bounds` (n + 1,) where each text's words begin, `states` (w, 384)
    float16 the teacher's last states (zeros where `told` (w,) is False), `vectors` (n, 384) float32 of length 1.
    """

    rows: NDArray[np.int32]
    bounds: NDArray[np.int64]
    states: NDArray[np.float16]
    told: NDArray[np.bool_]
    vectors: NDArray[np.float32]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Words of each text."""
        return np.diff(self.bounds)


@dataclass
class WordMeans:
    """Sums over all words read so far of the states that enter the student's first layer, by row."""

    sums: NDArray[np.float32]
    counts: NDArray[np.float32]

    def add(self, rows: NDArray[np.int32], states: NDArray[np.float32], weight: float = 1.0) -> None:
        """Add states (n, hidden) to the rows (n,)."""
        np.add.at(self.sums, rows, weight * states)
        np.add.at(self.counts, rows, weight)

    def table(self, begin: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the means; a row never seen gets the mean of all rows, row 0 `begin`."""
        means: NDArray[np.float32] = (self.sums / np.maximum(self.counts, 1e-9)[:, None]).astype(np.float32)
        means[self.counts == 0] = means[self.counts > 0].mean(axis=0)
        means[0] = begin
        return means


def read_examples(
    parts: Sequence[Path], texts: Sequence[str], words: Words, means: WordMeans | None = None, *, entry: int, last: int
) -> Examples:
    """Read the teacher's answers to `texts` (the parts' texts in order) and lay them onto the student's words.

    `entry` and `last` name the teacher's layers whose output enters the student's first layer and is its target. The
    former is added to `means`. Words beyond `MAX_WORDS` of a text are left out, and so are texts without any word.
    """
    pieces = list(_parts(parts, texts, words, means, entry=entry, last=last))
    lengths = np.concatenate([piece.lengths for piece in pieces])
    return Examples(
        np.concatenate([piece.rows for piece in pieces]),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([piece.states for piece in pieces]),
        np.concatenate([piece.told for piece in pieces]),
        np.concatenate([piece.vectors for piece in pieces]),
    )


def _parts(
    paths: Sequence[Path], texts: Sequence[str], words: Words, means: WordMeans | None, *, entry: int, last: int
) -> Iterator[Examples]:
    at = 0
    for path in paths:
        targets = read_targets(path)
        count = len(targets.vectors)
        readings = read(words, texts[at : at + count])
        at += count
        within = membership(readings, targets)
        told = np.diff(within.indptr) > 0
        rows = np.concatenate([reading.rows for reading in readings])
        if means is not None:
            means.add(rows[told], (within @ targets.states[entry].astype(np.float32))[told])
        states = (within @ targets.states[last].astype(np.float32)).astype(np.float16)
        lengths = np.array([len(reading.rows) for reading in readings])
        places = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        kept = places < MAX_WORDS
        shown = np.minimum(lengths, MAX_WORDS)
        filled = shown > 0
        bounds = np.concatenate([[0], np.cumsum(shown[filled])]).astype(np.int64)
        yield Examples(rows[kept], bounds, states[kept], told[kept], targets.vectors[filled])


def add_lone_words(parts: Sequence[Path], texts: Sequence[str], words: Words, means: WordMeans, *, entry: int) -> None:
    """Add to `means` what the teacher makes of words that stand alone: `texts` are words with a row each."""
    rows = {piece.text: i for i, piece in enumerate(words.pieces, start=1)}
    at = 0
    for path in parts:
        targets = read_targets(path)
        count = len(targets.vectors)
        own = np.array([rows[text] for text in texts[at : at + count]], dtype=np.int32)
        at += count
        lengths = np.diff(targets.bounds)
        states = targets.states[entry].astype(np.float32)
        text_of = np.repeat(np.arange(count), lengths)
        summed = np.zeros((count, states.shape[1]), dtype=np.float32)
        np.add.at(summed, text_of, states)
        filled = lengths > 0
        alone = (summed[filled] / lengths[filled, None]).astype(np.float32)
        means.add(own[filled], alone, _LONE_WEIGHT)
