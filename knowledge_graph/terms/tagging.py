"""Words with their parts of speech: the first look at a text, for phrases and for the terms of a record."""

import re
from functools import lru_cache
from typing import NamedTuple

import rjieba

MAX_CHARS = 8_000
"""Characters of a text that are read; what comes later repeats more than it adds."""

_CHINESE_RUN = re.compile("[\u3400-\u9fff]+")
_ALPHANUMERIC = re.compile(r"[A-Za-zΑ-Ωα-ω0-9]")


class Word(NamedTuple):
    """A word, its part of speech in jieba's notation ("x" for punctuation), and its first character's place."""

    text: str
    tag: str
    start: int


@lru_cache(maxsize=1)
def _tagger() -> rjieba.Jieba:
    """Return a tagger of our own: words added to the shared one must not shift the boundaries of stored terms."""
    return rjieba.Jieba()


def tag(text: str) -> list[Word]:
    """Return the words of normalised `text` in order.

    In a title whose words were cut apart (`锂离子 电池 电压 材料`) the gaps are left out, so that phrases span them;
    elsewhere a gap is a word of tag "x", for there it parts phrases.
    """
    text = text[:MAX_CHARS]
    cut_apart = is_cut_apart(text)
    words, start = [], 0
    for word, word_class in _tagger().tag(text):
        kind, place, start = word_class, start, start + len(word)
        if kind == "x":
            if cut_apart and word.isspace():
                continue
            if _CHINESE_RUN.search(word):
                kind = "n"  # an unknown Chinese word is a name of something
            elif _ALPHANUMERIC.search(word):
                kind = "eng"
        words.append(Word(word, kind, place))
    return words


def is_cut_apart(text: str) -> bool:
    """Tell whether `text` is a title whose words are separated, as some exports have them."""
    if " " not in text or len(text) > 200:
        return False
    runs = _CHINESE_RUN.findall(text)
    return len(runs) > 1 and sum(map(len, runs)) <= 4.2 * len(runs)
