"""The student's pieces: those of the teacher that Chinese technical texts need, and the texts read by them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.encoder.contextual import PREFIX
from training.encoder.contextual.targets import Targets, bounds_of
from training.encoder.contextual.teacher import SPECIAL


@dataclass(frozen=True)
class Examples:
    """n texts of w pieces in all, as the student reads them, beside what the teacher makes of them.

    `rows` (w,) int32 are rows of the student's table, `bounds` (n + 1,) where each text's begin. `states` (w, 384)
    float16 are the teacher's last states; where the text falls into other pieces than the teacher's, `told` (w,) is
    False and they are zeros. `vectors` (n, 384) float32 are of length 1.
    """

    rows: NDArray[np.int32]
    bounds: NDArray[np.int64]
    states: NDArray[np.float16]
    aligned: NDArray[np.bool_]
    vectors: NDArray[np.float32]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Pieces of each text."""
        return np.diff(self.bounds)


def choose_pieces(
    pieces: Sequence[tuple[str, float]], tokenizer: Tokenizer, texts: Sequence[str], size: int
) -> NDArray[np.int64]:
    """Return, ascending, the rows of the `size` pieces to keep, of the teacher's `pieces`.

    Kept are the special ones, the prefix's, every single character of GB 2312, and the most frequent of the texts.
    """
    kept = {*range(SPECIAL), *tokenizer.encode(PREFIX + "的").ids}
    for row, (piece, _) in enumerate(pieces):
        character = piece.removeprefix("▁")
        if len(character) == 1 and _in_gb2312(character) and (len(piece) == 1 or character.isascii()):
            kept.add(row)
    counts = Counter(row for encoding in tokenizer.encode_batch(list(texts)) for row in encoding.ids)
    for row, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if len(kept) >= size:
            break
        kept.add(row)
    return np.array(sorted(kept), dtype=np.int64)


def _in_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def read_examples(texts: Sequence[str], tokenizer: Tokenizer, kept: NDArray[np.int64], targets: Targets) -> Examples:
    """Return the texts as read by the student's `tokenizer`, whose piece i is the teacher's `kept[i]`."""
    encodings = tokenizer.encode_batch([PREFIX + text for text in texts])
    rows = [np.array(encoding.ids, dtype=np.int32) for encoding in encodings]
    bounds = bounds_of(np.array([len(row) for row in rows], dtype=np.int64))
    states = np.zeros((bounds[-1], targets.states.shape[1]), dtype=np.float16)
    aligned = np.zeros(bounds[-1], dtype=np.bool_)
    for i, row in enumerate(rows):
        theirs = slice(targets.bounds[i], targets.bounds[i + 1])
        if np.array_equal(kept[row], targets.tokens[theirs]):
            states[bounds[i] : bounds[i + 1]] = targets.states[theirs]
            aligned[bounds[i] : bounds[i + 1]] = True
    return Examples(np.concatenate(rows), bounds, states, aligned, targets.vectors)
