"""What the store's work on matches must do, on SQLite and on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from data.errors import ConflictError, InputError, NotFoundError
from data.records import DeclineReason, EventKind
from data.store.store import Store
from data.work.match_state import UNDO, Action, ActionKind, MatchState

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    url = (
        f"sqlite:///{tmp_path / 'store.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("new_postgresql")()
    )
    with Store.open(url) as opened:
        yield opened


def move(target, token, operator="甲", at=NOON, achievement="A1", reason=None):
    return Action("D1", achievement, ActionKind.MOVE, target, operator, at, token, reason)


def test_an_action_sent_twice_counts_once(store):
    first = store.matches.act(move("已联系", "t1"))
    assert store.matches.act(move("已联系", "t1", at=NOON + timedelta(seconds=3))) == first
    assert len(store.matches.history("D1", "A1")) == 1
    with pytest.raises(InputError, match="stands for another action"):
        store.matches.act(move("会面", "t1"))


def test_history_and_state_come_back_as_they_were(store):
    store.matches.act(move("已推送", "t1"))
    store.matches.act(Action("D1", "A1", ActionKind.ASSIGN, "李经理", "甲", NOON, "t2"))
    work = store.matches.act(move("不合适", "t3", reason=DeclineReason.PRICE))
    assert store.matches.work("D1", "A1") == work
    assert (work.state, work.reason, work.assignee) == (MatchState.DECLINED, DeclineReason.PRICE, "李经理")
    assert [action.value for action in store.matches.history("D1", "A1")] == ["已推送", "李经理", "不合适"]
    assert store.matches.of_demand("D1") == {"A1": work}


def test_undo_within_ten_minutes_by_who_did_it(store):
    store.matches.act(move("已推送", "t1"))
    store.matches.act(move("会面", "t2", at=NOON + timedelta(minutes=1)))
    with pytest.raises(NotFoundError, match="乙 did nothing"):
        store.matches.undo("D1", "A1", "乙", NOON + timedelta(minutes=2))
    assert store.matches.undo("D1", "A1", "甲", NOON + timedelta(minutes=2)).state is MatchState.SENT
    assert store.matches.undo("D1", "A1", "甲", NOON + UNDO).state is MatchState.NEW
    with pytest.raises(NotFoundError):
        store.matches.undo("D1", "A1", "甲", NOON + UNDO)
    assert store.matches.pending(NOON + timedelta(days=1)) == []


def test_what_another_moved_since_is_not_undone_under_him(store):
    store.matches.act(move("已推送", "t1"))
    store.matches.act(move("会面", "t2", operator="乙"))
    with pytest.raises(ConflictError, match="乙 changed it since, to 会面"):
        store.matches.undo("D1", "A1", "甲", NOON + timedelta(minutes=1))


def test_moves_become_events_once_and_with_their_operator(store):
    store.matches.act(move("已联系", "t1"))
    store.matches.act(move("不合适", "t2", reason=DeclineReason.LOCATION, at=NOON + timedelta(minutes=5)))
    assert store.matches.pending(NOON) == []
    pending = store.matches.pending(NOON + timedelta(minutes=6))
    assert [(event.kind, event.reason, event.operator) for _, event in pending] == [
        (EventKind.CONTACT, None, "甲"),
        (EventKind.DECLINE, DeclineReason.LOCATION, "甲"),
    ]
    for _ in range(2):  # as after a crash between the two steps
        store.append_events(event for _, event in pending)
    store.matches.mark({number: event.event_id for number, event in pending})
    assert store.counts().events == 2
    assert store.matches.pending(NOON + timedelta(days=1)) == []
    with pytest.raises(NotFoundError, match="an outcome event already"):
        store.matches.undo("D1", "A1", "甲", NOON + timedelta(minutes=7))


def test_the_board_shows_the_latest_change_first(store):
    for number, achievement in enumerate(("A1", "A2", "A3")):
        store.matches.act(move("已推送", f"t{number}", achievement=achievement))
    store.matches.act(move("已联系", "t9", achievement="A1"))
    assert [work.achievement_id for work in store.matches.board()] == ["A1", "A3", "A2"]


def test_two_operators_at_once_lose_nothing(store):
    seen, refused, done = store.matches.work("D1", "A1").last, [], []

    def act(operator):
        for number, state in enumerate(("已推送", "已联系", "会面", "洽谈", "成交")):
            try:
                done.append(store.matches.act(move(state, f"{operator}{number}", operator=operator), seen))
            except InputError as error:
                refused.append(str(error))
        store.matches.act(Action("D1", "A1", ActionKind.NOTE, f"{operator}的备注", operator, NOON, f"{operator}n"))

    threads = [Thread(target=act, args=(name,)) for name in ("甲", "乙")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = store.matches.history("D1", "A1")
    assert len(done) + len(refused) == 10
    assert [action.value for action in history if action.kind is ActionKind.MOVE] == [
        state.value for state in sorted({work.state for work in done}, key=list(MatchState).index)
    ]
    assert {action.value for action in history if action.kind is ActionKind.NOTE} == {"甲的备注", "乙的备注"}
    assert store.matches.work("D1", "A1").state is MatchState.DEAL
