"""What the store's orders must do, on SQLite and on a real PostgreSQL: legal steps only, none lost or doubled, one winner."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import ConflictError, GongxuError, InputError
from data.store.store import Store
from data.work.order_state import Admission, Capacity, OrderAction, OrderState, OrderStep, Party, Published, replay
from tests.some import some

NOON = datetime(2026, 5, 6, 4, tzinfo=UTC)
A, S = OrderAction, OrderState
GOOD = {"result": 5, "response": 4, "skill": 3, "conduct": 5}
# Who may do what in which state, and the state after it: written down here once more.
LEGAL = {
    ("已发布", "shortlist", "client"): "已入围",
    ("已入围", "shortlist", "client"): "已入围",
    ("已拒单", "shortlist", "client"): "已入围",
    ("已入围", "order", "client"): "已下单",
    ("已拒单", "order", "client"): "已下单",
    ("已下单", "accept", "provider"): "已接单",
    ("已下单", "decline", "provider"): "已拒单",
    ("已接单", "decline", "provider"): "已拒单",
    ("已接单", "deliver", "provider"): "已交付",
    ("已交付", "evaluate", "client"): "已评价",
    ("已交付", "evaluate", "provider"): "已交付",
    ("已评价", "evaluate", "provider"): "已评价",
    ("已发布", "withdraw", "client"): "已撤回",
    ("已入围", "withdraw", "client"): "已撤回",
    ("已下单", "withdraw", "client"): "已撤回",
    ("已接单", "withdraw", "client"): "已撤回",
    ("已拒单", "withdraw", "client"): "已撤回",
}


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def store(request, tmp_path_factory):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('orders') / 'store.db'}"
    else:
        url = request.getfixturevalue("new_postgresql")()
    with Store.open(url) as opened:
        yield opened


_tokens = iter(range(1_000_000))


def step(order, action, token="", party="", record="S1", by="甲", **more):
    own = "provider" if action in ("accept", "decline", "deliver") else "client"
    values = {"scores": GOOD} if action == "evaluate" else {"reason": "其他"} if action == "decline" else {}
    values |= {"kind": "service", "record_id": record} if action in ("shortlist", "order") else {}
    token = token or f"t{next(_tokens)}"
    return OrderStep(order, A(action), Party(party or own), by, NOON, token, **values | more)


def published(store):
    return store.orders.publish(Published("D1", "企业"), step(0, "publish")).number


def taken_to(store, state):
    number = published(store)
    for action in ("shortlist", "order", "accept", "deliver")[
        : ["已入围", "已下单", "已接单", "已交付"].index(state) + 1
    ]:
        store.orders.act(step(number, action))
    return number


actions = st.sampled_from([action.value for action in A if action is not A.PUBLISH])
moves = st.tuples(actions, st.sampled_from(["client", "provider"]), st.sampled_from(["S1", "S2"]), st.booleans())


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(moves, min_size=8, max_size=16))
def test_any_sequence_reaches_states_by_legal_steps_only_and_replays_change_nothing(store, wanted):
    number, state, listed, declined, evaluated, current = published(store), "已发布", [], [], [], ""
    taken = []
    for drawn, by, record, at_random in some(wanted):
        possible = [key for key in LEGAL if key[0] == state]
        legal = (state, drawn, by) if at_random or not possible else possible[len(taken) % len(possible)]
        _, action, party = legal  # mostly legal ones, or sequences would stay where they are
        after = LEGAL.get((state, action, party))
        fits = {
            "shortlist": record not in listed,
            "order": record in listed and record not in declined,
            "evaluate": party not in evaluated,
        }.get(action, True)
        sent = step(number, action, party=party, record=record)
        try:
            order = store.orders.act(sent)
        except InputError:
            assert after is None or not fits, (state, action, party)
        else:
            assert after is not None, (state, action, party)
            assert (order.state.value, fits) == (after, True)
            state, taken = after, [*taken, sent]
            listed += [record] if action == "shortlist" else []
            current = record if action == "order" else current
            declined += [current] if action == "decline" else []
            evaluated += [party] if action == "evaluate" else []
    order, steps = store.orders.get(number), store.orders.steps(number)
    assert [one.token for one in steps[1:]] == [one.token for one in taken]
    assert replay(number, order.about, steps) == order
    assert (order.state.value, [ref.record_id for ref in order.shortlist]) == (state, listed)
    for sent in reversed(taken):
        assert store.orders.act(sent) == order
    assert store.orders.steps(number) == steps
    (head,) = [one for one in store.orders.listed((order.state,), limit=2_000) if one.number == number]
    assert head == order


def at_once(calls):
    """Run calls in threads of their own at once and return what each came to."""
    found = [None] * len(calls)

    def run(place):
        try:
            found[place] = calls[place]()
        except GongxuError as error:
            found[place] = error

    threads = [Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_two_acceptances_of_an_order_one_wins(store):
    number = taken_to(store, "已下单")
    found = at_once([lambda by=by: store.orders.act(step(number, "accept", by=by)) for by in ("甲", "乙", "丙")])
    assert sorted(type(one).__name__ for one in found) == ["ConflictError", "ConflictError", "Order"]
    assert [one.action for one in store.orders.steps(number)].count(A.ACCEPT) == 1
    store.orders.act(step(number, "withdraw"))


def test_the_same_acceptance_sent_at_once_counts_once(store):
    number = taken_to(store, "已下单")
    sent = step(number, "accept")
    found = at_once([lambda: store.orders.act(sent)] * 3)
    assert {one.state for one in found} == {S.ACCEPTED}
    assert [one.action for one in store.orders.steps(number)].count(A.ACCEPT) == 1
    store.orders.act(step(number, "withdraw"))


def test_no_record_takes_more_than_it_can(store):
    two = Admission(capacity=Capacity(3, 1, "同时承接数", "检测"))
    numbers = [taken_to(store, "已下单") for _ in range(4)]
    found = at_once([lambda number=number: store.orders.act(step(number, "accept"), None, two) for number in numbers])
    full = [one for one in found if isinstance(one, InputError)]
    assert (len(full), store.orders.accepted("service", "S1")) == (2, 2)
    assert all("在办 3 项（其中本平台订单 2 项），已达同时承接数 3" in one.chinese for one in some(full))


def test_undone_steps_do_not_count_and_reported_ones_stay(store):
    number = taken_to(store, "已交付")
    for sent in [one for one, order in store.orders.pending(NOON + timedelta(days=1)) if order.number != number]:
        store.orders.mark({sent.number: "elsewhere"})
    with pytest.raises(ConflictError, match="甲"):
        store.orders.act(step(number, "evaluate", by="乙"), seen=1)
    assert store.orders.undo(number, "甲", NOON + timedelta(minutes=9)).state is S.ACCEPTED
    deliver = step(number, "deliver")
    store.orders.act(deliver)
    with pytest.raises(InputError, match="last 10 minutes"):
        store.orders.undo(number, "甲", NOON + timedelta(minutes=11))
    pending = store.orders.pending(NOON + timedelta(seconds=1))
    assert [one.action for one, _ in pending] == [A.ORDER, A.ACCEPT, A.DELIVER]
    store.orders.mark({one.number: f"order-step-{one.number}" for one, _ in pending})
    assert store.orders.pending(NOON + timedelta(days=1)) == []
    with pytest.raises(InputError, match="last 10 minutes"):
        store.orders.undo(number, "甲", NOON)
    assert store.orders.act(deliver).state is S.DELIVERED
