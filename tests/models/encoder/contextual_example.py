"""A tiny contextual encoder with random weights, for tests that need the real runtime and no meaning."""

import torch

from models.encoder.contextual import ContextualEncoder
from training.encoder.contextual.build import packed
from training.encoder.contextual.student import Student, StudentSize
from training.encoder.contextual.words import Words, make_words
from training.encoder.vocabulary import Piece

WORDS = ("污泥", "干化", "设备", "低温", "锂离子", "电池", "正极", "材料", "的", "处理", "gan", "功率", "器件")


def tiny_words() -> Words:
    """Return a vocabulary of a few words."""
    return make_words([Piece(word, -float(3 + i % 4)) for i, word in enumerate(WORDS)])


def tiny_student(words: Words, *, seed: int = 0, layers: int = 2) -> Student:
    """Return an untrained student of 32 dimensions whose positions and head are random too."""
    torch.manual_seed(seed)
    student = Student(words.rows, 32, 4, 1e-12, StudentSize(layers=layers, inner=24))
    torch.nn.init.normal_(student.places, std=0.3)
    return student.eval()


def tiny_contextual(*, seed: int = 0) -> ContextualEncoder:
    """Return the student as it would ship."""
    words = tiny_words()
    return packed(tiny_student(words, seed=seed), words)
