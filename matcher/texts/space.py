"""The store's texts as numbers, fitted without a single judgement: vocabulary, weights, latent topics, associations."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack

from data.cluster.workers import THIS_PROCESS, Workers
from data.columns.arrays import FloatArray, csr_parts, heaviest, load_csr, load_mmap, save_csr, stack_rows, take_rows
from data.columns.strings import StringColumn, StringIndex
from data.records import Achievement, Demand, Record
from data.text.exclusions import without_things
from data.text.foreign import in_chinese
from data.text.need import need_of
from data.text.normalise import meaningful
from data.text.segment import content_words
from matcher.texts import kernels as text_kernels
from models.encoder.base import Encoder, Kind
from models.encoder.record_vectors import RecordVectors

TOPICS = 128
MAX_WORDS = 200_000  # vocabulary; the rarest words are dropped first
MAX_GRAMS = 400_000
GRAM_TEXT = 800  # characters of a text that are cut into n-grams
ASSOCIATED_WORDS = 24  # heaviest words of a text that are counted as occurring together
NEIGHBOURS = 32  # associated words kept per word
CONTEXT_TEXT = 240  # characters of title and body that the contextual encoder reads


@dataclass(frozen=True)
class RecordText:
    """A record's normalised texts; boilerplate is empty.

    `excluded` are the things that a demand rules out; neither text names them.
    """

    title: str
    body: str
    excluded: tuple[str, ...] = ()

    @property
    def full(self) -> str:
        """Title, counted twice because it says most, and body."""
        return f"{self.title} {self.title} {self.body}".strip() if self.body else self.title

    @property
    def read_in_context(self) -> str:
        """Title and the beginning of the body."""
        return f"{self.title} {self.body}".strip()[:CONTEXT_TEXT]


def record_text(record: Record) -> RecordText:
    """Return the texts of a record that matching reads: of a demand what it needs, not what its firm tells of itself."""
    details = record.indicators if isinstance(record, Achievement) else record.kpis
    keywords, content, details = (meaningful(part) for part in (" ".join(record.keywords), record.content, details))
    title = meaningful(record.title)
    excluded: tuple[str, ...] = ()
    if isinstance(record, Demand):
        title, content, details, excluded = _needed(title, content, details)
    return RecordText(title, " ".join(part for part in (keywords, content, details) if part), excluded)


def _needed(title: str, content: str, details: str) -> tuple[str, str, str, tuple[str, ...]]:
    """Return a demand's texts without background and what is ruled out, in Chinese, and the things that are ruled out."""
    read = [need_of(in_chinese(part)) for part in (title, content, details)]
    excluded = tuple(dict.fromkeys(thing for part in read for thing in part.exclusions))
    needs = [without_things(part.need, excluded) for part in read]
    if title and content.startswith(title) and read[1].background and not read[1].need.startswith(title):
        needs[0] = without_things(read[1].focus, excluded)  # a free text begins with its background: that is no title
    return needs[0], needs[1], needs[2], excluded


