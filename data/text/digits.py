"""Separators of thousands in written numbers: 1,200 and 1 200 are clear, 1,5 is not."""

import re

_SEPARATOR = re.compile(r"[,， ]")
_CLEAR = re.compile(r"[+\-]?\d{1,3}(?:[,， ] ?\d{3})+(?:\.\d+)?(?:e[+\-]?\d+)?", re.IGNORECASE)


class SeparatorError(ValueError):
    """A number's separator parts no thousands: it may be a decimal comma, or a list. The message is Chinese."""


def without_separators(text: str) -> str:
    """Return a written number without its separators of thousands; a text that has none comes back as it is.

    Raises:
        SeparatorError: what follows a separator is no group of three digits (1,5 is 1.5 to some and 15 to nobody).

    """
    kept = text.strip(" ,，")
    if not _SEPARATOR.search(kept):
        return kept
    if not _CLEAR.fullmatch(kept):
        raise SeparatorError("逗号或空格之后不是三位数字，分不清是千分位还是小数点")
    return _SEPARATOR.sub("", kept)
