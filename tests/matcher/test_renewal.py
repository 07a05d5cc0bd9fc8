"""A model over changed records, of which only these were read, is the one that reads all of them with the same vocabularies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knowledge_graph.renewal import Kept
from matcher.bundle import Manifest
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.renewal import Unlike, kept_rows, renewed
from models.encoder.base import CONTEXTUAL_DIRECTORY, load_encoder
from tests.some import some

TEXT = "。新增一套污泥低温干化中试装置，处理量每天30吨，含水率低于35%"


@pytest.fixture(scope="module")
def contextual():
    return load_encoder(str(CONTEXTUAL_DIRECTORY))


@pytest.fixture(scope="module")
def previous(known, encoder, contextual, tmp_path_factory):
    """A bundle's model as it is read from its folder, and that folder."""
    folder = tmp_path_factory.mktemp("previous")
    MatchingModel.build(known.world.achievements, known.world.demands, encoder, contextual=contextual).save_records(
        folder
    )
    return folder


@pytest.fixture(scope="module")
def changed(known):
    """The records after edits, a deletion, a new record of a new holder in front; and the ids written since."""
    offers, asks = list(known.world.achievements), list(known.world.demands)
    new = offers[3].model_copy(update={"achievement_id": "A-new", "holder": "新办研究院", "title": "污泥碳化炉"})
    offers = [
        new,
        *offers[:5],
        offers[5].model_copy(update={"content": offers[5].content + TEXT, "holder": "另一研究院"}),
        *offers[7:],
    ]
    asks[2] = asks[2].model_copy(update={"content": asks[2].content + TEXT})
    ids = {new.record_id, offers[6].record_id, known.world.achievements[6].record_id}
    return offers, asks, ids, {asks[2].record_id}


def read(previous, encoder_digest, version="known"):
    manifest = Manifest(
        version=version,
        created_at="2026-12-01T00:00:00Z",
        watermark=0,
        achievements=0,
        demands=0,
        encoder_digest=encoder_digest,
    )
    return MatchingModel.load(previous, verified=manifest)


@pytest.fixture(scope="module")
def models(previous, encoder, contextual, changed):
    """The model of which only changes were read, and the one of which everything was."""
    offers, asks, new_offers, new_asks = changed
    digest = load_encoder(str(previous / "encoder")).digest
    base = read(previous, digest)
    kept = {
        "achievements": kept_rows(base.achievements.base, offers, new_offers),
        "demands": kept_rows(base.demands.base, asks, new_asks),
    }
    assert [int((rows.rows < 0).sum()) for rows in kept.values()] == [2, 1]
    nothing = {name: replace(rows, rows=np.full_like(rows.rows, -1)) for name, rows in kept.items()}
    return [renewed(read(previous, digest), offers, asks, rows, contextual) for rows in (kept, nothing)]


def test_every_record_has_the_form_that_reading_all_gives(models):
    few, every = models
    for side in some(("achievements", "demands")):
        ours, theirs = getattr(few, side).base, getattr(every, side).base
        assert ours.cards.table.equals(theirs.cards.table)
        for part in some(("title", "full")):
            one, other = getattr(ours.texts, part), getattr(theirs.texts, part)
            for name in some(("words", "grams")):
                np.testing.assert_array_equal(getattr(one, name).toarray(), getattr(other, name).toarray())
            for name in some(("vectors", "topics", "reach")):
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-6)
        np.testing.assert_array_equal(ours.texts.context.codes, theirs.texts.context.codes)
        np.testing.assert_allclose(ours.typical, theirs.typical, atol=1e-5)
        for name in some(("terms", "weights", "field", "region", "organisation", "industries", "money")):
            for row in range(len(ours)):
                np.testing.assert_array_equal(getattr(ours.graph.row(row), name), getattr(theirs.graph.row(row), name))
        for row in range(len(ours)):
            mine, other = (getattr(model.quantities, side).base for model in models)
            spans = [range(*table.offsets[row : row + 2].tolist()) for table in (mine, other)]
            assert [mine.quantity(one) for one in spans[0]] == [other.quantity(one) for one in spans[1]]
        np.testing.assert_array_equal(mine.names.codes, other.names.codes)
        np.testing.assert_array_equal(mine.codes, other.codes)


def test_both_answer_alike_and_know_what_was_written(models, changed):
    few, every = (Engine(model) for model in models)
    for demand in some(changed[1][:8]):
        ours, theirs = (engine.recommend_achievements(demand, explain=True) for engine in (few, every))
        assert [one.id for one in ours.items] == [one.id for one in theirs.items]
        assert [one.score for one in ours.items] == pytest.approx([one.score for one in theirs.items], abs=1e-4)
    assert "A-new" in few.ids("achievements")
    assert "新办研究院" in few.model.graph.describer.organisations


def test_what_was_fitted_is_linked_and_the_bundle_reads_back(models, previous, tmp_path, changed):
    models[0].save_records(tmp_path / "renewed", previous)
    linked = [
        Path("graph") / "relations.targets.npy",
        *(one.relative_to(previous) for one in previous.glob("viewer/**/*.npy")),
    ]
    for path in some(linked):
        assert (tmp_path / "renewed" / path).samefile(previous / path)
    loaded = read(tmp_path / "renewed", load_encoder(str(previous / "encoder")).digest)
    demand = changed[1][2]
    again, before = (Engine(model).recommend_achievements(demand) for model in (loaded, models[0]))
    assert [one.id for one in again.items] == [one.id for one in before.items]


def test_a_store_that_is_not_the_bundles_own_is_found_out(previous, changed, known):
    base = read(previous, load_encoder(str(previous / "encoder")).digest).achievements.base
    offers = list(known.world.achievements)
    assert isinstance(kept_rows(base, offers, set()), Kept)
    assert isinstance(kept_rows(base, changed[0], set()), Unlike)  # a record that it lacks
    assert isinstance(kept_rows(base, offers[1:], set()), Unlike)  # one is gone
    edited = [offers[0].model_copy(update={"content": "别的内容"}), *offers[1:]]
    found = kept_rows(base, edited, set())
    assert "says otherwise" in found.reason