@dataclass(frozen=True)
class TextRows:
    """StringIndex of n texts, row by row, each of length 1; the row of an empty text is 0."""

    vectors: FloatArray  # (n, d) encoder
    words: csr_array  # (n, v) TF-IDF of words
    grams: csr_array  # (n, g) TF-IDF of character 2- and 3-grams
    topics: FloatArray  # (n, TOPICS) latent semantic analysis
    reach: FloatArray  # (n,) length of the words' row once each word is replaced by its associates

    def take(self, rows: NDArray[np.int64]) -> "TextRows":
        """Return the given rows, in that order."""
        words, grams = take_rows(self.words, rows), take_rows(self.grams, rows)
        return TextRows(self.vectors[rows], words, grams, self.topics[rows], self.reach[rows])

    @staticmethod
    def concat(parts: Sequence["TextRows"]) -> "TextRows":
        """Return the rows of all parts, one after the other."""
        return TextRows(
            np.vstack([part.vectors for part in parts]),
            stack_rows([part.words for part in parts]),
            stack_rows([part.grams for part in parts]),
            np.vstack([part.topics for part in parts]),
            np.concatenate([part.reach for part in parts]),
        )

    def save(self, directory: Path) -> None:
        """Write the arrays into `directory`, which is created."""
        directory.mkdir(parents=True)
        np.save(directory / "vectors.npy", self.vectors)
        np.save(directory / "topics.npy", self.topics)
        np.save(directory / "reach.npy", self.reach)
        save_csr(directory / "words", self.words)
        save_csr(directory / "grams", self.grams)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote; dense arrays are mapped into memory, so that processes share them."""
        return cls(
            load_mmap(directory / "vectors.npy"),
            load_csr(directory / "words"),
            load_csr(directory / "grams"),
            load_mmap(directory / "topics.npy"),
            load_mmap(directory / "reach.npy"),
        )


class Vocabulary:
    """Terms with their columns and inverse document frequencies (smoothed as scikit-learn does)."""

    def __init__(self, terms: Sequence[str], idf: FloatArray, columns: Mapping[str, int] | None = None) -> None:
        """Take v distinct terms, (v,) their frequencies and, if they are known, their columns."""
        self.terms = terms
        self.idf = idf
        self.columns = {term: column for column, term in enumerate(terms)} if columns is None else columns

    @classmethod
    def fit(cls, frequency: Mapping[str, int], n: int, limit: int, at_least: int = 1) -> Self:
        """Keep the `limit` terms that are in most of the n documents, and in `at_least` so many."""
        common = (item for item in frequency.items() if item[1] >= at_least)
        kept = sorted(common, key=lambda item: (-item[1], item[0]))[:limit]
        counts = np.array([count for _, count in kept], dtype=np.float64)
        return cls([term for term, _ in kept], (np.log((1 + n) / (1 + counts)) + 1).astype(np.float32))

    def rows(self, documents: Iterable[Sequence[str]]) -> csr_array:
        """Return (n, terms) float32 rows of length 1, weighted (1 + log count) · idf; unknown terms are left out."""
        known = self.columns
        bounds, occurrences = [0], array("i")
        for document in documents:
            if isinstance(known, StringIndex):
                occurrences.extend(known.found(document))
            else:
                occurrences.extend([column for column in map(known.get, document) if column is not None])
            bounds.append(len(occurrences))
        columns = np.frombuffer(occurrences, dtype=np.intc) if occurrences else np.zeros(0, dtype=np.intc)
        shape = (len(bounds) - 1, len(self.terms))
        kind = np.int32 if bounds[-1] <= np.iinfo(np.int32).max else np.int64  # as `save_csr` keeps them
        starts = np.array(bounds, dtype=kind)
        counts = csr_array((np.ones(len(columns), dtype=np.float32), columns.astype(kind), starts), shape=shape)
        counts.sum_duplicates()
        weights = (1 + np.log(counts.data.astype(np.float64))) * self.idf[counts.indices]
        sizes = np.diff(counts.indptr)
        filled = sizes > 0
        if filled.any():
            squares = np.add.reduceat(weights * weights, counts.indptr[:-1][filled])
            weights /= np.sqrt(np.repeat(squares, sizes[filled]))
        return csr_array((weights.astype(np.float32), counts.indices, counts.indptr), shape=shape)

    def save(self, stem: Path) -> None:
        """Write `stem`.arrow (terms), `stem`.trie and `stem`.numbers.npy (their columns) and `stem`.npy (idf)."""
        StringColumn.of(self.terms).save(stem.with_suffix(".arrow"))
        StringIndex.of(self.columns).save(stem)
        np.save(stem.with_suffix(".npy"), self.idf)

    @classmethod
    def load(cls, stem: Path) -> Self:
        """Read what `save` wrote, mapped into memory."""
        return cls(
            StringColumn.load(stem.with_suffix(".arrow")), load_mmap(stem.with_suffix(".npy")), StringIndex.load(stem)
        )


def character_grams(text: str) -> list[str]:
    """Return the 2- and 3-grams of the runs of letters and digits in the first `GRAM_TEXT` characters."""
    runs = "".join(c if c.isalnum() else " " for c in text[:GRAM_TEXT].lower()).split()
    return [run[i : i + n] for run in runs for n in (2, 3) for i in range(len(run) - n + 1)]


def _document_frequencies(_: None, texts: Sequence[str]) -> tuple[Counter[str], Counter[str]]:
    """Return in how many of one partition's texts each word and each n-gram is."""
    in_words: Counter[str] = Counter()
    in_grams: Counter[str] = Counter()
    for text in texts:
        in_words.update(set(content_words(text)))
        in_grams.update(set(character_grams(text)))
    return in_words, in_grams


