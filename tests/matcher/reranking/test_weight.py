"""A reranker's weight: found where its scores help, none where they do not, and used for that reranker alone."""

from datetime import UTC, datetime

import numpy as np
import pytest

from data.errors import InputError
from data.records import UnstoredDemand
from matcher.recommendation import Match, Recommendation
from matcher.reranking.weight import (
    FILE,
    GradedScores,
    RerankWeight,
    fitted_weight,
    load_weight,
    reordered,
    rerank_text,
)
from training.studies.rerank import study

FITTED = RerankWeight(
    reranker="http://127.0.0.1/rerank#m",
    centre=0.5,
    weight=2.0,
    gain=0.05,
    low=0.01,
    high=0.09,
    demands=40,
    bundle_version="v",
    fitted_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def graded(helpful, seed=0):
    """60 demands of 8 pairs; the ranker knows a part of the levels, the reranker another part or nothing."""
    random = np.random.default_rng(seed)
    demands = np.repeat(np.arange(60), 8)
    levels = random.integers(1, 5, len(demands))
    ranker = levels + random.normal(0, 2.0, len(demands))
    known = levels / 4 + random.normal(0, 0.3, len(demands))
    reranker = known if helpful else random.random(len(demands))
    return GradedScores(demands, levels, ranker, reranker)


def test_scores_that_help_pass_the_gate_and_noise_does_not():
    good, useless = study(graded(helpful=True)), study(graded(helpful=False))
    kept = good.weight_file("m", "v", datetime.now(UTC))
    assert good.gain.low > 0.02
    assert kept is not None
    assert (kept.weight, kept.centre) == (good.weight, good.centre)
    assert useless.weight_file("m", "v", datetime.now(UTC)) is None


def test_a_weight_is_never_negative_and_none_without_pairs():
    pairs = graded(helpful=True)
    against = GradedScores(pairs.demands, pairs.levels, pairs.ranker, -pairs.reranker)
    assert fitted_weight(against) == pytest.approx(0, abs=1e-3)
    equal = GradedScores(pairs.demands, np.full(len(pairs.levels), 2), pairs.ranker, pairs.reranker)
    assert fitted_weight(equal) == 0


def listed(*scores):
    items = [
        Match(
            rank=rank,
            id=f"A{rank}",
            title="",
            owner="",
            region=None,
            status="",
            probability=0.5,
            grade=2,
            score=score,
            channels=[],
        )
        for rank, score in enumerate(scores, start=1)
    ]
    return Recommendation(subject_id=None, items=items, answered=True, message="", degraded=False, bundle_version="v")


def test_only_what_was_scored_changes_places_and_equal_scores_keep_them():
    given = listed(3.0, 2.5, 2.0, 1.0)
    found = reordered(given, np.array([0.0, 0.5, 1.0]), FITTED)
    assert [(item.id, item.rank, item.score) for item in found.items] == [
        ("A3", 1, 3.0),
        ("A2", 2, 2.5),
        ("A1", 3, 2.0),
        ("A4", 4, 1.0),
    ]
    assert [item.probability for item in found.items] == [0.5] * 4
    assert reordered(given, np.full(4, 0.5), FITTED) == given


def test_a_weight_counts_for_its_reranker_alone(tmp_path):
    assert load_weight(tmp_path, FITTED.reranker) is None
    (tmp_path / FILE).write_text(FITTED.model_dump_json())
    assert load_weight(tmp_path, FITTED.reranker) == FITTED
    assert load_weight(tmp_path, "http://127.0.0.1/rerank#other") is None
    (tmp_path / FILE).write_text(FITTED.model_dump_json().replace('"low":0.01', '"low":-0.01'))
    with pytest.raises(InputError, match="gongxu lab rerank"):
        load_weight(tmp_path, FITTED.reranker)


@pytest.mark.parametrize(("visibility", "sent"), [("", True), ("公开", True), ("授权", False), ("保密", False)])
def test_texts_of_limited_visibility_and_personal_data_stay(visibility, sent):
    demand = UnstoredDemand(title="污泥干化", content="含水率40%，联系人：张三丰", visibility=visibility)
    text = rerank_text(demand)
    assert ("含水率" in text) is sent
    assert (text == "") is (visibility == "保密")
    assert "张三丰" not in text
