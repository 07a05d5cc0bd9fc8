"""From outcome events to graded pairs."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

import training.pairs
from data.records import GRADES, Achievement, Demand, EventKind, OutcomeEvent
from matcher.cards import Cards
from training.pairs import IMPRESSION_WEIGHT, JUDGEMENT_WEIGHT, OUTCOME_WEIGHT, graded_pairs

DEMANDS = Cards.from_records([Demand(demand_id=f"D{i}", title=f"需求{i}") for i in range(3)])
ACHIEVEMENTS = Cards.from_records([Achievement(achievement_id=f"A{i}", title=f"成果{i}") for i in range(4)])
START = datetime(2026, 1, 1, tzinfo=UTC)


def event(number, kind, demand="D0", achievement="A0", level=None):
    return OutcomeEvent(
        event_id=f"E{number}",
        demand_id=demand,
        achievement_id=achievement,
        kind=kind,
        occurred_at=START + timedelta(hours=number),
        level=level,
    )


def rows(events):
    pairs = graded_pairs(events, DEMANDS, ACHIEVEMENTS)
    columns = (pairs.d, pairs.a, pairs.grade, pairs.weight)
    return [tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def happened(*kinds):
    return [event(n, kind) for n, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("kinds", "grade"),
    [
        (["impression"], 0),
        (["impression", "click"], 1),
        (["click", "impression"], 1),
        (["impression", "favourite", "click"], 2),
        (["contact"], 2),
        (["contact", "meeting", "contact"], 3),
        (["negotiation", "deal", "impression"], 4),
        (["contact", "meeting", "decline"], 0),  # what came before a decline came to nothing
        (["decline", "contact"], 2),  # what comes after it counts again
        (["decline"], 0),
        (["deal", "decline", "impression"], 0),
    ],
)
def test_a_pair_s_grade_is_the_best_since_the_last_decline(kinds, grade):
    weight = OUTCOME_WEIGHT if grade else IMPRESSION_WEIGHT
    assert rows(happened(*kinds)) == [(0, 0, grade, weight)]


def test_every_judgement_is_a_row_of_its_own_so_that_experts_may_disagree():
    judged = [event(1, "judgement", level=4), event(2, "judgement", level=1), event(3, "click")]
    assert rows(judged) == [
        (0, 0, 3, JUDGEMENT_WEIGHT),
        (0, 0, 0, JUDGEMENT_WEIGHT),
        (0, 0, 1, OUTCOME_WEIGHT),
    ]


def test_pairs_that_a_side_no_longer_knows_are_left_out():
    sent = [event(1, "deal", demand="gone"), event(2, "deal", achievement="gone"), event(3, "deal", "D2", "A3")]
    assert rows(sent) == [(2, 3, 4, OUTCOME_WEIGHT)]


def test_no_events_give_no_pairs():
    pairs = graded_pairs([], DEMANDS, ACHIEVEMENTS)
    assert len(pairs) == 0
    assert (pairs.d.dtype, pairs.weight.dtype) == (np.int64, np.float64)


KINDS = st.sampled_from([kind for kind in EventKind if kind is not EventKind.JUDGEMENT])


@given(st.lists(st.tuples(KINDS, st.integers(0, 2), st.integers(0, 3)), max_size=30))
@limits(max_examples=60, deadline=None)
def test_against_a_plain_reading_of_the_log(log):
    events = [event(n, kind, f"D{d}", f"A{a}") for n, (kind, d, a) in enumerate(log)]
    expected = {}
    for d, a in {(d, a) for _, d, a in log}:
        mine = [kind for kind, *pair in log if tuple(pair) == (d, a)]
        declined = max((n for n, kind in enumerate(mine) if kind is EventKind.DECLINE), default=-1)
        expected[d, a] = max((GRADES[kind] for kind in mine[declined + 1 :]), default=0)
    assert {(d, a): grade for d, a, grade, _ in rows(events)} == expected
    assert len(rows(events)) == len(expected)


def test_of_too_many_pairs_the_telling_ones_stay(monkeypatch):
    monkeypatch.setattr(training.pairs, "MAX_PAIRS", 4)
    sent = [event(1, "judgement", "D0", "A0", level=1)]
    sent += [event(10 + n, "impression", f"D{n % 3}", f"A{n % 4}") for n in range(9)]
    sent += [event(30, "contact", "D1", "A3"), event(31, "deal", "D2", "A3")]
    found = rows(sent)
    assert len(found) == 4
    assert (0, 0, 0, JUDGEMENT_WEIGHT) in found
    assert {(d, a) for d, a, grade, _ in found if grade >= 2} == {(1, 3), (2, 3)}
    assert found == rows(sent)
