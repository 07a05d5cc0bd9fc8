"""Expertise from outputs: how near the best of what somebody wrote, made or closed is to a text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from data.text.normalise import normalise
from data.text.segment import content_words

BEST = 5  # outputs of an expert that count: one alone may be a chance, all of them blur what somebody does beside
LEAST_TEXTS = 2  # outputs that must hold a word: what a single one says tells nothing of another text
CACHED = 50_000
# Endings of English words that say nothing of the subject, the longer first, and letters that must be left.
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s", "ly", "al")
_LEAST_STEM = 4


@dataclass(frozen=True)
class Expertise:
    """Outputs of experts as tf-idf vectors of unit length: row `i` is an output of the expert `owners[i]`.

    `weights` are the inverse document frequencies of `columns`, words by number.
    """

    experts: tuple[str, ...]
    owners: NDArray[np.int64]
    rows: csr_array
    columns: Mapping[str, int]
    weights: NDArray[np.float64]

    @classmethod
    def fit(cls, outputs: Mapping[str, Sequence[str]]) -> Self:
        """Read the outputs of experts by id; one without outputs has no expertise that could be derived."""
        experts = tuple(outputs)
        texts = [stems(text) for expert in experts for text in outputs[expert]]
        owners = np.repeat(np.arange(len(experts)), [len(outputs[expert]) for expert in experts])
        counts = Counter(word for words in texts for word in set(words))
        columns = {word: i for i, word in enumerate(sorted(w for w, n in counts.items() if n >= LEAST_TEXTS))}
        frequencies = np.array([counts[word] for word in columns], dtype=np.float64)
        weights = np.log((1 + len(texts)) / (1 + frequencies)) + 1
        return cls(experts, owners.astype(np.int64), _vectors(texts, columns, weights), columns, weights)

    def scores(self, text: str) -> dict[str, float]:
        """Return each expert's expertise for a text: the mean cosine of the `BEST` nearest outputs, in [0, 1]."""
        cosines = self._cosines(text)
        found = {}
        for number, expert in enumerate(self.experts):
            own = np.sort(cosines[self.owners == number])[::-1][:BEST]
            found[expert] = float(own.mean()) if len(own) else 0.0
        return found

    def nearest(self, text: str) -> dict[str, int]:
        """Return the number of each expert's output that is nearest to a text, of those that share a word with it."""
        cosines = self._cosines(text)
        found = {}
        for number, expert in enumerate(self.experts):
            own = cosines[self.owners == number]
            if len(own) and own.max() > 0:
                found[expert] = int(own.argmax())
        return found

    def _cosines(self, text: str) -> NDArray[np.float64]:
        vector = _vectors([stems(text)], self.columns, self.weights)
        return np.asarray((self.rows @ vector.T).toarray().ravel(), dtype=np.float64)


@lru_cache(maxsize=CACHED)
def stems(text: str) -> tuple[str, ...]:
    """Return the content words of a text, English ones without their endings."""
    return tuple(_stem(word) for word in content_words(normalise(text)))


def _stem(word: str) -> str:
    if word.isascii():
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
                return word.removesuffix(ending)
    return word


def _vectors(texts: Sequence[Sequence[str]], columns: Mapping[str, int], weights: NDArray[np.float64]) -> csr_array:
    """Return (n, words) tf-idf vectors with logarithmic term frequencies, of unit length."""
    data: list[float] = []
    indices: list[int] = []
    ends = [0]
    for words in texts:
        counts = Counter(columns[word] for word in words if word in columns)
        values = np.array([(1 + np.log(n)) * weights[column] for column, n in counts.items()])
        length = float(np.sqrt((values**2).sum())) if len(values) else 1.0
        data += (values / length).tolist()
        indices += counts.keys()
        ends.append(len(indices))
    return csr_array((data, indices, ends), shape=(len(texts), len(columns)))


def outputs_of(text: str) -> list[str]:
    """Return the outputs that a record lists: a line each, or parts that semicolons divide."""
    lines = [part.strip() for line in text.splitlines() for part in line.replace(";", "；").split("；")]
    return [line for line in lines if line]
