"""From outcome events to graded pairs."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

import training.outcomes.graded_pairs
from data.records import GRADES, STORED, Achievement, DeclineReason, Demand, EventKind, OutcomeEvent
from matcher.collection.columns import RecordColumns
from matcher.history.graded_pairs import NO_REASON, NOT_SHOWN
from training.outcomes.delays import DAY, delay_distribution
from training.outcomes.graded_pairs import (
    DECLINE_WEIGHT,
    IMPRESSION_WEIGHT,
    JUDGEMENT_WEIGHT,
    LEAST_CERTAINTY,
    MATURITY_DAYS,
    OUTCOME_WEIGHT,
    REASON_NAMES,
    REASONS,
    graded_pairs,
)

DEMANDS = RecordColumns.from_records([Demand(demand_id=f"D{i}", title=f"需求{i}") for i in range(3)])
ACHIEVEMENTS = RecordColumns.from_records([Achievement(achievement_id=f"A{i}", title=f"成果{i}") for i in range(4)])
START = datetime(2026, 1, 1, tzinfo=UTC)


def event(number, kind, demand="D0", achievement="A0", level=None, **more):
    return OutcomeEvent(
        event_id=f"E{number}",
        demand_id=demand,
        achievement_id=achievement,
        kind=kind,
        occurred_at=START + timedelta(hours=number),
        level=level,
        **more,
    )


def shown(number, request, position, achievement="A0", kind="impression"):
    return event(number, kind, "D0", achievement, request_id=request, position=position)


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
    declined = "decline" in kinds and not grade
    weight = OUTCOME_WEIGHT if grade else DECLINE_WEIGHT if declined else IMPRESSION_WEIGHT
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
    monkeypatch.setattr(training.outcomes.graded_pairs, "MAX_PAIRS", 4)
    sent = [event(1, "judgement", "D0", "A0", level=1)]
    sent += [event(10 + n, "impression", f"D{n % 3}", f"A{n % 4}") for n in range(9)]
    sent += [event(30, "contact", "D1", "A3"), event(31, "deal", "D2", "A3")]
    found = rows(sent)
    assert len(found) == 4
    assert (0, 0, 0, JUDGEMENT_WEIGHT) in found
    assert {(d, a) for d, a, grade, _ in found if grade >= 2} == {(1, 3), (2, 3)}
    assert found == rows(sent)


def test_later_events_join_the_request_that_showed_the_pair():
    pairs = graded_pairs(
        [
            shown(1, "R1", 3),
            shown(2, "R2", 1),
            event(3, "click", request_id="R1"),
            event(4, "contact", request_id="R1"),
            event(5, "meeting"),  # names no request: the latest row
            shown(6, "R2", 2, "A1"),
        ],
        DEMANDS,
        ACHIEVEMENTS,
    )
    assert list(zip(pairs.a.tolist(), pairs.position.tolist(), pairs.grade.tolist(), strict=True)) == [
        (0, 3, 2),
        (0, 1, 3),
        (1, 2, 0),
    ]
    assert len(set(pairs.log.request.tolist())) == 2
    assert (pairs.shown_at[1] - pairs.shown_at[0]) == 3600


def test_an_event_that_arrives_before_its_impression_finds_it():
    pairs = graded_pairs([event(1, "click", request_id="R1"), shown(2, "R1", 4)], DEMANDS, ACHIEVEMENTS)
    assert (pairs.grade.tolist(), pairs.position.tolist()) == ([1], [4])


def test_a_decline_ends_every_earlier_row_of_the_pair_and_keeps_its_reason():
    pairs = graded_pairs(
        [
            shown(1, "R1", 1),
            event(2, "contact", request_id="R1"),
            shown(3, "R2", 1),
            event(4, "decline", request_id="R2", reason="price"),
            shown(5, "R3", 2),
            event(6, "click", request_id="R3"),
        ],
        DEMANDS,
        ACHIEVEMENTS,
    )
    assert pairs.grade.tolist() == [0, 0, 1]
    assert pairs.log.reason.tolist() == [NO_REASON, REASONS.index(DeclineReason.PRICE), NO_REASON]
    assert set(REASON_NAMES) == set(DeclineReason) == set(REASONS)


def test_rows_nobody_showed_have_no_position():
    pairs = graded_pairs([event(1, "deal"), event(2, "judgement", level=2)], DEMANDS, ACHIEVEMENTS)
    assert pairs.position.tolist() == [NOT_SHOWN, NOT_SHOWN]
    assert pairs.judged.tolist() == [False, True]


@given(st.lists(st.tuples(KINDS, st.integers(0, 2), st.integers(0, 3), st.integers(1, 3)), max_size=30), st.randoms())
@limits(max_examples=40, deadline=None)
def test_what_was_known_at_a_moment_does_not_depend_on_what_came_after(log, random):
    events = [event(n, kind, f"D{d}", f"A{a}", request_id=f"R{request}") for n, (kind, d, a, request) in enumerate(log)]
    cut = random.randint(0, len(events))
    moment = (START + timedelta(hours=cut)).timestamp()

    def known(sent):
        pairs = graded_pairs(sent, DEMANDS, ACHIEVEMENTS)
        rows, grades = pairs.known_as_of(moment)
        return sorted(zip(pairs.d[rows].tolist(), pairs.a[rows].tolist(), grades.tolist(), strict=True))

    future = [
        one.model_copy(update={"occurred_at": START + timedelta(hours=cut + n)})
        for n, one in enumerate(random.sample(events[cut:], len(events) - cut))
    ]
    assert known(events) == known(events[:cut]) == known(events[:cut] + future)


def test_a_young_row_is_no_failure_yet_and_an_old_one_is():
    day = 24
    events = [shown(1, "R0", 1), event(2, "click", request_id="R0")]
    events += [shown(200 * day, "R1", 1), event(200 * day + 1, "click", request_id="R1"), shown(200 * day + 2, "R2", 1)]
    pairs = graded_pairs(events, DEMANDS, ACHIEVEMENTS)
    old, clicked, ignored = pairs.certain
    assert MATURITY_DAYS < 200
    assert old.tolist() == [1, 1, 1, 1]
    assert clicked.tolist() == [1, *[LEAST_CERTAINTY] * 3]  # it was clicked, and may still become anything
    assert ignored.tolist() == [LEAST_CERTAINTY] * 4
    assert pairs.weight_for_threshold(1).tolist() == [
        OUTCOME_WEIGHT,
        LEAST_CERTAINTY,
        LEAST_CERTAINTY * IMPRESSION_WEIGHT,
    ]


def test_once_reactions_are_known_to_come_at_once_silence_tells_at_once():
    events = []
    for n in range(40):
        events += [shown(10 * n, f"R{n}", 1), event(10 * n + 1, "click", request_id=f"R{n}")] if n < 30 else []
    events += [shown(400, "S1", 1), shown(402, "S2", 1)]
    pairs = graded_pairs(events, DEMANDS, ACHIEVEMENTS)
    assert pairs.certain[-2].tolist() == [1, 1, 1, 1]  # two hours old; clicks take one
    assert pairs.certain[-1].tolist() == [LEAST_CERTAINTY] * 4  # shown this minute


def test_a_judgement_says_nothing_of_deals():
    pairs = graded_pairs([event(1, "judgement", level=4)], DEMANDS, ACHIEVEMENTS)
    assert pairs.certain.tolist() == [[1, 1, 1, 0]]


def test_delays_are_recovered_from_a_log_that_ends_too_early():
    """Exponential delays of mean 60 days, starts spread over 300 days: the long ones of late starts are missing."""
    random = np.random.default_rng(0)
    delay, window = random.exponential(60 * DAY, 20_000), random.uniform(0, 300 * DAY, 20_000)
    seen = delay <= window
    found = delay_distribution(delay[seen], window[seen])
    ages = np.array([15, 30, 60, 120, 240]) * DAY
    truth = 1 - np.exp(-ages / (60 * DAY))
    plain = (delay[seen][:, None] <= ages).mean(axis=0)
    np.testing.assert_allclose(found.arrived(ages), truth, atol=0.03)
    assert np.abs(plain - truth).max() > 0.06
    assert delay_distribution(delay[:19], window[:19]) is None
    assert found.arrived(np.array([0.0, 1e12])).tolist() == [0.0, 1.0]


def test_a_click_stamped_before_its_impression_joins_its_own_request():
    events = [
        shown(1, "R1", 3),
        event(2, "click", request_id="R2"),
        event(2, "contact", request_id="R2"),
        shown(3, "R2", 1),
        shown(4, "R3", 5),
    ]
    pairs = graded_pairs(events, DEMANDS, ACHIEVEMENTS)
    assert list(zip(pairs.position.tolist(), pairs.grade.tolist(), strict=True)) == [(3, 0), (1, 2), (5, 0)]
    # not any later one: a day apart is no difference of clocks
    far = [shown(1, "R1", 3), event(2, "click", request_id="R2"), shown(40, "R2", 1)]
    pairs = graded_pairs(far, DEMANDS, ACHIEVEMENTS)
    assert list(zip(pairs.position.tolist(), pairs.grade.tolist(), strict=True)) == [(3, 1), (1, 0)]


def test_a_repeated_impression_of_a_request_is_one_row_whatever_the_order():
    events = [event(1, "click", request_id="R"), shown(2, "R", 4), shown(3, "R", 4), event(5, "deal", request_id="R")]
    pairs = graded_pairs(events, DEMANDS, ACHIEVEMENTS)
    assert (pairs.position.tolist(), pairs.grade.tolist()) == ([4], [4])


def test_no_event_moves_the_ripeness_of_others():
    ages = range(0, 24 * 200, 24)
    events = [shown(hour, f"R{hour}", 1) for hour in ages]
    events += [event(hour + 30, "contact", request_id=f"R{hour}") for hour in ages if hour % 72 == 0]
    events.sort(key=lambda one: one.occurred_at)
    now = events[-1].occurred_at + timedelta(hours=1)
    before = graded_pairs(events, DEMANDS, ACHIEVEMENTS, now=now)
    for wrong in (20, 24 * 30, 24 * 365 * 900):
        late = OutcomeEvent.model_validate(
            {
                **event(0, "click", "D1", "A1").model_dump(),
                "event_id": "wrong",
                "occurred_at": now + timedelta(hours=wrong),
            },
            context=STORED,
        )
        after = graded_pairs([*events, late], DEMANDS, ACHIEVEMENTS, now=now)
        assert after.certain[: len(before)].tolist() == before.certain.tolist()
        # a clock that is hours ahead is still believed to have seen a click, one that is days ahead is not
        assert len(after) - len(before) == (1 if wrong < 24 else 0)
    assert (before.certain[:, 0] < 1).any()


def test_what_lists_showed_is_counted_before_rows_are_sampled(monkeypatch):
    monkeypatch.setattr(training.outcomes.graded_pairs, "MAX_PAIRS", 2)
    events = [shown(n, f"R{n}", 1, f"A{n % 2}") for n in range(5)]
    events += [shown(5, "R0", 1, "A0", "contact"), event(6, "judgement", "D1", "A3", level=3)]
    found = graded_pairs(events, DEMANDS, ACHIEVEMENTS)
    assert len(found) == 2
    assert list(zip(found.showings.d, found.showings.a, found.showings.times, strict=True)) == [(0, 0, 3), (0, 1, 2)]
    kept = found.take(np.flatnonzero(found.d == 1))
    assert len(kept) == 1
    assert len(kept.showings.times) == 0


def test_without_lists_nothing_was_shown():
    found = graded_pairs([event(0, "judgement", level=3), event(1, "contact")], DEMANDS, ACHIEVEMENTS)
    assert found.showings is None
