"""Candidate phrases: runs of words that can name a technical thing, by their parts of speech."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources

from knowledge_graph.terms.tagging import Word

MAX_WORDS = 6
"""Words of the longest phrase."""

# Nouns, verbal nouns, verbs, adjectives, distinguishing words, abbreviations, idioms, Latin, quantities as in 二维.
_INSIDE = re.compile(r"^(?:n|v|a|b|j|l|i|eng|s|f|g|k|h|m|q|z|t)")
_HEAD = re.compile(r"^(?:n|vn|v|an|a|j|l|i|eng|g|k|s)")
_NEVER = re.compile(r"^(?:vd|ad|nrt?|mq|vshi|vyou)$")
_NUMBER = re.compile(r"^[\d.,%％+\-~/]+$|^[0-9.]+[A-Za-zμ°℃Ω%]*$")
_LETTERS = re.compile(r"[A-Za-zΑ-Ωα-ω]")
_CHINESE = re.compile("[\u3400-\u9fff]")
_NUMERAL_MODIFIER = re.compile("^[一二三四五六七八九十两双单多][维元相阶级次轴体层段频通极步重自点向]$|^多")


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    """Return the words that are in no term: verbs of presentation, connectives, words of the trade's paperwork."""
    return _word_list("stop_words.txt")


@lru_cache(maxsize=1)
def general_words() -> frozenset[str]:
    """Return the words that are no term alone but may be part of one, such as 技术 or 系统."""
    return _word_list("general_words.txt")


def _word_list(name: str) -> frozenset[str]:
    text = (resources.files("knowledge_graph") / "lexicon" / name).read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def is_inside(word: Word) -> bool:
    """Tell whether a word may be anywhere in a phrase."""
    text, kind, _ = word
    if kind == "x" or text in stop_words():
        return False
    if kind[0] == "m" or kind == "q":
        return bool(_NUMERAL_MODIFIER.match(text))
    return bool(_INSIDE.match(kind)) and not _NUMBER.match(text) and kind not in {"vshi", "vyou"}


def is_head(word: Word) -> bool:
    """Tell whether a word may end a phrase."""
    return bool(_HEAD.match(word.tag)) and is_inside(word) and word.tag[0] != "m"


def is_term_alone(word: Word) -> bool:
    """Tell whether a single word may be a term: two characters or more, of some substance."""
    text = word.text
    if not is_head(word) or text in general_words():
        return False
    if _CHINESE.search(text):
        return len(text) >= 2
    return len(text) >= 2 and bool(_LETTERS.search(text))


def runs(words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of the maximal runs of words that may be in a phrase."""
    first = -1
    for index, word in enumerate(words):
        if is_inside(word):
            if first < 0:
                first = index
        elif first >= 0:
            yield first, index
            first = -1
    if first >= 0:
        yield first, len(words)
