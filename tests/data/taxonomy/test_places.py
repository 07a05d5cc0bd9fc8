"""Kilometres between places: by city, symmetric, nothing where one is not known."""

import pytest

from data.taxonomy.places import kilometres


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("330100", "310000", 165),  # 杭州, 上海
        ("330110", "310115", 165),  # their districts
        ("110000", "440300", 1943),  # 北京, 深圳
        ("410100", "410300", 110),  # 郑州, 洛阳
        ("330100", "330106", 0),
    ],
)
def test_distances_are_those_of_a_map(one, other, expected):
    assert kilometres(one, other) == pytest.approx(expected, rel=0.06, abs=1)
    assert kilometres(one, other) == kilometres(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [(None, "330100"), ("330000", "330100"), ("999999", "330100"), ("330100", None)]
)
def test_an_unknown_place_has_no_distance(one, other):
    assert kilometres(one, other) is None
