"""States of assignments: nothing leads anywhere undefined, and due times keep to China's working days."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConflictError, InputError
from data.work.assignment_state import (
    DUE_DAYS,
    MOVES,
    OPEN,
    Assignment,
    AssignmentState,
    Outcome,
    Refusal,
    Step,
    check_step,
    due_of,
    escalation,
)
from data.work.working_days import due_after, is_working_day
from tests.some import some

NOON = datetime(2026, 9, 30, 4, tzinfo=UTC)
VALUES = ("", "成交", Refusal.BUSY.value, "5", "9")


def assigned(state):
    return Assignment(1, "D1", "B1", state, NOON, "甲", NOON, due_of(state, NOON))


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 10, 1), False),  # National Day
        (date(2026, 10, 10), True),  # a Saturday that was made a working day
        (date(2026, 10, 11), False),
        (date(2027, 2, 8), False),  # Spring Festival, not arranged yet: by statute
    ],
)
def test_working_days_are_those_of_china(day, working):
    assert is_working_day(day) is working


def test_due_times_leave_holidays_out():
    assert due_after(NOON, 1) == datetime(2026, 10, 8, 10, tzinfo=UTC)  # 18:00 in China on the first day after
    assert due_after(NOON, 3) == datetime(2026, 10, 10, 10, tzinfo=UTC)
    assert due_of(AssignmentState.CLOSED, NOON) is None


def test_who_sees_to_what_is_late():
    one = assigned(AssignmentState.ACCEPTED)
    assert DUE_DAYS[AssignmentState.ACCEPTED] == 2
    assert [escalation(one, datetime(2026, 10, day, 11, tzinfo=UTC)) for day in (8, 9, 10)] == [0, 1, 2]
    assert escalation(assigned(AssignmentState.CLOSED), datetime(2027, 1, 1, tzinfo=UTC)) == 0


@given(st.lists(st.tuples(st.sampled_from(list(AssignmentState)), st.sampled_from(VALUES)), min_size=1))
def test_no_sequence_of_steps_leaves_the_states(steps):
    one = assigned(AssignmentState.PROPOSED)
    for state, value in some(steps):
        step = Step(1, state, "甲", NOON, "t", value)
        try:
            check_step(one, step, one.state)
        except InputError:
            continue
        assert state in MOVES[one.state]
        assert (state is AssignmentState.CLOSED) == (value in {outcome.value for outcome in Outcome})
        one = assigned(state)
        assert (one.due_at is not None) == (one.state in OPEN)


def test_what_another_did_first_is_a_conflict():
    step = Step(1, AssignmentState.CONTACTED, "甲", NOON, "t")
    with pytest.raises(ConflictError, match="已接单"):
        check_step(assigned(AssignmentState.ACCEPTED), step, AssignmentState.PROPOSED)
