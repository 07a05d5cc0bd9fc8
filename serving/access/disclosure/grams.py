"""Runs of six characters: whether a text repeats what is hidden, found by hashes of all its windows at once."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from data.text.normalise import normalise

RUN = 6
"""Characters in a row that count as a quotation."""
Hashes = NDArray[np.uint64]
_BASE = np.uint64(0x9E3779B97F4A7C15)
_BREAK = "\0" * RUN
NONE: Hashes = np.zeros(0, dtype=np.uint64)


def windows(text: str) -> Hashes:
    """Return (n - 5,) hashes of the runs of `RUN` characters of a text, letter case ignored; equal runs hash equal."""
    lowered = text.lower()
    codes = np.frombuffer((lowered if len(lowered) == len(text) else text).encode("utf-32-le", "replace"), np.uint32)
    if len(codes) < RUN:
        return NONE
    wide = codes.astype(np.uint64)
    number = len(wide) - RUN + 1
    hashes = np.zeros(number, dtype=np.uint64)
    for place in range(RUN):
        hashes = hashes * _BASE + wide[place : place + number]
    return hashes ^ (hashes >> np.uint64(29))


def distinct(texts: Iterable[str]) -> Hashes:
    """Return the sorted distinct hashes of all runs of some texts, as written and normalised."""
    parts = [windows(spelling) for text in texts if text for spelling in {text, normalise(text)}]
    return np.unique(np.concatenate(parts)) if parts else NONE


class HiddenRuns:
    """The runs of all hidden texts, each with the number of records that hide it."""

    def __init__(self, of_records: Sequence[Hashes]) -> None:
        joined = np.concatenate(of_records) if of_records else NONE
        self._hashes, self._records = np.unique(joined, return_counts=True)

    def __len__(self) -> int:
        return len(self._hashes)

    def marks(self, texts: Sequence[str], revealed: Hashes, own: Hashes) -> list[NDArray[np.bool_] | None]:
        """Return for each text a mask of its characters that lie in a hidden run, None where none does.

        `revealed` are the hashes, sorted and one for each record, of what the caller was granted; a run that another
        record hides too stays hidden. `own` are the runs that the caller sent: to repeat them discloses nothing.
        """
        if not len(self._hashes) or not texts:
            return [None] * len(texts)
        joined = _BREAK.join(texts)
        hashes = windows(joined)
        places = np.searchsorted(self._hashes, hashes)
        places[places == len(self._hashes)] = 0
        hidden = self._hashes[places] == hashes
        if hidden.any():
            found = np.flatnonzero(hidden)
            granted = np.searchsorted(revealed, hashes[found], "right") - np.searchsorted(revealed, hashes[found])
            still = self._records[places[found]] > granted
            if len(own):
                still &= ~np.isin(hashes[found], own)
            hidden[found[~still]] = False
        if not hidden.any():
            return [None] * len(texts)
        whole = np.zeros(len(joined), dtype=np.bool_)
        for start in np.flatnonzero(hidden).tolist():
            whole[start : start + RUN] = True
        masks: list[NDArray[np.bool_] | None] = []
        begin = 0
        for text in texts:
            mask = whole[begin : begin + len(text)]
            masks.append(mask if mask.any() else None)
            begin += len(text) + RUN
        return masks


def without_runs(text: str, mask: NDArray[np.bool_], instead: str) -> str:
    """Return a text with each run of marked characters replaced by `instead`."""
    kept: list[str] = []
    for character, hidden in zip(text, mask.tolist(), strict=True):
        if not hidden:
            kept.append(character)
        elif not kept or kept[-1] is not instead:
            kept.append(instead)
    return "".join(kept)