def _word_and_gram_rows(
    vocabularies: tuple[Vocabulary, Vocabulary], texts: Sequence[str]
) -> tuple[csr_array, csr_array]:
    """Return the rows of one partition's texts in the vocabularies of words and n-grams."""
    words, grams = vocabularies
    return words.rows(map(content_words, texts)), grams.rows(map(character_grams, texts))


class TextSpace:
    """Turns texts into `TextRows`.

    Attributes: `encoder`; `contextual`, a second encoder that reads words in their order, or None; `words` and `grams`
    vocabularies; `projection` (v + g, TOPICS) float32; `associations` (v, v)
    sparse rows of length 1: the words that occur with a word more often than chance (positive PMI, texts
    weighted down by their length); `associated_by` its transpose; `word_vectors` (v, d) of length 1.
    """

    def __init__(
        self,
        encoder: Encoder,
        words: Vocabulary,
        grams: Vocabulary,
        projection: FloatArray,
        associations: csr_array,
        word_vectors: FloatArray,
        associated_by: csr_array | None = None,
        contextual: Encoder | None = None,
    ) -> None:
        self.encoder = encoder
        self.contextual = contextual
        self.words = words
        self.grams = grams
        self.projection = projection
        self.associations = associations
        self.associated_by = csr_array(associations.T) if associated_by is None else associated_by
        self.word_vectors = word_vectors

    @classmethod
    def fit(
        cls,
        encoder: Encoder,
        texts: Sequence[str],
        seed: int = 0,
        contextual: Encoder | None = None,
        workers: Workers = THIS_PROCESS,
    ) -> Self:
        """Fit everything but the encoders on the store's full texts (n); no judgement is looked at."""
        parts = workers.parts(texts)
        in_words: Counter[str] = Counter()
        in_grams: Counter[str] = Counter()
        for of_words, of_grams in workers.map(_document_frequencies, parts, None):
            in_words.update(of_words)
            in_grams.update(of_grams)
        words = Vocabulary.fit(in_words, len(texts), MAX_WORDS)
        grams = Vocabulary.fit(in_grams, len(texts), MAX_GRAMS, at_least=2)
        del in_words, in_grams
        counted = list(workers.map(_word_and_gram_rows, parts, (words, grams)))
        word_rows, gram_rows = (csr_array(vstack(rows, format="csr")) for rows in zip(*counted, strict=True))
        del counted
        return cls(
            encoder,
            words,
            grams,
            _topic_projection(word_rows, gram_rows, seed),
            associations(word_rows, len(words.terms)),
            encoder.encode(list(words.terms), "passage"),
            contextual=contextual,
        )

    def without_context(self) -> "TextSpace":
        """Return the same space without its second encoder, which is not needed for `rows`."""
        return self.with_context(None)

    def with_context(self, contextual: Encoder | None) -> "TextSpace":
        """Return the same space with another second encoder."""
        space = copy(self)
        space.contextual = contextual
        return space

    def comparing(self) -> "TextSpace":
        """Return as much of the space as it takes to compare texts that are numbers already."""
        space = self.without_context()
        space.projection = self.projection[:0]
        return space

    def rows(self, texts: Sequence[str], kind: Kind) -> TextRows:
        """Return the numbers of n texts; `kind` tells demands ("query") from achievements ("passage")."""
        words, grams = _word_and_gram_rows((self.words, self.grams), texts)
        topics = _project(words, grams, self.projection)
        reach = text_kernels.reach(*csr_parts(words), *csr_parts(self.associations), len(self.words.terms))
        return TextRows(self.encoder.encode(texts, kind), words, grams, topics, reach)

    def in_context(self, texts: Sequence[RecordText], kind: Kind) -> RecordVectors:
        """Return the vectors in context of n records' texts; of no dimensions without a contextual encoder."""
        if self.contextual is None:
            return RecordVectors.none(len(texts))
        return RecordVectors.of(self.contextual.encode([text.read_in_context for text in texts], kind))

    def save(self, directory: Path) -> None:
        """Write everything but the encoders into `directory`, which is created."""
        directory.mkdir(parents=True)
        self.words.save(directory / "words")
        self.grams.save(directory / "grams")
        np.save(directory / "projection.npy", self.projection)
        np.save(directory / "word_vectors.npy", self.word_vectors)
        save_csr(directory / "associations", self.associations)
        save_csr(directory / "associated_by", self.associated_by)

    @classmethod
    def load(cls, directory: Path, encoder: Encoder, contextual: Encoder | None = None) -> Self:
        """Read what `save` wrote."""
        return cls(
            encoder,
            Vocabulary.load(directory / "words"),
            Vocabulary.load(directory / "grams"),
            load_mmap(directory / "projection.npy"),
            load_csr(directory / "associations"),
            load_mmap(directory / "word_vectors.npy"),
            load_csr(directory / "associated_by"),
            contextual,
        )


