"""The contextual encoder: what it computes, that a text's vector is its own, and that a damaged one is refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from data.errors import EncoderError
from models.encoder.base import load_encoder
from models.encoder.contextual import MODEL, PREFIX, TOKENIZER, ContextualEncoder
from models.encoder.directory import CONTEXTUAL_FILE
from models.encoder.record_vectors import RecordVectors
from models.encoder.vector_cache import CachedEncoder
from tests.models.encoder.contextual_example import tiny_contextual, tiny_student, tiny_tokenizer
from training.encoder.contextual.student import MAX_TOKENS

TEXTS = ["低温污泥干化设备", "锂离子电池正极材料的处理", "GaN 功率器件", "污泥" * 40, "镇", "", " ,。!"]


@pytest.fixture(scope="module")
def encoder() -> ContextualEncoder:
    return tiny_contextual()


@pytest.fixture
def saved(encoder: ContextualEncoder, tmp_path: Path) -> Path:
    encoder.save(tmp_path / "model")
    return tmp_path / "model"


def test_it_computes_what_the_network_computes(encoder: ContextualEncoder) -> None:
    student, tokenizer = tiny_student(), tiny_tokenizer()
    for text, vector in zip(TEXTS[:5], encoder.encode(TEXTS[:5]), strict=True):
        rows = np.array(tokenizer.encode(PREFIX + text).ids, dtype=np.int64)
        with torch.inference_mode():
            expected = student(torch.from_numpy(rows[None]), torch.ones(1, len(rows), dtype=torch.int64))[1][0].numpy()
        assert expected @ vector > 0.999


def test_a_vector_is_the_same_to_the_last_bit_whatever_stands_beside_it(encoder: ContextualEncoder) -> None:
    together = encoder.encode(TEXTS)
    np.testing.assert_array_equal(together, encoder.encode(TEXTS[::-1])[::-1])
    np.testing.assert_array_equal(together, np.vstack([encoder.encode([text]) for text in TEXTS]))


def test_both_kinds_are_read_alike(encoder: ContextualEncoder) -> None:
    np.testing.assert_array_equal(encoder.encode(TEXTS, "query"), encoder.encode(TEXTS, "passage"))


def test_the_order_of_words_counts(encoder: ContextualEncoder) -> None:
    first, second = encoder.encode(["污泥干化设备的电池材料", "电池材料的污泥干化设备"])
    assert first @ second < 0.999


def test_blanks_around_a_text_change_nothing_and_an_empty_one_has_no_vector(encoder: ContextualEncoder) -> None:
    plain, padded, empty = encoder.encode(["低温污泥干化设备", "  低温污泥干化设备\n", " \t"])
    np.testing.assert_array_equal(plain, padded)
    assert not empty.any()


def test_pieces_beyond_the_limit_are_not_read(encoder: ContextualEncoder) -> None:
    whole, longer = encoder.encode(["污泥" * MAX_TOKENS, "污泥" * MAX_TOKENS + "锂离子电池"])
    np.testing.assert_array_equal(whole, longer)
    assert encoder.encode(["污泥" * 20 + "电池"])[0] @ whole < 1 - 1e-6


def test_the_directory_is_loaded_by_its_path(encoder: ContextualEncoder, saved: Path) -> None:
    loaded = load_encoder(str(saved))
    assert loaded.digest == encoder.digest
    np.testing.assert_array_equal(loaded.encode(TEXTS, "query"), encoder.encode(TEXTS))


def test_other_weights_have_another_digest(encoder: ContextualEncoder) -> None:
    assert tiny_contextual(seed=1).digest != encoder.digest


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_file_that_is_not_the_one_of_the_manifest_is_refused(saved: Path, name: str) -> None:
    content = bytearray((saved / name).read_bytes())
    content[len(content) // 2] ^= 1
    (saved / name).write_bytes(content)
    with pytest.raises(EncoderError, match=f"{name}.*digest.*copy the whole directory again"):
        load_encoder(str(saved))


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(EncoderError, match=name):
        load_encoder(str(saved))


def test_a_damaged_manifest_is_refused(saved: Path) -> None:
    stored = json.loads((saved / CONTEXTUAL_FILE).read_text())
    (saved / CONTEXTUAL_FILE).write_text(json.dumps(stored | {"dimension": 0}))
    with pytest.raises(EncoderError, match="cannot be read"):
        load_encoder(str(saved))


def test_prefixes_are_refused(saved: Path) -> None:
    with pytest.raises(EncoderError, match="no query_prefix; remove '需求'"):
        load_encoder(str(saved), query_prefix="需求")


def test_it_runs_without_torch(saved: Path) -> None:
    code = (
        "import sys; from models.encoder.base import load_encoder; "
        f"load_encoder({str(saved)!r}).encode(['低温污泥干化设备'], 'query'); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'onnx', 'sentence_transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_cache_encodes_a_text_once(encoder: ContextualEncoder, tmp_path: Path) -> None:
    cached = CachedEncoder(encoder, tmp_path)
    first = cached.encode(TEXTS, "passage")
    assert cached.encoded_ == len(TEXTS)
    again = CachedEncoder(encoder, tmp_path)
    np.testing.assert_array_equal(again.encode(TEXTS, "passage"), first)
    assert again.encoded_ == 0


def test_record_vectors_keep_similarities(encoder: ContextualEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    stored = RecordVectors.of(vectors)
    rows = np.array([4, 0, 5, 1])
    assert len(stored) == len(TEXTS)
    assert stored.codes.dtype == np.int8
    np.testing.assert_allclose(stored.vectors(rows), vectors[rows], atol=0.01)
    np.testing.assert_allclose(stored.similarities(vectors[1], rows), vectors[rows] @ vectors[1], atol=0.01)


def test_record_vectors_are_taken_joined_and_kept(encoder: ContextualEncoder, tmp_path: Path) -> None:
    stored = RecordVectors.of(encoder.encode(TEXTS))
    joined = RecordVectors.concat([stored.take(np.array([2])), stored.take(np.array([0, 1]))])
    joined.save(tmp_path / "vectors")
    loaded = RecordVectors.load(tmp_path / "vectors")
    np.testing.assert_array_equal(loaded.vectors(np.arange(3)), stored.vectors(np.array([2, 0, 1])))
    none = RecordVectors.none(3)
    assert none.similarities(np.zeros(0, np.float32), np.array([2, 0])).tolist() == [0, 0]


def test_record_vectors_refuse_arrays_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="one factor per row"):
        RecordVectors(np.zeros((3, 4), np.int8), np.ones(2, np.float32))
