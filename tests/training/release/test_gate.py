"""The gate on made-up scores with known answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.learning import GateMargins
from eval.served.lists import ServedList
from eval.served.metrics import served_figures
from matcher.ranking.scorer import Scores
from tests.some import some
from training.comparison.pairs import HeldOut, calibration_error, gains
from training.comparison.served import ServedLists
from training.release.gate import Evidence, judge

N_DEMANDS, EACH = 60, 10


def held_out(seed=0):
    random = np.random.default_rng(seed)
    demands = [f"D{i}" for i in range(N_DEMANDS) for _ in range(EACH)]
    achievements = [f"A{j}" for _ in range(N_DEMANDS) for j in range(EACH)]
    grade = random.choice(5, N_DEMANDS * EACH, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    return HeldOut(demands, achievements, grade, np.ones(len(grade), dtype=np.bool_))


def scores(held, noise, seed=1):
    """Scores that follow the grades as closely as the noise lets them; probabilities are right on average."""
    random = np.random.default_rng(seed)
    expected = held.grade + noise * random.standard_normal(len(held))
    return Scores(expected, np.clip(np.rint(expected), 0, 4).astype(np.int64), np.full(len(held), 0.3))


def verdict(candidate, champion, held, slices=None, **changes):
    evidence = Evidence(
        held, candidate, champion, slices or {}, changes.pop("latency", 10.0), changes.pop("size", 1000)
    )
    return judge(GateMargins(**changes), evidence)


def failed(found):
    return {check.name for check in found.checks if not check.passed}


def test_a_clearly_better_version_passes_and_the_other_way_round_not():
    held = held_out()
    good, poor = scores(held, 0.7), scores(held, 3.0)
    better = verdict(good, poor, held)
    assert better.passed
    assert better.gains["ndcg10"].low > 0
    assert failed(verdict(poor, good, held)) == {"overall"}


def test_an_equal_version_is_not_better_unless_that_is_asked_for():
    held = held_out()
    same = scores(held, 1.0)
    assert failed(verdict(same, same, held)) == {"overall"}
    assert verdict(same, same, held, gain=-0.01).passed


def test_chance_passes_rarely():
    """Two versions of the same quality: 2.5% of draws may pass."""
    passed = 0
    for seed in range(12):
        held = held_out(seed)
        passed += verdict(scores(held, 1.5, 2 * seed + 100), scores(held, 1.5, 2 * seed + 101), held).passed
    assert passed <= 2


def test_a_hurt_slice_refuses_a_version_that_is_better_overall():
    held = held_out()
    good, poor = scores(held, 0.7), scores(held, 3.0)
    hurt = np.array([int(name[1:]) < 20 for name in held.demand_ids])
    mixed = Scores(*(np.where(hurt, getattr(poor, n), getattr(good, n)) for n in ("expected", "grade", "probability")))
    other = Scores(*(np.where(hurt, getattr(good, n), getattr(poor, n)) for n in ("expected", "grade", "probability")))
    found = verdict(mixed, other, held, {"field 环保": hurt})
    assert failed(found) == {"slices"}
    assert "field 环保" in next(check.message for check in found.checks if check.name == "slices")
    assert verdict(mixed, other, held, {"field 环保": hurt}, slice_margin=1.0).passed


def test_calibration_latency_and_size_have_limits():
    held = held_out()
    good, poor = scores(held, 0.7), scores(held, 3.0)
    boastful = Scores(good.expected, good.grade, np.full(len(held), 0.95))
    assert failed(verdict(boastful, poor, held)) == {"calibration"}
    assert failed(verdict(good, poor, held, latency=300.0)) == {"latency"}
    assert failed(verdict(good, poor, held, size=10**11)) == {"size"}


def test_too_few_held_out_demands_decide_nothing():
    held = held_out()
    few = np.arange(19 * EACH)
    good, poor = scores(held, 0.5), scores(held, 3.0)
    part = [Scores(s.expected[few], s.grade[few], s.probability[few]) for s in (good, poor)]
    assert "overall" in failed(verdict(*part, held.take(few)))


def test_without_a_champion_there_is_nothing_to_beat():
    held = held_out()
    assert verdict(scores(held, 5.0), None, held).passed


@settings(max_examples=6)
@given(st.integers(0, 1000), st.floats(0.1, 3.0))
def test_gains_of_a_version_over_itself_are_zero_and_signs_turn(seed, noise):
    held = held_out(seed)
    one, other = scores(held, noise, seed), scores(held, 1.0, seed + 1)
    assert all(gain.value == gain.low == gain.high == 0 for gain in gains(held, one, one).values())
    there, back = gains(held, one, other), gains(held, other, one)
    for name in some(there):
        assert there[name].value == pytest.approx(-back[name].value)


def test_calibration_error_is_that_of_a_known_mistake():
    held = held_out()
    good = (held.grade >= 2).mean()
    assert calibration_error(held, scores(held, 1.0)) == pytest.approx(
        float(np.mean([abs(0.3 - b) for b in (part.mean() for part in np.array_split(held.grade >= 2, 10))])), abs=1e-9
    )
    exact = Scores(held.grade.astype(float), held.grade, (held.grade >= 2).astype(float))
    assert calibration_error(held, exact) == pytest.approx(0.0)
    assert 0.2 < good < 0.4


def test_where_experts_judged_enough_they_say_whether_probabilities_are_right():
    held = held_out()
    shown = np.arange(len(held)) % 2 == 1  # shown in lists, and nobody got in touch
    grade = np.where(shown, 0, held.grade)
    mixed = HeldOut(held.demand_ids, held.achievement_ids, grade, ~shown)
    exact = Scores(held.grade.astype(float), held.grade, (held.grade >= 2).astype(float))
    assert calibration_error(mixed, exact) == pytest.approx(0.0)
    few = HeldOut(held.demand_ids, held.achievement_ids, grade, ~shown & (np.arange(len(held)) < 60))
    assert calibration_error(few, exact) > 0.1


def served(held, order, probability=0.3):
    """Lists of ten for every demand, by `order(grade)` of the demand's known items, with a constant probability."""
    lists, levels = [], []
    for start in range(0, len(held), EACH):
        grades = held.grade[start : start + EACH]
        levels.append({item: float(grade + 1) for item, grade in enumerate(grades.tolist())})
        best = np.argsort(-order(grades), kind="stable").tolist()
        lists.append(ServedList(tuple(best), (probability,) * len(best)))
    return ServedLists(served_figures(lists, levels, 3), len(lists))


