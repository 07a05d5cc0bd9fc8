"""The assignment: least cost under capacities, the same for the same input, nobody above the limit."""

from datetime import date
from itertools import product
from math import inf

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from data.kinds.record import KindRecord
from data.taxonomy.places import distance_km, place_of
from matcher.assignment.brokers import broker_of, deputy_of, span_of
from matcher.assignment.costs import Weights, pair_costs, place_cost
from matcher.assignment.skill import SkillRates
from matcher.assignment.solve import assign, by_age
from matcher.assignment.types import Task, Worker

ZHENGZHOU, LUOYANG, BEIJING = (place_of(code) for code in ("410105", "410300", "110108"))
places = st.sampled_from([ZHENGZHOU, LUOYANG, BEIJING, None])
tasks = st.lists(
    st.builds(Task, st.sampled_from("abcdef"), places, field=st.sampled_from(["环保", "材料"])),
    unique_by=lambda task: task.id,
    max_size=4,
)
workers = st.lists(
    st.builds(
        Worker,
        st.sampled_from("xyz"),
        st.integers(0, 3),
        places,
        open=st.integers(0, 2),
        recent=st.integers(0, 5),
        skill=st.sampled_from([0.2, 0.5, 0.9]),
    ),
    unique_by=lambda worker: worker.id,
    max_size=3,
)


def cost_of(chosen, asked, team):
    """Return what an assignment costs; those who wait cost more than anything."""
    mean = sum(worker.recent for worker in team) / len(team)
    paired, total = pair_costs(asked, team, Weights()), 0.0
    taken = dict.fromkeys((worker.id for worker in team), 0)
    for row, task in enumerate(asked):
        if chosen[task.id] is None:
            total += 1_000
            continue
        column = [worker.id for worker in team].index(chosen[task.id])
        total += paired[row, column] + place_cost(team[column], taken[chosen[task.id]], mean, Weights())
        taken[chosen[task.id]] += 1
        if taken[chosen[task.id]] > team[column].free:
            return inf
    return total


@given(tasks, workers)
@hypothesis_settings(max_examples=60)
def test_no_assignment_is_cheaper_and_no_capacity_exceeded(asked, team):
    chosen = assign(asked, team)
    assert chosen == assign(asked[::-1], team[::-1])
    team = [worker for worker in team if worker.free]
    if not team or not asked:
        assert set(chosen.values()) <= {None}
        return
    names = [worker.id for worker in team] + [None]
    ids = [task.id for task in asked]
    every = (dict(zip(ids, pick, strict=True)) for pick in product(names, repeat=len(ids)))
    least = min(cost_of(pick, asked, team) for pick in every)
    assert cost_of(chosen, asked, team) == pytest.approx(least)


def test_who_declined_is_left_out_and_the_near_one_who_knows_the_field_comes_first():
    near = Worker("near", 2, ZHENGZHOU, fields=frozenset({"环保"}))
    far = Worker("far", 2, BEIJING, fields=frozenset({"环保"}))
    assert assign([Task("d", LUOYANG, field="环保")], [far, near]) == {"d": "near"}
    assert assign([Task("d", LUOYANG, field="环保", excluded=frozenset({"near"}))], [far, near]) == {"d": "far"}
    assert assign([Task("d", excluded=frozenset({"near", "far"}))], [far, near]) == {"d": None}
    assert 100 < distance_km(ZHENGZHOU, LUOYANG) < 125


def test_of_too_many_the_older_ones_are_taken_unless_nobody_may():
    asked = [Task(name, priority=rank) for name, rank in zip("cab", by_age(3), strict=True)]
    assert assign(asked, [Worker("w", 2)]) == {"c": "w", "a": "w", "b": None}
    asked[0] = Task("c", excluded=frozenset({"w"}), priority=1.0)
    assert assign(asked, [Worker("w", 2)]) == {"c": None, "a": "w", "b": "w"}


def test_load_spreads_over_equals():
    found = assign([Task(str(number)) for number in range(6)], [Worker("a", 6), Worker("b", 6), Worker("c", 6)])
    assert sorted(found.values()) == ["a", "a", "b", "b", "c", "c"]


def test_skill_is_shrunken_to_the_worker_and_to_all():
    rates = SkillRates([("a", "环保", True)] * 8 + [("b", "环保", False)] * 8 + [("c", "材料", True)])
    assert rates.rate("a", "环保") > rates.rate("a", "材料") > rates.overall > rates.rate("b", "环保")
    assert rates.overall < rates.rate("c", "材料") < rates.rate("a", "环保")  # one case proves little
    assert rates.closed("a", "环保") == (8, 8)


def test_a_broker_is_read_from_a_record():
    attributes = {
        "regions": ("河南省",),
        "absences": ("2026-12-28/2027-01-05", "某天"),
        "deputy": "李四",
        "open_limit": 3,
    }
    record = KindRecord(kind="broker", id="B1", title="张三", region="410105", attributes=attributes)
    broker = broker_of(record)
    other = broker_of(KindRecord(kind="broker", id="B2", title="李四"))
    assert (broker.limit, broker.regions, broker.place) == (3, frozenset({"410000"}), ZHENGZHOU)
    assert [broker.away(date(2027, 1, day)) for day in (5, 6)] == [True, False]
    assert deputy_of(broker, {"B1": broker, "B2": other}) == other
    assert span_of("2026-12-05至2026-12-01") is None
