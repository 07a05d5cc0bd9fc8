"""Mining a corpus for terms: frequent phrases, scored by C-value and by how firmly their words hold together."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.terms.phrases import MAX_WORDS, is_head, is_inside, is_term_alone
from knowledge_graph.terms.tagging import Word

BOUNDARY = -1


@dataclass(frozen=True)
class MinedTerm:
    """A candidate term: its text in lower case, its number of words, occurrences, C-value and cohesion.

    `c_value` is after Frantzi, Ananiadou and Mima (2000) with log2(words + 1); `cohesion` is the normalised pointwise
    mutual information in [-1, 1] of its two parts at the weakest joint, 1 for a single word.
    """

    text: str
    words: int
    count: int
    c_value: float
    cohesion: float


class PhraseMiner:
    """Collects the words of a corpus as numbers, then counts all phrases at once.

    Ten million words take about a minute and 200 MB.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []
        self._head: list[bool] = []
        self._alone: list[bool] = []
        self._stream = array("i")  # texts, parted by `BOUNDARY`
        self._known: dict[tuple[str, str], int] = {}

    def add(self, words: Sequence[Word]) -> None:
        """Take in one tagged text."""
        ids = [self._number(word) for word in words]
        if ids:
            self._stream.extend((*ids, BOUNDARY))

    def take_in(self, later: "PhraseMiner") -> None:
        """Take in the texts that another miner took in, as if they had been added here, in the same order."""
        if not later._stream:
            return
        numbers = np.full(len(later._texts) + 1, BOUNDARY, dtype=np.intc)  # the last place is that of `BOUNDARY`
        for (text, word_class), number in later._known.items():
            numbers[number] = self._number(Word(text, word_class, 0))
        self._stream.frombytes(numbers[np.frombuffer(later._stream, dtype=np.intc)].tobytes())

    def _number(self, word: Word) -> int:
        """Return the number of a word with its part of speech, `BOUNDARY` for one that is in no phrase."""
        key = (word.text, word.tag)
        number = self._known.get(key)
        if number is None:
            number = BOUNDARY
            if is_inside(word):
                number = len(self._texts)
                self._texts.append(word.text.lower())
                self._head.append(is_head(word))
                self._alone.append(is_term_alone(word))
            self._known[key] = number
        return number

    def mine(self, *, support: int = 3) -> list[MinedTerm]:
        """Return all candidate terms: words that occur at all, phrases that occur at least `support` times."""
        if not self._stream:
            return []
        stream = np.frombuffer(self._stream, dtype=np.intc)
        head = np.array(self._head, dtype=np.bool_)
        grams = _count_grams(stream, max(1, len(self._texts)), support)
        merged: dict[str, list[float]] = {}
        for words, level in enumerate(grams, start=1):
            last = level.words[:, -1]
            for gram in np.flatnonzero(head[last]):
                ids = level.words[gram]
                if words == 1 and not self._alone[ids[0]]:
                    continue
                text = "".join(self._texts[number] for number in ids)
                if len(text) < 2:
                    continue
                count = int(level.counts[gram])
                value = (count - float(level.nested[gram])) * float(np.log2(words + 1))
                row = merged.setdefault(text, [words, 0, 0.0, -1.0])
                row[1] += count
                row[2] += value
                row[3] = max(row[3], float(level.cohesion[gram]))
        return [MinedTerm(text, int(row[0]), int(row[1]), row[2], row[3]) for text, row in merged.items()]


@dataclass(frozen=True)
class _Level:
    """Frequent n-grams of one length: words (g, n), counts (g,), mean count inside longer ones, cohesion (g,)."""

    words: NDArray[np.int32]
    counts: NDArray[np.int64]
    nested: NDArray[np.float64]
    cohesion: NDArray[np.float64]


def _count_grams(stream: NDArray[np.int32], size: int, support: int) -> list[_Level]:
    """Count n-grams level by level; a longer one can only be frequent if both its parts are."""
    total = float(np.count_nonzero(stream >= 0)) or 1.0
    # at[i]: number of the frequent gram of the current length that starts at place i, or -1
    at = stream.astype(np.int64)
    counts = np.bincount(stream[stream >= 0], minlength=size).astype(np.int64)
    levels = [_Level(np.arange(size, dtype=np.int32)[:, None], counts, np.zeros(size), np.ones(size))]
    for n in range(2, MAX_WORDS + 1):
        width = len(stream) - n + 1
        if width <= 0:
            break
        left, right = at[:width], at[1 : width + 1]
        valid = (left >= 0) & (right >= 0)
        previous = levels[-1]
        base = len(previous.counts)
        keys = left[valid] * base + right[valid]
        if not len(keys):
            break
        unique, inverse, found = np.unique(keys, return_inverse=True, return_counts=True)
        frequent = found >= support
        number = np.where(frequent, np.cumsum(frequent) - 1, -1)
        at = np.full(width, -1, dtype=np.int64)
        at[valid] = number[inverse]
        if not frequent.any():
            break
        kept, kept_counts = unique[frequent], found[frequent].astype(np.int64)
        first, second = kept // base, kept % base
        words = np.concatenate([previous.words[first], previous.words[second][:, -1:]], axis=1)
        joint = kept_counts / total
        parts = [(previous.counts[first], counts[words[:, -1]]), (counts[words[:, 0]], previous.counts[second])]
        weakest = np.full(len(kept), np.inf)
        for one, other in parts:
            pmi = np.log(joint / ((one / total) * (other / total)))
            weakest = np.minimum(weakest, pmi / -np.log(joint.clip(max=0.999999)))
        levels.append(_Level(words, kept_counts, np.zeros(len(kept)), weakest))
        inside = np.bincount(first, weights=kept_counts, minlength=base)
        inside += np.bincount(second, weights=kept_counts, minlength=base)
        kinds = np.bincount(first, minlength=base) + np.bincount(second, minlength=base)
        previous.nested[:] = inside / np.maximum(kinds, 1)
    return levels


def choose_terms(
    candidates: Iterable[MinedTerm], *, limit: int, min_c_value: float = 2.0, min_cohesion: float = 0.05
) -> list[MinedTerm]:
    """Return the best `limit` candidates: words by count, phrases that occur by themselves and hold together."""
    kept = [
        term
        for term in candidates
        if term.words == 1 or (term.c_value >= min_c_value and term.cohesion >= min_cohesion)
    ]
    kept.sort(key=lambda term: (-term.count if term.words == 1 else -term.c_value, term.text))
    return kept[:limit]
