"""The vocabulary of terms and how a text is read with it: which terms it holds, and how much each weighs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.terms.phrases import MAX_WORDS
from knowledge_graph.terms.tagging import Word

NESTED = 0.5
"""Weight of an occurrence inside a longer term (电池 in 锂离子电池)."""


@dataclass(frozen=True)
class Vocabulary:
    """Terms by number, lower case.

    `numbers` tells a term's number, `lookup` also what begins one.

    `idf` float32 (V,): log((N + 1) / (df + 0.5)), `kinds` int8 (V,): `TermType` of each, `df` int32 (V,): records that
    hold it at build time.
    """

    terms: Sequence[str]
    df: NDArray[np.int32]
    idf: NDArray[np.float32]
    kinds: NDArray[np.int8]
    numbers: Mapping[str, int]
    lookup: Mapping[str, int]

    def __post_init__(self) -> None:
        for array in (self.df, self.idf, self.kinds):  # read-only, as mapped files are: one compiled kernel
            array.flags.writeable = False

    @classmethod
    def of(
        cls, terms: Sequence[str], df: NDArray[np.integer], kinds: NDArray[np.integer], records: int
    ) -> "Vocabulary":
        """Return the vocabulary of terms with document frequencies `df` among `records` records."""
        idf = np.log((records + 1) / (df + 0.5)).clip(min=0.1)
        return cls(
            tuple(terms),
            df.astype(np.int32),
            idf.astype(np.float32),
            kinds.astype(np.int8),
            {term: number for number, term in enumerate(terms)},
            term_lookup(terms),
        )

    def __len__(self) -> int:
        return len(self.terms)

    def occurrences(self, words: Sequence[Word]) -> list[tuple[int, int, int, bool]]:
        """Return (term, first word, end, nested) of every term in a tagged text; nested inside a longer one."""
        return occurrences(words, self.lookup)

    def weigh(self, terms: NDArray[np.int32], counts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the weights (m,) of terms by their counts (m,): saturated counts times idf, of length 1."""
        weights = counts / (counts + 1.0) * self.idf[terms]
        length = float(np.sqrt(np.dot(weights, weights)))
        return (weights / length if length else weights).astype(np.float32)


PREFIX = -1


def term_lookup(terms: Iterable[str]) -> dict[str, int]:
    """Return the number of each term, and `PREFIX` for every beginning of one that is no term itself."""
    lookup = {term: number for number, term in enumerate(terms)}
    for term in list(lookup):
        for end in range(len(term) - 1, 0, -1):
            if lookup.setdefault(term[:end], PREFIX) == PREFIX and end > 1 and term[: end - 1] in lookup:
                break
    return lookup


def occurrences(words: Sequence[Word], lookup: Mapping[str, int]) -> list[tuple[int, int, int, bool]]:
    """Return (number, first word, end, nested) for every run of up to `MAX_WORDS` words that `lookup` knows.

    `lookup` is what `term_lookup` returns.
    """
    texts = [word.text.lower() for word in words]
    found: list[tuple[int, int, int, bool]] = []
    covered = 0
    get = lookup.get
    for first, start in enumerate(texts):
        number = get(start)
        if number is None or words[first].tag == "x":
            continue
        here = [] if number < 0 else [(number, first + 1)]
        joined, end = start, first + 1
        last = min(first + MAX_WORDS, len(texts))
        while end < last:
            joined += texts[end]
            end += 1
            number = get(joined)
            if number is None:
                break
            if number >= 0:
                here.append((number, end))
        for number, end in reversed(here):
            found.append((number, first, end, end <= covered))
            covered = max(covered, end)
    return found
