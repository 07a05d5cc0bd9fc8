"""The student's words, and what the teacher's token states say of them.

The student reads words where the teacher reads mostly single characters: a text has half as many, and costs half as
much. White space and punctuation are no words. Rare Chinese characters share a few rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from tokenizers import Tokenizer

from models.encoder.static import fold
from training.encoder.contextual.targets import Targets
from training.encoder.corpus import Corpus
from training.encoder.vocabulary import (
    Piece,
    build_tokenizer,
    choose_pieces,
    document_frequencies,
    remaining_characters,
)

SHARED_ROWS = 256


@dataclass(frozen=True)
class Words:
    """The vocabulary: `pieces` have a row each, from 1 on; row 0 begins every text.

    The tokenizer knows rare Chinese characters beyond the pieces; they take the `SHARED_ROWS` after them by turns.
    """

    pieces: tuple[Piece, ...]
    tokenizer: Tokenizer

    @property
    def rows(self) -> int:
        """Number of rows of the table."""
        return 1 + len(self.pieces) + SHARED_ROWS

    def row_of(self, tokens: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the rows of tokens; token 0 is unknown and has none."""
        own = 1 + len(self.pieces)
        return np.where(tokens < own, tokens, own + (tokens - own) % SHARED_ROWS).astype(np.int32)


@dataclass(frozen=True)
class Reading:
    """One text as the student reads it: rows of its words, and their places (words, 2) in the text by character."""

    rows: NDArray[np.int32]
    spans: NDArray[np.int32]


def choose_words(corpus: Corpus, terms: Iterable[str], size: int) -> Words:
    """Return the `size` words that most papers and technical terms hold, and all Chinese characters beside them."""
    texts = (fold(f"{paper.title}。{paper.abstract}。{' '.join(paper.keywords)}") for paper in corpus.train)
    counts = document_frequencies(texts)
    counts.update(document_frequencies(map(fold, terms)))
    keywords = [word for paper in corpus.train for word in paper.keywords]
    return make_words(choose_pieces(counts, keywords, size))


def make_words(pieces: Sequence[Piece]) -> Words:
    """Return the vocabulary of these pieces."""
    rest = remaining_characters(pieces)
    # Letters and digits stand alone in texts as no rare Chinese character does: each has a row.
    letters = [piece for piece in rest if not _is_han(piece.text)]
    own = [*pieces, *letters]
    return Words(tuple(own), build_tokenizer([*own, *(piece for piece in rest if _is_han(piece.text))]))


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


def read(words: Words, texts: Sequence[str]) -> list[Reading]:
    """Return every text as the student reads it."""
    readings = []
    for encoding in words.tokenizer.encode_batch(list(texts), add_special_tokens=False):
        ids = np.array(encoding.ids, dtype=np.int64)
        spans = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
        known = ids > 0
        readings.append(Reading(words.row_of(ids[known]), spans[known]))
    return readings


def membership(readings: Sequence[Reading], targets: Targets) -> sparse.csr_array:
    """Return (words of all readings, teacher's tokens): each row takes the mean of the tokens that lie in the word.

    A word that no token touches has an empty row.
    """
    begins, ends = [], []
    for reading, start, end in zip(readings, targets.bounds[:-1], targets.bounds[1:], strict=True):
        tokens = targets.spans[start:end]
        begins.append(start + np.searchsorted(tokens[:, 1], reading.spans[:, 0], side="right"))
        ends.append(start + np.searchsorted(tokens[:, 0], reading.spans[:, 1], side="left"))
    first, last = np.concatenate(begins), np.concatenate(ends)
    counts = np.maximum(last - first, 0)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    columns = np.arange(bounds[-1]) - np.repeat(bounds[:-1] - first, counts)
    weights = np.repeat(1 / np.maximum(counts, 1), counts).astype(np.float32)
    return sparse.csr_array((weights, columns, bounds), shape=(len(counts), len(targets.spans)))
