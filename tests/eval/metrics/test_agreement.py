"""Cohen's kappa against numbers worked out by hand."""

import math

import pytest

from eval.metrics.agreement import agreement


def test_kappa_of_good_or_not_is_cohen_s():
    """Cohen's own layout: 20 both good, 15 both bad, 5 and 10 apart: observed 0.7, by chance 0.5."""
    people = [4.0] * 25 + [1.0] * 25
    model = [4] * 20 + [1] * 5 + [4] * 10 + [1] * 15
    found = agreement([f"D{n % 10}" for n in range(50)], people, model, 3.0)
    assert found.kappa.value == pytest.approx(0.4)
    assert found.kappa.low < 0.4 < found.kappa.high
    assert (found.number, found.demands) == (50, 10)


def test_weights_forgive_what_is_near():
    people = [1.0, 2.0, 3.0, 4.0] * 5
    near, far = [2, 2, 3, 3] * 5, [4, 2, 3, 1] * 5
    names = [f"D{n}" for n in range(20)]
    assert agreement(names, people, near, 3.0).weighted.value > 0.6
    assert agreement(names, people, far, 3.0).weighted.value < 0
    halves = agreement(names, [2.5] * 10 + [1.0] * 10, [2] * 10 + [1] * 10, 3.0)
    assert 0 < halves.weighted.value < 1


@pytest.mark.parametrize("people", [[], [3.0], [3.0, 3.0, 3.0]])
def test_without_two_levels_there_is_no_figure(people):
    found = agreement(["D"] * len(people), people, [3] * len(people), 3.0)
    assert found.number == len(people)
    assert math.isnan(found.weighted.value)
