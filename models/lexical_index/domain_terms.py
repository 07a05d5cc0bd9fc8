"""Domain terms as words of their own: beside the words they are made of, and beside the words they occur in.

Segmenters cut a technical text by a general dictionary. A domain's compound (磷酸 铁锂 电池) becomes three words that
are common each by itself, while another text's word (动力电池组) hides the term that both are about (动力电池). So terms
are added to the words of texts and of queries; no word is taken away, since whoever writes the part finds it as before.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Self

from data.columns.strings import StringIndex

MAX_WORDS = 6  # words that a compound is looked for in
REMEMBERED = 1 << 16  # words whose terms are kept: texts repeat their words
_BEGINNING = 3  # characters by which most runs of words are found to begin no term
_TERMS, _BEGINNINGS = "domain_terms", "domain_beginnings"
SHORTEST_HOST = 3  # characters of a word that may hide a term


class DomainTerms:
    """A set of terms, lower case, of two characters or more. Immutable; safe to use from any number of threads."""

    def __init__(self, terms: Iterable[str] = ()) -> None:
        known = frozenset(term for term in terms if len(term) > 1)
        self._take(known, frozenset(term[:_BEGINNING] for term in known), max(map(len, known), default=0))

    def _take(self, terms: Collection[str], beginnings: Collection[str], longest: int) -> None:
        self._terms = terms
        self._beginnings = beginnings
        self._longest = longest
        # no method: the terms would hold themselves, and be freed late
        self._parts = lru_cache(maxsize=REMEMBERED)(partial(_find_parts, terms, longest))

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self._terms)

    def added_to(self, words: Sequence[str]) -> Sequence[str]:
        """Return the segmented `words`, lower case, followed by the terms that runs of them make or that they hold.

        A term is added as often as it occurs. Terms are looked for in the compounds too, across the words' boundaries.
        """
        if not self._terms:
            return words
        compounds = self._compounds(words)
        return [*words, *compounds, *(part for word in (*words, *compounds) for part in self._parts(word))]

    def _compounds(self, words: Sequence[str]) -> list[str]:
        """Return the terms that two to `MAX_WORDS` words in a row make."""
        found = []
        for first, word in enumerate(words):
            joined = word
            for following in words[first + 1 : first + MAX_WORDS]:
                joined += following
                length = len(joined)
                if length > self._longest or (length >= _BEGINNING and joined[:_BEGINNING] not in self._beginnings):
                    break
                if joined in self._terms:
                    found.append(joined)
        return found

    def save(self, directory: Path) -> None:
        """Write the terms and their beginnings as tries into `directory`, which exists; both numbered by length."""
        for name, strings in ((_TERMS, self._terms), (_BEGINNINGS, self._beginnings)):
            StringIndex.of({text: len(text) for text in sorted(strings)}).save(directory / name)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote, mapped into memory."""
        terms = cls()
        known = StringIndex.load(directory / _TERMS)
        # Nearly every look-up is for a beginning: a set in memory is several times quicker than a trie.
        terms._take(known, frozenset(StringIndex.load(directory / _BEGINNINGS)), known.largest)
        return terms


def _find_parts(terms: Collection[str], longest: int, word: str) -> tuple[str, ...]:
    """Return the terms inside a word, itself aside; Latin words and numbers are whole."""
    length = len(word)
    if length < SHORTEST_HOST or word.isascii():
        return ()
    return tuple(
        part
        for size in range(2, min(length, longest + 1))
        for start in range(length - size + 1)
        if (part := word[start : start + size]) in terms
    )
