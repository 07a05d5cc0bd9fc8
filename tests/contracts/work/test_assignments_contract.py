"""What the store's assignments must do, on SQLite and on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from data.errors import InputError, NotFoundError
from data.store.store import Store
from data.store.work.assignments import Proposal
from data.work.assignment_state import OPEN, AssignmentState, Step

NOON = datetime(2026, 5, 6, 4, tzinfo=UTC)
S = AssignmentState


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("new_postgresql")()


@pytest.fixture
def store(url):
    with Store.open(url) as opened:
        yield opened


def step(number, state, token, value="", at=NOON):
    return Step(number, state, "甲", at, token, value)


def test_a_demand_has_one_assignment_and_no_broker_more_than_the_limit(store):
    wanted = [Proposal("D1", "B1"), Proposal("D1", "B2"), Proposal("D2", "B1"), Proposal("D3", "B1")]
    made = store.assignments.propose(wanted, {"B1": 2, "B2": 5}, "甲", NOON)
    assert [(one.demand_id, one.broker_id) for one in made] == [("D1", "B1"), ("D2", "B1")]
    assert store.assignments.propose(wanted, {"B1": 2, "B2": 5}, "甲", NOON) == []
    assert store.assignments.load(NOON) == ({"B1": 2}, {"B1": 2})


def test_two_dispatchers_at_once_exceed_no_capacity(store):
    proposals = [Proposal(f"D{number}", "B1") for number in range(6)]
    threads = [
        Thread(target=store.assignments.propose, args=(proposals[place:] + proposals[:place], {"B1": 4}, "甲", NOON))
        for place in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.assignments.listed(OPEN)) == 4


def test_steps_are_kept_and_sent_twice_count_once(store):
    (one,) = store.assignments.propose([Proposal("D1", "B1", {"km": 3})], {"B1": 1}, "甲", NOON)
    accepted = store.assignments.act(step(one.number, S.ACCEPTED, "t1"), S.PROPOSED)
    assert store.assignments.act(step(one.number, S.ACCEPTED, "t1"), S.PROPOSED) == accepted
    with pytest.raises(InputError, match="another step"):
        store.assignments.act(step(one.number, S.CONTACTED, "t1"))
    with pytest.raises(InputError, match="no step that somebody takes"):
        store.assignments.act(step(one.number, S.TIMED_OUT, "t2"))
    store.assignments.act(step(one.number, S.CLOSED, "t3", "成交", NOON + timedelta(hours=30)))
    rated = store.assignments.act(step(one.number, S.RATED, "t4", "5", NOON + timedelta(hours=40)))
    assert (rated.outcome, rated.value, rated.why, rated.due_at) == ("成交", "5", {"km": 3}, None)
    assert [done.state for done in store.assignments.steps(one.number)] == [S.ACCEPTED, S.CLOSED, S.RATED]
    assert store.assignments.durations() == [(S.ACCEPTED, 0.0), (S.CLOSED, 30.0), (S.RATED, 10.0)]
    with pytest.raises(NotFoundError):
        store.assignments.get(99)


def test_due_times_outlive_the_process_and_expire_once(store, url):
    (one,) = store.assignments.propose([Proposal("D1", "B1")], {"B1": 1}, "甲", NOON)
    with Store.open(url) as again:  # as after a kill: nothing was in memory
        assert again.assignments.expire(one.due_at) == []
        assert [late.number for late in again.assignments.expire(one.due_at + timedelta(seconds=1))] == [one.number]
    assert store.assignments.expire(one.due_at + timedelta(days=9)) == []
    assert store.assignments.get(one.number).state is S.TIMED_OUT
    assert store.assignments.refused({"D1"}) == {"D1": {"B1"}}


def test_handing_over_is_all_or_nothing(store):
    made = store.assignments.propose([Proposal("D1", "B1"), Proposal("D2", "B1")], {"B1": 2}, "甲", NOON)
    store.assignments.act(step(made[1].number, S.ACCEPTED, "t1"))
    store.assignments.act(step(made[1].number, S.CLOSED, "t2", "未成交"))
    numbers, others = [one.number for one in made], [Proposal("D1", "B2"), Proposal("D2", "B2")]
    with pytest.raises(InputError, match="已办结"):
        store.assignments.hand_over(numbers, others, "甲", NOON)
    assert store.assignments.get(made[0].number).state is S.PROPOSED
    (new,) = store.assignments.hand_over(numbers[:1], others[:1], "甲", NOON)
    assert (new.broker_id, store.assignments.get(made[0].number).state) == ("B2", S.HANDED_OVER)