def _topic_projection(words: csr_array, grams: csr_array, seed: int) -> FloatArray:
    """Return (v + g, TOPICS) right singular vectors of the stacked rows (latent semantic analysis, Deerwester 1990)."""
    from sklearn.utils.extmath import randomized_svd  # here: a server only reads what was fitted

    stacked = _stacked(words, grams)
    topics = min(TOPICS, *stacked.shape)
    _, _, components = randomized_svd(stacked, topics, n_iter=3, random_state=seed)
    projection = np.zeros((stacked.shape[1], TOPICS), dtype=np.float32)  # a tiny store has fewer topics
    projection[:, :topics] = components.T
    return projection


def _project(words: csr_array, grams: csr_array, projection: FloatArray) -> FloatArray:
    rows = np.asarray(_stacked(words, grams) @ projection)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.asarray(rows / np.where(lengths > 0, lengths, 1)[:, None], dtype=np.float32)


def _stacked(words: csr_array, grams: csr_array) -> csr_array:
    return csr_array(hstack([words, grams]))


def associations(rows: csr_array, n_words: int) -> csr_array:
    """Return (n_words, n_words) rows of length 1 with each word's strongest associates by positive PMI.

    Only the heaviest `ASSOCIATED_WORDS` words of a text count, each text weighted by 1 / its number of words, so that
    long texts do not link everything; words of a single text have no associates.
    """
    from sklearn.preprocessing import normalize

    heavy = heaviest(rows, ASSOCIATED_WORDS)
    present = heavy.copy()
    present.data[:] = 1.0
    often = np.asarray(present.sum(axis=0)).ravel() >= 2
    present.data *= often[present.indices]
    present.eliminate_zeros()
    sizes = np.maximum(np.asarray(present.sum(axis=1)).ravel(), 1.0)
    present.data /= np.sqrt(np.repeat(sizes, np.diff(present.indptr))).astype(np.float32)
    together = csr_array(present.T @ present)
    total, margin = together.sum(), np.asarray(together.sum(axis=1)).ravel()
    row = np.repeat(np.arange(n_words), np.diff(together.indptr))
    pmi = np.log(np.maximum(together.data * total / (margin[row] * margin[together.indices]), 1e-12))
    pmi[(pmi <= 0) | (row == together.indices)] = 0.0
    together.data = pmi.astype(np.float32)
    together.eliminate_zeros()
    return csr_array(normalize(heaviest(together, NEIGHBOURS)))
