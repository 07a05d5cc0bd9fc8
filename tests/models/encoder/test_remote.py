"""An encoder behind an endpoint: in batches, the recorded model or none, bundles that open while it is away."""

import numpy as np
import pytest

from data.errors import EncoderError, ModelUnavailableError, SettingsError
from data.settings import settings
from models.encoder.base import load_encoder
from models.encoder.remote import RemoteEncoder
from tests.models.remote.judging import embedding
from tests.models.remote.scripted import scripted


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path))
    monkeypatch.setenv("GONGXU_MODEL_TIMEOUT", "2")
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_texts_go_in_batches_and_come_back_in_order():
    with scripted(embedding()) as script:
        encoder = load_encoder(f"openai:{script.url}#m", query_prefix="问：", batch_size=2)
        texts = ["一", "", "二二", "三三三"]
        vectors = encoder.encode(texts, "query")
        sent = [body["input"] for _, body, _ in script.requests[1:]]
        alone = [encoder.encode([text], "query")[0] for text in texts]
    assert sent == [["问：一", "问：二二"], ["问：三三三"]]
    assert script.requests[0][1]["model"] == "m"
    np.testing.assert_allclose(vectors, alone, atol=1e-6)


@pytest.mark.parametrize(
    ("other", "said"), [(embedding(12), "12 dimensions instead of 8"), (embedding(8, 3), "cosine")]
)
def test_another_model_than_the_recorded_one_is_refused(home, other, said):
    with scripted(embedding()) as script:
        load_encoder(f"openai:{script.url}#m").save(home / "saved")
        script.steps = [other]
        with pytest.raises(EncoderError, match=said):
            load_encoder(str(home / "saved")).encode(["污泥"], "query")


def test_while_it_is_away_known_texts_are_answered_and_new_ones_refused(home):
    with scripted(embedding()) as script:
        encoder = load_encoder(f"openai:{script.url}#m")
        encoder.save(home / "saved")
        known = encoder.encode(["污泥"], "query")
    loaded = load_encoder(str(home / "saved"))
    assert isinstance(loaded, RemoteEncoder)
    np.testing.assert_array_equal(loaded.encode(["污泥"], "query"), known)
    with pytest.raises(ModelUnavailableError):
        loaded.encode(["电池"], "query")


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": [0.0, 0.0]}]},
        {"data": [{"index": 0, "embedding": [1.0, None]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]},
        {"data": []},
        {"error": "no such model"},
    ],
)
def test_what_is_no_vector_is_refused(answer):
    with scripted(answer) as script, pytest.raises(ModelUnavailableError) as error:
        load_encoder(f"openai:{script.url}#m")
    assert error.value.outcome == "broken"


def test_a_public_host_and_a_missing_key_are_refused(monkeypatch, home):
    with pytest.raises(SettingsError, match="GONGXU_MODEL_HOSTS"):
        load_encoder("openai:https://8.8.8.8/v1#m")
    monkeypatch.setenv("GONGXU_ENCODER_KEY_FILE", str(home / "none"))
    settings.cache_clear()
    with pytest.raises(SettingsError, match="key file"):
        load_encoder("openai:http://127.0.0.1:1/v1#m")
