"""What a probability is worth of a pair that no list ever showed."""

import numpy as np
import pytest

from matcher.history.graded_pairs import Showings
from matcher.learning.exposure import LEAST_DEMANDS, LISTED, AskedList, fit_exposure
from matcher.ranking.unseen import Exposure
from models.ranking.calibration import IsotonicCalibration
from tests.some import some

NOBODY_JUDGED = np.zeros((0, 2), dtype=np.int64)
DEMANDS = 60


def searched(share: float, times: int, demands: int = DEMANDS, good: float = 1.0) -> tuple[list[AskedList], Showings]:
    """Return lists whose candidates a search showed by chance, a `share` of them, each so many times; `good` are good."""
    draw = np.random.default_rng(3)
    lists, shown = [], []
    for d in range(demands):
        places = d * LISTED + np.arange(LISTED)
        lists.append(AskedList(d, places, np.linspace(0.8, 0.2, LISTED), good))
        shown += [(d, a) for a in places[draw.random(LISTED) < share].tolist() for _ in range(times)]
    return lists, Showings.counted(*np.array(shown, dtype=np.int64).T)


def test_showings_count_every_pair_once():
    found = Showings.counted(np.array([2, 1, 2, 2]), np.array([5, 5, 5, 4]))
    assert list(zip(found.d, found.a, found.times, strict=True)) == [(1, 5, 1), (2, 4, 1), (2, 5, 2)]
    assert found.of(np.array([1])).d.tolist() == [1]


@pytest.mark.parametrize(("times", "left"), [([3, 4, 5], 0.0), ([1, 1, 1], 1.0), ([1, 3], 0.25)])
def test_what_was_shown_again_and_again_leaves_little_unseen(times, left):
    demand = np.zeros(len(times), dtype=np.int64)
    showings = Showings(demand, np.arange(len(times)), np.array(times))
    assert showings.unseen_mass(np.array([0, 1])).tolist() == [left, 1.0]  # to demand 1 nothing was shown


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_an_unseen_pair_is_worth_the_share_that_a_search_would_show(share):
    exposure = fit_exposure(*searched(share, times=4), NOBODY_JUDGED)
    asked = np.array([0.3, 0.5, 0.7])
    np.testing.assert_allclose(exposure.comes.predict(asked), share * asked, atol=0.05)


def test_pairs_shown_once_each_say_nothing_of_those_never_shown():
    assert fit_exposure(*searched(0.3, times=1), NOBODY_JUDGED) is None


@pytest.mark.parametrize("good", [1.0, 30.0])
def test_the_better_candidate_is_never_worth_less(good):
    exposure = fit_exposure(*searched(0.4, times=3, good=good), NOBODY_JUDGED)
    asked = np.linspace(0, 1, 50)
    worth = exposure.unseen(asked, np.ones(50))
    assert (np.diff(worth) >= -1e-12).all()
    assert (worth <= np.maximum(asked, 1e-3) + 1e-12).all()


def test_a_search_cannot_have_shown_more_good_pairs_than_it_showed():
    lists, showings = searched(0.4, times=3, good=30.0)  # of thirty good ones it shows twelve to a demand
    exposure = fit_exposure(lists, showings, NOBODY_JUDGED)
    assert exposure.missed == pytest.approx(0.6, abs=0.03)
    few = fit_exposure(*searched(0.4, times=3, good=5.0), NOBODY_JUDGED)
    assert few.missed == pytest.approx(0.0, abs=0.01)


def test_silence_tells_as_much_as_the_search_could_have_shown(tmp_path):
    half = IsotonicCalibration()
    half.scores_, half.probabilities_, half.base_rate_ = np.array([0.0, 1.0]), np.array([0.0, 0.5]), 0.25
    if_shown = np.array([0.8])
    assert Exposure(half, 0.0).never_shown(if_shown) == 0.0  # it shows all good ones
    assert Exposure(half, 1.0).never_shown(if_shown) == pytest.approx(0.8)  # it says nothing of any
    assert Exposure(half, 0.25).never_shown(if_shown) == pytest.approx(0.2 / 0.4)  # Bayes: 0.25 x 0.8 to 1 x 0.2
    exposure = Exposure(half, 0.25)
    exposure.save(tmp_path / "exposure.json")
    for one in some((exposure, Exposure.load(tmp_path / "exposure.json"))):
        assert one.unseen(if_shown, np.ones(1)) == pytest.approx(0.5 * 0.8 + 0.5 * 0.5)
        assert one.if_shown(0.65) == pytest.approx(0.8, abs=1e-4)


def test_few_demands_teach_nothing():
    lists, showings = searched(0.3, times=4)
    assert fit_exposure(lists[: LEAST_DEMANDS - 1], showings, NOBODY_JUDGED) is None
    assert fit_exposure(lists[:LEAST_DEMANDS], showings, NOBODY_JUDGED) is not None


def test_what_experts_judged_says_nothing_of_the_search():
    """Experts were given all candidates that no list showed: only shown ones are left, and they are worth what they are."""
    lists, showings = searched(0.3, times=4)
    shown = set(zip(showings.d.tolist(), showings.a.tolist(), strict=True))
    judged = [(one.d, a) for one in some(lists) for a in one.a.tolist() if (one.d, a) not in shown]
    exposure = fit_exposure(lists, showings, np.array(judged))
    np.testing.assert_allclose(exposure.comes.predict(np.array([0.3, 0.6])), [0.3, 0.6], atol=0.03)
