from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InputError
from data.quality.ladder import LADDERS, acted, appealed, next_step, notices_given, state_of
from tests.some import some

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def walk(subject, days):
    """Review daily with a rule that always applies; return the day of each step."""
    history, seen = [], []
    for day in range(days):
        step = next_step(subject, "", "甲", history, "P1", NOW + timedelta(days=day))
        if step is not None:
            history.append(step)
            seen.append((day, step.state))
    return seen


def test_a_sleeper_goes_step_by_step_and_never_early():
    assert walk("provider", 400) == [(0, "提醒"), (30, "观察"), (60, "暂停"), (120, "退出")]
    assert walk("record", 400) == [(0, "询问"), (30, "隐藏"), (120, "归档")]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(("review", "awake", "confirm", "appeal", "uphold", "reject", "reinstate")), st.integers(1, 70)
    ),
    min_size=1,
    max_size=25,
)


@given(moves=MOVES)
def test_nobody_leaves_without_two_notices_and_an_appeal_stops_everything(moves):
    history, now = [], NOW
    for move, days in some(moves):
        now += timedelta(days=days)
        before = list(history)
        if move in ("review", "awake"):
            step = next_step("provider", "", "甲", history, "P1" if move == "review" else None, now)
            if step is not None:
                assert not appealed(history)
                history.append(step)
        else:
            try:
                history.append(acted("provider", "", "甲", history, move, "platform", now, "理由"))
            except InputError:
                continue
        ladder = LADDERS["provider"]
        moved = ladder.place(state_of(history)) - ladder.place(state_of(before))
        assert moved <= 1
        if state_of(history) == "退出" and moved:
            assert notices_given(before) >= 2
            assert now - before[-1].at >= timedelta(days=60)
        if state_of(before) == "暂停" and state_of(history) == "正常":
            assert move in ("uphold", "reinstate")  # a suspended provider's own word is not enough


def test_who_wakes_up_returns_and_what_is_not_possible_is_said():
    asked = [next_step("record", "service", "S1", [], "R1", NOW)]
    assert next_step("record", "service", "S1", asked, None, NOW).state == "正常"
    assert next_step("provider", "", "甲", [], None, NOW) is None
    hidden = [*asked, next_step("record", "service", "S1", asked, "R1", NOW + timedelta(days=30))]
    assert acted("record", "service", "S1", hidden, "confirm", "甲", NOW, "仍有效").state == "正常"
    with pytest.raises(InputError, match="appeal"):
        acted("provider", "", "甲", [], "appeal", "甲", NOW, "")
