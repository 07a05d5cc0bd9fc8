"""The first stage: its columns are what they say, gaps are filled, and it keeps what the ranker would put first."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BundleError
from matcher.engine import Engine
from matcher.history.outcome_history import RelevanceFeedback
from matcher.ranking.first_stage import (
    COLUMNS,
    FUSED_SCORED,
    PRODUCTS,
    SCORED,
    FirstStage,
    first_stages_in,
    prefilter_features,
    preselect,
    save_first_stages,
)
from matcher.request.pipeline import retrieve
from tests.some import some


def pools_of(random, weights, pools=30, size=160, gaps=0.1):
    """Return pools whose grades are a line through their columns, apart from a level of each pool's own."""
    found = []
    for _ in range(pools):
        columns = random.normal(size=(size, len(COLUMNS))).astype(np.float32)
        grades = columns @ weights + random.normal(scale=5)
        columns[random.random(columns.shape) < gaps] = np.nan
        found.append((columns, grades))
    return found


def retrieved_for(known, row, side="achievements"):
    record = (known.world.demands if side == "achievements" else known.world.achievements)[row]
    return retrieve(Engine(known.model).query(record, side))


def columns_of(found, feedback=None):
    return prefilter_features(found.pairs, found.candidates, feedback, found.query.side)


def kept_of(stage, found, top):
    return preselect(stage, found.pairs, found.candidates, None, top, found.query.side)


def test_a_line_is_found_whatever_the_level_of_a_pool():
    random = np.random.default_rng(3)
    weights = np.zeros(len(COLUMNS))
    weights[[2, 7, 20]] = 1.0, -0.5, 0.3
    stage = FirstStage.fit(pools_of(random, weights, gaps=0.0))
    for columns, grades in some(pools_of(random, weights, pools=5, gaps=0.0)):
        best = np.argsort(-grades)[:10]
        assert np.isin(best, stage.best(columns, 20)).all()


def test_what_is_missing_counts_as_it_was_learned_to():
    random = np.random.default_rng(4)
    told = COLUMNS.index("feedback_mean")
    pools = []
    for _ in range(20):
        columns = random.normal(size=(150, len(COLUMNS))).astype(np.float32)
        columns[::2, told] = np.nan
        pools.append((columns, np.isnan(columns[:, told]).astype(np.float64)))  # good is what says nothing
    kept = FirstStage.fit(pools).best(pools[0][0], 75)
    assert (kept % 2 == 0).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
def test_the_best_are_those_of_the_largest_sums_in_their_order(seed, count):
    random = np.random.default_rng(seed)
    ((columns, _),) = pools_of(random, random.normal(size=len(COLUMNS)), pools=1)
    stage = FirstStage(random.normal(size=2 * len(COLUMNS)), random.normal(size=len(COLUMNS)))
    kept = stage.best(columns, count)
    missing = np.isnan(columns)
    sums = np.hstack([np.where(missing, stage.filling, columns), missing]) @ stage.weights
    assert len(kept) == min(count, len(columns))
    assert (np.diff(kept) > 0).all()
    left = np.setdiff1d(np.arange(len(columns)), kept)
    assert not len(left) or sums[left].max() <= sums[kept].min() + 1e-9


@pytest.mark.parametrize("side", ["achievements", "demands"])
def test_similarities_are_those_of_the_feature_table(known, side):
    row = 5
    retrieved = retrieved_for(known, row, side)
    places, is_demand = retrieved.places, side == "achievements"
    columns = columns_of(retrieved)
    here = np.flatnonzero((known.d if is_demand else known.a) == row)
    other = (known.a if is_demand else known.d)[here]
    table = known.table.values[here][[np.flatnonzero(other == place)[0] for place in places.tolist()]]
    name_of = {
        "": "",
        "_for_subject": "_for_demand" if is_demand else "_for_achievement",
        "_for_candidate": "_for_achievement" if is_demand else "_for_demand",
        "_typical_candidate": "_typical_achievement" if is_demand else "_typical_demand",
    }
    for name in PRODUCTS:
        for mine, its in name_of.items():
            expected = table[:, known.table.names.index(name + its)]
            assert columns[:, COLUMNS.index(name + mine)] == pytest.approx(expected, abs=2e-4)
    rank = retrieved.candidates.channels["dense"]
    assert columns[:, COLUMNS.index("proposed_dense")].tolist() == (rank > 0).tolist()
    assert np.exp(columns[rank > 0, COLUMNS.index("log_rank_dense")]) == pytest.approx(rank[rank > 0], rel=1e-5)
    assert np.isnan(columns[:, COLUMNS.index("feedback_mean")]).all()


