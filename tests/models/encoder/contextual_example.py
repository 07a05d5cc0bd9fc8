"""A tiny contextual encoder with random weights, for tests that need the real runtime and no meaning."""

import torch
from tokenizers import Tokenizer

from models.encoder.contextual import PREFIX, ContextualEncoder
from training.encoder.contextual.build import packed
from training.encoder.contextual.student import MAX_TOKENS, Student
from training.encoder.contextual.teacher import build_tokenizer

WORDS = ("污泥", "干化", "设备", "低温", "锂离子", "电池", "正极", "材料", "的", "处理", "gan", "功率", "器件")


def tiny_tokenizer() -> Tokenizer:
    """Return a tokenizer that knows the words, their characters and the prefix's."""
    characters = sorted({*"".join(WORDS), *PREFIX.strip(), "▁"} - {" "})
    special = [(piece, 0.0) for piece in ("<s>", "<pad>", "</s>", "<unk>")]
    words = [(word, -2.0) for word in WORDS if len(word) > 1]
    return build_tokenizer([*special, *words, *((character, -3.0) for character in characters)], max_tokens=MAX_TOKENS)


def tiny_student(*, seed: int = 0, layers: int = 2) -> Student:
    """Return an untrained student of 32 dimensions whose positions are random too."""
    torch.manual_seed(seed)
    student = Student(tiny_tokenizer().get_vocab_size(), 32, 4, 24, 1e-12, layers)
    torch.nn.init.normal_(student.places, std=0.3)
    return student.eval()


def tiny_contextual(*, seed: int = 0) -> ContextualEncoder:
    """Return the student as it would ship."""
    return packed(tiny_student(seed=seed), tiny_tokenizer())
