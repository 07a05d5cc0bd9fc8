"""States of a match: no sequence of actions reaches an undefined state, and what was undone leaves no trace."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConflictError, InputError
from data.records import DeclineReason
from data.work.match_state import MOVES, Action, ActionKind, MatchState, apply, check, replay
from tests.some import some

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def move(target: str, number: int = 1, operator: str = "甲") -> Action:
    reason = DeclineReason.PRICE if target == MatchState.DECLINED else None
    return Action("D1", "A1", ActionKind.MOVE, target, operator, NOON, f"t{number}", reason, number=number)


actions = st.builds(
    lambda kind, value, reason, undone: Action(
        "D1", "A1", kind, value, "甲", NOON, "t", reason, undone_at=NOON if undone else None
    ),
    st.sampled_from(ActionKind),
    st.sampled_from([*(state.value for state in MatchState), "", "1", "2026-06-01", "2026-13-01", "乙", "否"]),
    st.sampled_from([None, DeclineReason.PRICE]),
    st.booleans(),
)


@given(st.lists(actions, min_size=1, max_size=12))
def test_no_sequence_reaches_an_undefined_state(tried):
    work = replay("D1", "A1", [])
    admitted = []
    for number, action in some(enumerate(tried, start=1)):
        try:
            check(work, action, None)
        except InputError:
            continue
        before = work
        admitted.append(replace(action, **{"number": number}))
        work = replay("D1", "A1", admitted)
        if action.kind is ActionKind.MOVE and action.undone_at is None:
            assert work.state in MOVES[before.state]
        assert (work.state is MatchState.DECLINED) == (work.reason is not None)
    assert work == replay("D1", "A1", [action for action in admitted if action.undone_at is None])


def test_a_deal_is_final_and_what_was_declined_can_be_taken_up_again():
    assert MOVES[MatchState.DEAL] == frozenset()
    declined = apply(replay("D1", "A1", []), move("不合适"))
    check(declined, move("会面"), None)
    with pytest.raises(InputError, match="不合适 cannot become 新"):
        check(declined, move("新"), None)


def test_every_way_leads_forward():
    order = list(MatchState)
    for state in some(order[:5]):
        later = set(order[order.index(state) + 1 :])
        assert MOVES[state] == later


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (move("完成"), "no state '完成'"),
        (replace(move("不合适"), **{"reason": None}), "has a reason"),
        (replace(move("会面"), **{"reason": DeclineReason.PRICE}), "a reason belongs to 不合适"),
        (replace(move("明天"), **{"kind": ActionKind.NEXT_DATE}), "give it as 2027-01-31"),
        (replace(move("yes"), **{"kind": ActionKind.SHORTLIST}), "the short list takes"),
        (replace(move("长" * 1001), **{"kind": ActionKind.NOTE}), "1001 characters"),
    ],
)
def test_what_is_not_possible_is_said(action, said):
    with pytest.raises(InputError, match=said):
        check(replay("D1", "A1", []), action, None)


def test_who_looked_before_somebody_else_moved_is_told():
    work = apply(replay("D1", "A1", []), move("洽谈", 1, "乙"))
    with pytest.raises(ConflictError, match="乙 set the match to 洽谈 meanwhile"):
        check(work, move("已联系", 2), seen=0)
    with pytest.raises(ConflictError, match="洽谈 already, set by 乙"):
        check(work, move("洽谈", 2), seen=0)
    check(work, move("成交", 2), seen=0)


def test_other_actions_leave_the_state():
    work = apply(replay("D1", "A1", []), move("会面", 1))
    for number, (kind, value) in enumerate(
        [(ActionKind.ASSIGN, "乙"), (ActionKind.NEXT_DATE, "2026-06-01"), (ActionKind.SHORTLIST, "1")], start=2
    ):
        work = apply(
            work, replace(move(value, number), **{"kind": kind, "reason": None, "at": NOON + timedelta(hours=number)})
        )
    assert (work.state, work.assignee, str(work.next_date), work.shortlisted) == ("会面", "乙", "2026-06-01", True)
