"""The encoder's tokenizer: a Unigram model over jieba's dictionary, so that it segments as jieba does, in Rust.

jieba without its HMM takes the segmentation with the highest product of word frequencies; a Unigram model with the
same log frequencies as scores does the same. Words that are left out for size are split into the words that are left.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jieba
import rjieba
from tokenizers import Tokenizer, decoders, models, normalizers

from models.encoder.static import fold

UNKNOWN = "[UNK]"
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_LATIN = re.compile(r"[a-z][a-z0-9]+")
# Every character of the blocks "CJK Unified Ideographs" and "Extension A" is a piece: none is unknown.
_HAN_BLOCKS = (range(0x4E00, 0xA000), range(0x3400, 0x4DC0))
_ASCII = "abcdefghijklmnopqrstuvwxyz0123456789"
_GREEK = "αβγδεζηθικλμνξοπρστυφχψω"


@dataclass(frozen=True)
class Piece:
    """An entry of the vocabulary: its text and the natural logarithm of its probability."""

    text: str
    score: float


def jieba_dictionary() -> tuple[dict[str, int], int]:
    """Return jieba's words with their frequencies (prefixes with frequency 0 left out), and the sum of all."""
    tokenizer = jieba.Tokenizer()
    with tokenizer.get_dict_file() as file:
        entries = (line.split() for line in file.read().decode("utf-8").splitlines())
        frequencies = {entry[0]: int(entry[1]) for entry in entries}
    return frequencies, sum(frequencies.values())


def document_frequencies(texts: Iterable[str]) -> Counter[str]:
    """Count in how many of `texts` (folded) each word occurs, segmented by jieba without HMM."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(rjieba.cut(text, False)))
    return counts


def choose_pieces(counts: Counter[str], keywords: Iterable[str], size: int) -> list[Piece]:
    """Choose at most `size` pieces that are worth a vector of their own, with their scores.

    In this order: jieba's words (single characters too) that occur in the training texts; Latin words that occur in at
    least 3 of them; short Chinese keywords (3 or 4 characters, named by at least 2 papers) that jieba does not know;
    jieba's other words by their frequency.
    """
    frequencies, total = jieba_dictionary()
    log_total = math.log(total)
    scores: dict[str, float] = {}
    for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if word in frequencies and _HAN.fullmatch(word):
            scores[word] = math.log(max(frequencies[word], 1)) - log_total
        elif count >= 3 and _LATIN.fullmatch(word):
            scores[word] = math.log(count) - log_total
    for word, count in sorted(Counter(map(fold, keywords)).items(), key=lambda item: (-item[1], item[0])):
        if count >= 2 and 3 <= len(word) <= 4 and word not in scores and _HAN.fullmatch(word):
            scores[word] = _score_of_new_word(word, frequencies, total)
    for word in sorted(frequencies, key=lambda word: (-frequencies[word], word)):
        if len(word) <= 5 and word not in scores and frequencies[word] and _HAN.fullmatch(word):
            scores[word] = math.log(frequencies[word]) - log_total
    # Scores to 4 decimals: the order of two segmentations never hangs on less, and the file is a third smaller.
    return [Piece(text, round(score, 4)) for text, score in list(scores.items())[:size]]


def remaining_characters(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the Chinese characters, letters and digits that are no piece yet, so that none is unknown."""
    frequencies, total = jieba_dictionary()
    known = {piece.text for piece in pieces}
    characters = (*_ASCII, *_GREEK, *(chr(code) for block in _HAN_BLOCKS for code in block))
    return [
        Piece(char, round(math.log(max(frequencies.get(char, 1), 1) / total), 4))
        for char in characters
        if char not in known
    ]


def _score_of_new_word(word: str, frequencies: dict[str, int], total: int) -> float:
    """Return the least score with which `word` wins over its best split, as `jieba.suggest_freq` chooses it."""
    best = [0.0] + [-math.inf] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(end):
            frequency = frequencies.get(word[start:end], 1 if end - start == 1 else 0)
            if frequency:
                best[end] = max(best[end], best[start] + math.log(frequency) - math.log(total))
    return best[-1] + 0.01


def build_tokenizer(pieces: Sequence[Piece]) -> Tokenizer:
    """Return the tokenizer over `pieces`; id 0 is the unknown token, then the pieces in their order.

    It folds as `models.static_encoder.fold` does. White space and punctuation are unknown, and carry no meaning.
    """
    vocabulary = [(UNKNOWN, 0.0), *((piece.text, piece.score) for piece in pieces)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.decoder = decoders.Fuse()
    return tokenizer
