"""The compared systems and the offline evaluation on a world whose answer is known."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from data.errors import InputError
from data.files.judged import JudgedPairs
from data.learning import ReportSlices
from data.settings import Settings
from eval.metrics.bootstrap import METRICS
from eval.offline.cross_validation import (
    as_json,
    cross_validate,
    cross_validated,
    figures_of,
    joined,
    predict_test,
)
from eval.offline.findings import findings
from eval.offline.report import html_report
from eval.offline.slices import slice_values
from eval.offline.systems import SYSTEMS, all_systems, build_corpus
from models.ranking.ordinal import RankerParameters
from tests.matcher.worlds import make_world
from tests.some import some

pytestmark = pytest.mark.slow  # every system is fitted on every split

PARAMETERS = RankerParameters(trees=25, learning_rate=0.1, min_data_in_leaf=10, feature_fraction=0.5)


@pytest.fixture(scope="module")
def pairs() -> JudgedPairs:
    """Half of all pairs of a world of 20 demands, every level right; a few pairs judged twice."""
    world = make_world(20, 30)
    d, a = world.pairs()
    rows = np.flatnonzero(np.random.default_rng(0).random(len(d)) < 0.5)
    rows = np.r_[rows, rows[:10]]
    levels = 1 + world.grades(d[rows], a[rows])
    return JudgedPairs(tuple(world.demands), tuple(world.achievements), d[rows], a[rows], levels)


@pytest.fixture(scope="module")
def corpus(pairs, tmp_path_factory):
    return build_corpus(pairs, Settings(home=tmp_path_factory.mktemp("home"), threads=1))


@pytest.fixture(scope="module")
def systems(corpus):
    return all_systems(corpus, PARAMETERS)


@pytest.fixture(scope="module")
def parts(corpus, systems):
    return cross_validated(corpus, {name: systems[name] for name in SYSTEMS})


@pytest.fixture(scope="module")
def figures(pairs, parts):
    return figures_of(pairs, parts)


@pytest.fixture(scope="module")
def found(corpus, parts):
    return findings(corpus, {"grouped": parts["grouped"]}, "<b>评估</b>", ReportSlices())


def test_every_system_on_every_split_has_every_figure(figures):
    assert set(figures) == {"random", "dedup", "grouped"}
    for by_system in figures.values():
        assert tuple(by_system) == SYSTEMS
        for metrics in by_system.values():
            assert set(metrics) == set(METRICS)
            for estimate in metrics.values():
                assert estimate.low <= estimate.value <= estimate.high


def test_chance_is_chance_and_the_ranker_finds_the_known_answer(figures):
    for by_system in some(figures.values()):
        assert by_system["random"]["auc2"].value == pytest.approx(0.5, abs=0.12)
        assert by_system["random"]["qwk"].value == pytest.approx(0, abs=0.15)
        assert by_system["ranker"]["auc2"].value > 0.97
        assert by_system["ranker"]["score"].value > 0.9
        for name in ("bm25", "encoder"):
            assert by_system[name]["auc2"].value > 0.9


def test_popularity_knows_nothing_where_all_achievements_are_alike(figures):
    """Each achievement is right for one demand in six: what it got elsewhere tells nothing, or points the wrong way."""
    assert figures["grouped"]["popularity"]["auc2"].value < 0.6


def test_a_row_s_own_level_reaches_no_system(corpus, pairs, systems):
    """Turn the levels of the test rows round: not one prediction for them may change."""
    random = np.random.default_rng(1)
    test = np.flatnonzero(random.random(len(pairs)) < 0.2)
    train = np.setdiff1d(np.arange(len(pairs)), test)
    levels = pairs.levels.copy()
    levels[test] = 5 - levels[test]
    turned = all_systems(replace(corpus, pairs=replace(pairs, levels=levels)), PARAMETERS)
    for name in SYSTEMS:
        before, after = systems[name].fit_predict(train, test), turned[name].fit_predict(train, test)
        np.testing.assert_array_equal(after.ranking, before.ranking, err_msg=name)
        np.testing.assert_array_equal(after.levels, before.levels, err_msg=name)
        assert set(before.levels.tolist()) <= {1, 4}


def test_popularity_by_hand(corpus, pairs, systems):
    train = np.arange(0, len(pairs), 2)
    test = np.arange(1, len(pairs), 2)
    found = systems["popularity"].fit_predict(train, test).ranking
    for place in (0, 7, 19):
        mine = train[pairs.achievement_rows[train] == pairs.achievement_rows[test[place]]]
        expected = (pairs.levels[mine].sum() + pairs.levels[train].mean()) / (len(mine) + 1)
        assert found[place] == pytest.approx(expected)


def test_another_folder_s_rows_are_told_apart_by_what_was_known(corpus, pairs, systems):
    known = np.flatnonzero(pairs.demand_rows < 12)
    order = np.r_[known, np.flatnonzero(pairs.demand_rows >= 12), known[:40]]
    shuffled = JudgedPairs(
        pairs.demands,
        pairs.achievements,
        pairs.demand_rows[order],
        pairs.achievement_rows[order],
        pairs.levels[order],
    )
    table = replace(corpus.table, values=corpus.table.values[order])
    moved = replace(corpus, pairs=shuffled, table=table)
    chosen = {name: all_systems(moved, PARAMETERS)[name] for name in ("bm25", "ranker")}
    found = figures_of(shuffled, predict_test(moved, chosen, len(known)))
    assert set(found) == {"warm", "cold"}
    for part in found.values():
        assert part["ranker"]["auc2"].value > 0.95
    warm = replace(shuffled, demand_rows=np.minimum(shuffled.demand_rows, 11))
    only_warm = predict_test(replace(moved, pairs=warm), {"bm25": chosen["bm25"]}, len(known))
    assert set(only_warm) == {"warm"}


def test_joined_keeps_the_order(pairs):
    half = len(pairs) // 2

    def part(rows):
        return replace(
            pairs,
            demand_rows=pairs.demand_rows[rows],
            achievement_rows=pairs.achievement_rows[rows],
            levels=pairs.levels[rows],
        )

    both = joined(part(slice(0, half)), part(slice(half, None)))
    np.testing.assert_array_equal(both.levels, pairs.levels)
    np.testing.assert_array_equal(both.demand_rows, pairs.demand_rows)


def test_json_has_stable_keys_and_null_for_what_cannot_be_said(corpus, pairs, systems):
    same = replace(corpus, pairs=replace(pairs, levels=np.full(len(pairs), 2)))
    found = as_json(cross_validate(same, {"bm25": all_systems(same)["bm25"]}, ["dedup"]))
    metrics = found["dedup"]["bm25"]
    assert metrics["score"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    for name in ("auc2", "auc3", "ndcg10"):
        assert metrics[name] == {"value": None, "low": None, "high": None}


def test_too_few_demands_for_the_folds_are_counted(corpus, pairs, systems):
    few = replace(corpus, pairs=replace(pairs, demand_rows=np.minimum(pairs.demand_rows, 2)))
    with pytest.raises(InputError, match="'grouped' needs at least 5 groups of judgements, there are 3"):
        cross_validate(few, {"bm25": systems["bm25"]}, ["grouped"])


def test_slices_say_what_training_knew(pairs, parts):
    grouped, random = (slice_values(pairs, parts[split], ReportSlices()) for split in ("grouped", "random"))
    assert set(grouped["demand"].tolist()) == {"cold"}
    assert set(random["demand"].tolist()) == {"known"}
    assert set(random["achievement"].tolist()) == {"known"}
    assert all(len(names) == len(pairs) for names in grouped.values())


def test_a_new_achievement_is_one_that_no_training_row_had(corpus, pairs, systems):
    new = pairs.achievement_rows < 3
    order = np.r_[np.flatnonzero(~new), np.flatnonzero(new)]
    moved = replace(
        corpus,
        pairs=replace(
            pairs,
            demand_rows=pairs.demand_rows[order],
            achievement_rows=pairs.achievement_rows[order],
            levels=pairs.levels[order],
        ),
        table=replace(corpus.table, values=corpus.table.values[order]),
    )
    n_train = int((~new).sum()) - 40
    found = predict_test(moved, {"bm25": all_systems(moved)["bm25"]}, n_train)
    seen = np.concatenate([part.known_achievement for part in found.values()])
    rows = np.concatenate([part.rows for part in found.values()])
    np.testing.assert_array_equal(seen, moved.pairs.achievement_rows[rows] >= 3)


def test_findings_hold_every_kind_of_figure_as_plain_json(found):
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found["splits"]["grouped"]) == set(SYSTEMS)
    lift = found["lifts"]["grouped"]["random"]["auc2"]
    assert lift["low"] > 0.2
    assert lift["p_value"] <= 0.01
    cold = found["slices"]["grouped"]["demand"]["cold"]
    assert cold["rows"] == found["rows"]
    assert cold["auc2"]["value"] == found["splits"]["grouped"]["ranker"]["auc2"]["value"]
    calibrated = found["calibration"]["grouped"]["calibrated"]
    assert calibrated["ece"] < 0.1
    assert calibrated["risk"][-1] < 0.1
    lists = found["lists"]["grouped"]["ranker"]
    assert 0 <= lists["holder_gini"] <= 1
    assert 0 < lists["diversity"] < 1
    assert lists["novelty"] > 0


def test_the_report_is_one_page_that_fetches_nothing_and_escapes_what_it_shows(found):
    page = html_report(found | {"log": {}})
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") == 2
    assert "<b>评估" not in page
    assert "&lt;b&gt;评估" in page
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", page)
    assert "<script" not in page
    figure = found["splits"]["grouped"]["ranker"]["ndcg10"]["value"]
    assert f"{figure:.3f}" in page
