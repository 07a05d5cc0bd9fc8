"""Texts read in context: a column of the pairs, kept in bundles, and computed for records that are written later."""

import numpy as np
import pytest

from data.records import Achievement
from matcher.collection.pairs import PairBatch
from matcher.engine import Engine
from matcher.features.table import pair_similarities
from matcher.model import MatchingModel
from matcher.texts.similarities import CONTEXT
from matcher.texts.space import record_text
from models.encoder.base import load_encoder
from tests.matcher.worlds import make_world
from tests.models.encoder.contextual_example import tiny_contextual


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
