"""Texts read in context: a column of the pairs, kept in bundles, and computed for records that are written later."""

import numpy as np
import pytest

from data.errors import EncoderError
from data.records import Achievement
from data.settings import Settings, settings
from matcher.collection.pairs import PairBatch
from matcher.engine import Engine
from matcher.features.table import pair_similarities
from matcher.model import MatchingModel
from matcher.texts.encoding import contextual_encoder
from matcher.texts.similarities import CONTEXT
from matcher.texts.space import record_text
from models.encoder.base import load_encoder
from models.encoder.remote import RemoteEncoder
from tests.matcher.worlds import make_world
from tests.models.encoder.contextual_example import tiny_contextual
from tests.models.remote.judging import embedding
from tests.models.remote.scripted import scripted


@pytest.fixture(scope="module")
def world():
    return make_world(12, 15)


@pytest.fixture(scope="module")
def built(world) -> MatchingModel:
    return MatchingModel.build(world.achievements, world.demands, load_encoder("default"), contextual=tiny_contextual())


def test_the_column_is_the_cosine_in_context_whichever_side_leads(world, built) -> None:
    encoder = tiny_contextual()
    wanted = encoder.encode([record_text(record).read_in_context for record in world.demands])
    offered = encoder.encode([record_text(record).read_in_context for record in world.achievements])
    for d, a in (([0] * 15, range(15)), (range(12), [4] * 12), ([0, 1, 2], [2, 1, 0])):
        rows, columns = np.array(d), np.array(a)
        found = pair_similarities(built.space, PairBatch(built.demands.base, built.achievements.base, rows, columns))
        expected = np.einsum("nd,nd->n", wanted[rows], offered[columns])
        np.testing.assert_allclose(found[:, CONTEXT], expected, atol=0.02)  # kept in 8 bits
        assert found[:, CONTEXT].std() > 0.01


def test_a_bundle_keeps_encoder_and_vectors(built, tmp_path) -> None:
    built.save_records(tmp_path)
    contextual = load_encoder(str(tmp_path / "contextual"))
    assert contextual.digest == tiny_contextual().digest


def test_a_model_behind_an_endpoint_reads_in_context(world, tmp_path, monkeypatch) -> None:
    """What `GONGXU_CONTEXTUAL_ENCODER=openai:…` names gives the column, is recorded, and gets no more than the beginnings."""
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path))
    settings.cache_clear()
    with scripted(embedding()) as script:
        chosen = Settings(home=tmp_path, contextual_encoder=f"openai:{script.url}#bge")
        built = MatchingModel.build(
            world.achievements, world.demands, load_encoder("default"), contextual=contextual_encoder(chosen)
        )
        pairs = PairBatch(built.demands.base, built.achievements.base, np.arange(12), np.arange(12))
        assert pair_similarities(built.space, pairs)[:, CONTEXT].std() > 0.01
        sent = {text for _, body, _ in script.requests for text in body["input"]}
        texts = {record_text(record).read_in_context for record in (*world.demands, *world.achievements)}
        assert texts <= sent
        assert len(sent - texts) == 1  # the known text that the model is recognised by
        built.save_records(tmp_path / "bundle")
        loaded = load_encoder(str(tmp_path / "bundle" / "contextual"))
        assert isinstance(loaded, RemoteEncoder)
        script.steps = [embedding(dimension=6)]
        with pytest.raises(EncoderError, match="6 dimensions instead of 8"):
            loaded.encode(["另一段文字"], "query")
    settings.cache_clear()


def test_a_written_record_has_its_vector(world, built) -> None:
    engine = Engine(built)
    old = world.achievements[0]
    written = Achievement(achievement_id="NEW", title=old.title, content=old.content)
    engine.upsert_achievements([written])
    collection = engine.collection("achievements")
    view, places = collection.view_of(np.array([len(world.achievements)]))
    vector = view.texts.context.vectors(places)[0]
    again = built.achievements.base.texts.context.vectors(np.array([0]))[0]
    assert vector @ again > 0.9
