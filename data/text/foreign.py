"""Demands in English, read through a small bilingual lexicon of technical terms."""

import re
from functools import lru_cache
from pathlib import Path

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9'+-]*|\d[\d.,]*\s?[%A-Za-z/°℃]*")
_LEAST_LETTERS = 8  # fewer are a symbol or a model's name, not a sentence
_LEAST_UNDERSTOOD = 0.4  # share of a text's content words that the lexicon must know
_LONGEST = 5  # words of an entry
_GRAMMAR = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "for",
        "in",
        "on",
        "at",
        "to",
        "by",
        "with",
        "from",
        "and",
        "or",
        "into",
        "is",
        "are",
        "be",
        "we",
        "our",
        "need",
        "needs",
        "needed",
        "want",
        "wants",
        "require",
        "requires",
        "required",
        "looking",
        "seeking",
        "search",
        "technology",
        "technologies",
        "technique",
        "method",
        "methods",
        "solution",
        "solutions",
        "new",
        "using",
        "use",
        "used",
        "based",
        "which",
        "that",
        "this",
        "it",
        "its",
        "can",
        "must",
        "should",
        "would",
        "like",
        "please",
        "help",
        "find",
        "any",
        "some",
        "under",
        "over",
        "via",
        "as",
        "than",
        "not",
        "no",
        "more",
        "less",
        "high-performance",
        "etc",
        "such",
    ]
)


def is_foreign(text: str) -> bool:
    """Tell whether a text is a sentence in Latin script without any Chinese."""
    return _CHINESE.search(text) is None and sum(char.isascii() and char.isalpha() for char in text) >= _LEAST_LETTERS


def in_chinese(text: str) -> str:
    """Return a text in Latin script as Chinese terms, what the lexicon does not know left out; any other text as it is.

    A text of which too little is known stays as it is, see `is_understood`.
    """
    if not is_foreign(text) or not is_understood(text):
        return text
    return " ".join(term for term, _ in _translated(text) if term)


def is_understood(text: str) -> bool:
    """Tell whether the lexicon knows enough of a foreign text to match by it; Chinese texts are always understood."""
    if not is_foreign(text):
        return True
    counted = [(bool(term), words) for term, words in _translated(text) if words]
    total = sum(words for _, words in counted)
    known = sum(words for found, words in counted if found)
    return known > 0 and known >= _LEAST_UNDERSTOOD * total


@lru_cache(maxsize=256)
def _translated(text: str) -> tuple[tuple[str, int], ...]:
    """Return (Chinese term or "", number of content words it represents) of a text's words, longest entries first."""
    lexicon = load_lexicon()
    tokens = [_singular(token.lower()) for token in _WORD.findall(text)]
    found: list[tuple[str, int]] = []
    at = 0
    while at < len(tokens):
        for size in range(min(_LONGEST, len(tokens) - at), 0, -1):
            term = lexicon.get(" ".join(tokens[at : at + size]))
            if term is None and size == 1 and "-" in tokens[at]:
                term = lexicon.get(tokens[at].replace("-", " "))
            if term is not None:
                found.append((term, size))
                at += size
                break
        else:
            token = tokens[at]
            if token[0].isdigit():
                found.append((token, 0))
            elif token not in _GRAMMAR:
                found.append(("", 1))
            at += 1
    return tuple(found)


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ous")):
        return word[:-1]
    return word


@lru_cache(maxsize=1)
def load_lexicon() -> dict[str, str]:
    """Return the lexicon: an English term in lower case, words in the singular, to the Chinese term."""
    lexicon: dict[str, str] = {}
    for line in Path(__file__).with_name("english_terms.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            for entry in line.split(";"):
                english, _, chinese = entry.partition("=")
                if chinese.strip():
                    lexicon[" ".join(map(_singular, english.lower().split()))] = chinese.strip()
    return lexicon