def served_verdict(ours, theirs, **changes):
    held = held_out()
    good = scores(held, 0.7)
    evidence = Evidence(held, good, scores(held, 3.0), {}, 10.0, 1000, served=ours, champion_served=theirs)
    return judge(GateMargins(**changes), evidence)


def test_a_version_whose_lists_are_worse_is_stopped_however_well_it_orders_pairs():
    held = held_out()
    best, worst = served(held, lambda grades: grades), served(held, lambda grades: -grades)
    assert served_verdict(best, worst).passed
    assert failed(served_verdict(worst, best)) == {"served"}
    assert served_verdict(best, best).passed
    assert served_verdict(worst, best, served_margin=1.0).passed


def test_probabilities_that_lists_show_and_that_are_surely_worse_stop_a_version():
    held = held_out()
    share = float((held.grade >= 2).mean())
    right, wrong = served(held, lambda grades: grades, share), served(held, lambda grades: grades, 0.95)
    assert served_verdict(right, wrong).passed
    assert failed(served_verdict(wrong, right)) == {"served_calibration"}
    assert served_verdict(wrong, wrong).passed
    (check,) = [one for one in served_verdict(wrong, None).checks if one.name == "served_calibration"]
    assert not check.passed  # the first version has nobody to be worse than, but a bound
    assert check.value == pytest.approx(wrong.estimate("ece").value, abs=1e-6)
    assert served_verdict(wrong, None, calibration=0.9).passed


def test_lists_without_known_items_decide_nothing():
    unknown = ServedLists(served_figures([ServedList((7,), (0.5,))] * 30, [{1: 2.0}] * 30, 3), 30)
    assert served_verdict(unknown, unknown).passed
    assert served_verdict(None, None).passed
