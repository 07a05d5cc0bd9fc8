"""How common a word is in general Chinese: what everybody says tells little about a technology."""

from functools import lru_cache
from importlib import resources

COMMON = 1_000
"""Occurrences in jieba's dictionary counts from which on a word is thought less and less telling."""
VERY_COMMON = 5_000
"""From here on a word is no technical term by itself."""


@lru_cache(maxsize=1)
def _counts() -> dict[str, int]:
    """Return the general counts that jieba's dictionary carries; read once, only when a graph is built."""
    text = (resources.files("jieba") / "dict.txt").read_text(encoding="utf-8")
    rows = (line.split(" ") for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if int(row[1]) > COMMON}


def specificity(term: str) -> float:
    """Return in (0, 1] what share of its weight a term keeps: 1 up to `COMMON`, then falling with the square root."""
    return float(min(1.0, (COMMON / _counts().get(term, COMMON)) ** 0.5))


def is_everyday(term: str) -> bool:
    """Tell whether a term is an everyday word."""
    return _counts().get(term, 0) >= VERY_COMMON