def test_feedback_tells_of_what_did_well_and_what_did_not(known):
    retrieved = retrieved_for(known, 2)
    found, places = retrieved.found, retrieved.places
    vectors = np.asarray(found.texts.full.vectors)
    good, bad, better = (vectors[int(places[place])] for place in (3, 4, 5))
    told = RelevanceFeedback(good, np.stack([good, bad, better]), np.float32([2, 0, 3]), np.float32([1, 1, 0.5]))
    columns = columns_of(retrieved, told)
    mean, nearest_good, nearest_bad, grade = (
        columns[:, COLUMNS.index(f"feedback_{name}")] for name in ("mean", "good", "bad", "grade")
    )
    here = vectors[places]
    assert mean == pytest.approx(here @ good, abs=1e-5)
    assert nearest_good == pytest.approx(np.maximum(here @ good, here @ better), abs=1e-5)
    assert nearest_bad == pytest.approx(here @ bad, abs=1e-5)
    near = np.exp(8 * (here @ told.examples.T - 1)) * told.weights
    assert grade == pytest.approx(near @ told.grades / (near.sum(axis=1) + 0.1), abs=1e-4)


def test_what_is_unknown_of_feedback_is_missing(known):
    retrieved = retrieved_for(known, 2)
    found, places = retrieved.found, retrieved.places
    bad = np.asarray(found.texts.full.vectors)[[int(places[0])]]
    only_bad = RelevanceFeedback(None, bad, np.float32([0]), np.float32([1]))
    columns = columns_of(retrieved, only_bad)
    missing = [name for name in COLUMNS if np.isnan(columns[:, COLUMNS.index(name)]).all() and "feedback" in name]
    assert missing == ["feedback_mean", "feedback_good"]


def test_without_a_stage_the_first_by_fused_rank_are_scored(known):
    retrieved = retrieved_for(known, 0)
    many = retrieved.take(np.tile(np.arange(len(retrieved)), 20)[: FUSED_SCORED + 50])
    assert kept_of(None, many, 10).tolist() == list(range(FUSED_SCORED))
    assert len(kept_of(None, many, 120)) == 240
    assert len(kept_of(None, retrieved, 10)) == len(retrieved)


def test_a_long_list_is_chosen_from_twice_as_many(known):
    retrieved = retrieved_for(known, 0)
    stage = FirstStage(np.zeros(2 * len(COLUMNS)), np.zeros(len(COLUMNS)), scored=5)
    for top, scored in ((1, 5), (4, 8), (100, len(retrieved))):
        assert len(kept_of(stage, retrieved, top)) == scored


def test_the_engine_scores_what_the_stage_keeps(known, taught):
    """With weights on nearness alone the answer is what the nearest few have to offer."""
    weights = np.zeros(2 * len(COLUMNS))
    weights[COLUMNS.index("vectors_f")] = 1.0
    stage = FirstStage(weights, np.zeros(len(COLUMNS)), scored=4)
    scorer = replace(taught.scorer, first_stages={"achievements": stage})
    demand = known.world.demands[3]
    answer = Engine(replace(taught, scorer=scorer)).recommend_achievements(demand, top=2)
    cosine = np.asarray(known.achievements.texts.full.vectors) @ np.asarray(known.demands.texts.full.vectors)[3]
    nearest = {known.achievements.cards.ids[place] for place in np.argsort(-cosine)[:4].tolist()}
    assert answer.items
    assert {match.id for match in answer.items} <= nearest


def test_stages_are_read_as_they_were_written(tmp_path):
    random = np.random.default_rng(5)
    stages = {
        side: FirstStage(random.normal(size=2 * len(COLUMNS)), random.normal(size=len(COLUMNS)))
        for side in ("achievements", "demands")
    }
    path = tmp_path / "first_stage.json"
    save_first_stages(stages, path)
    read = first_stages_in(path)
    assert list(read) == list(stages)
    for side, stage in stages.items():
        assert read[side].weights.tolist() == stage.weights.tolist()
        assert read[side].filling.tolist() == stage.filling.tolist()
    assert first_stages_in(tmp_path / "none.json") == {}


def test_a_stage_of_other_columns_is_refused(tmp_path):
    stage = FirstStage(np.zeros(2 * len(COLUMNS)), np.zeros(len(COLUMNS)))
    path = tmp_path / "first_stage.json"
    save_first_stages({"demands": stage}, path)
    named = json.loads(path.read_text(encoding="utf-8"))
    for part in named["demands"].values():
        part["another"] = part.pop("feedback_mean")
    path.write_text(json.dumps(named), encoding="utf-8")
    with pytest.raises(BundleError, match="gongxu train"):
        first_stages_in(path)


def test_fewer_are_scored_than_without_a_stage():
    assert SCORED < FUSED_SCORED
