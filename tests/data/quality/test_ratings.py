from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from data.quality.ratings import SCALES, Evaluation, folded, norms, ratings, suspicions
from data.simulator.quality.providers import simulate_providers
from tests.some import some

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def given(*scores, provider="甲", days=0):
    at = NOW - timedelta(days=days)
    return [
        Evaluation(f"{provider}{place}-{days}", provider, f"乙{place}", dict.fromkeys(SCALES, score), at)
        for place, score in enumerate(scores)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_self_ratings_and_bursts_are_found_and_nothing_else(seed):
    world = simulate_providers(200, seed, NOW)
    assert suspicions(world.evaluations) == world.planted
    assert set(world.planted.values()) == {"self", "burst"}


def test_ratings_follow_the_true_quality_and_their_intervals_hold_it():
    world = simulate_providers(300, 5, NOW)
    counted = [one for one in world.evaluations if one.token not in world.planted]
    normal = norms(counted, NOW)
    inside, means, truth = 0, [], []
    for name in world.names:
        found = ratings([one for one in counted if one.provider == name], normal, NOW)
        for rating in found.values():
            means.append(rating.mean)
            truth.append(world.quality[name])
            inside += rating.low <= world.quality[name] <= rating.high
    assert len(means) > 300
    assert np.corrcoef(means, truth)[0, 1] > 0.9
    assert inside / len(means) > 0.9


def test_figures_are_shown_from_five_on_shrunken_and_old_ones_weigh_less():
    normal = norms(given(3, 3, 3, 3, 3, provider="丙"), NOW)
    assert ratings(given(5, 5, 5, 5), normal, NOW) == {}
    fresh = ratings(given(5, 5, 5, 5, 5), normal, NOW)["result"]
    assert (fresh.mean, fresh.low < fresh.mean < fresh.high) == (4.25, True)
    old = ratings(given(5, 5, 5, 5, 5, days=365), normal, NOW)["result"]
    assert (old.mean, old.high - old.low > fresh.high - fresh.low) == (3.91, True)
    many = ratings(given(*[5] * 50), normal, NOW)["result"]
    assert many.mean > 4.8
    mixed = ratings([*given(1, 1, 1, 1, 1, days=730), *given(5, 5, 5, 5, 5)], normal, NOW)["result"]
    assert mixed.mean > 3.4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("华光检测有限公司", "华光检测"),
        ("华光（河南）检测有限公司", "华光(河南)检测股份有限公司"),
        ("ＡＢＣ 检测", "abc检测"),
    ],
)
def test_two_spellings_of_a_party_are_one(one, other):
    assert folded(one) == folded(other)
    assert folded("公司") == "公司"
    assert suspicions([replace(given(5)[0], provider=one, evaluator=other)]) == {"甲0-0": "self"}


def test_who_evaluates_again_counts_once_and_firms_of_several_providers_make_no_burst():
    twice = [replace(given(5)[0], token="a"), replace(given(1)[0], token="b", at=NOW + timedelta(days=2))]
    assert suspicions(twice) == {"a": "repeated"}
    busy = given(5, 5, 5, 5, 5)
    assert set(suspicions(busy).values()) == {"burst"}
    elsewhere = [replace(one, token=f"x{one.token}", provider="丁", at=NOW - timedelta(days=90)) for one in some(busy)]
    assert suspicions(busy + elsewhere) == {}
    assert suspicions(given(1, 5, 2, 4, 3)) == {}
