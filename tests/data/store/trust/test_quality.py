"""Reviews of a simulated platform's providers on a frozen clock."""

from datetime import UTC, datetime, timedelta

import pytest

from data.kinds.record import KindRecord
from data.quality.ladder import LADDERS
from data.records import Achievement
from data.simulator.quality.providers import simulate_providers
from data.store.store import Store
from data.store.trust.review import review

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def world():
    return simulate_providers(100, 11, NOW)


@pytest.fixture
def store(tmp_path, world):
    with Store.open(f"sqlite:///{tmp_path}/store.db") as opened:
        opened.upsert_achievements(
            Achievement(
                achievement_id=f"A{place}", title="成果", holder=name, updated_at=world.last_active[name].date()
            )
            for place, name in enumerate(world.names)
        )
        opened.quality.evaluate([one for one in world.evaluations if one.token not in world.planted])
        yield opened


def reviewed(store, now):
    steps = review(store.quality, now, ["provider"])
    store.quality.append(steps)
    return {step.name: step.state for step in steps if step.rule == "P1"}


def test_exactly_the_planted_sleepers_are_found_and_leave_by_steps(store, world):
    assert len(world.dormant) == 18
    asleep = {name for name in world.names if world.last_active[name] < NOW - timedelta(days=180)}
    assert asleep == world.dormant
    assert reviewed(store, NOW) == dict.fromkeys(world.dormant, "提醒")
    assert reviewed(store, NOW) == {}
    awake = sorted(world.dormant)[0]
    store.upsert_achievements(
        [Achievement(achievement_id="A-new", title="新成果", holder=awake, updated_at="2026-05-20")]
    )
    left = world.dormant - {awake}
    watched = reviewed(store, NOW + timedelta(days=30))
    assert {name for name in left if watched.get(name) == "观察"} == left
    assert store.quality.history("provider", "", awake)[-1].state == "正常"
    assert store.quality.withheld() == {}
    suspended = reviewed(store, NOW + timedelta(days=60))
    ids = {f"A{place}" for place, name in enumerate(world.names) if suspended.get(name) == "暂停"}
    assert store.quality.withheld() == {"achievement": frozenset(ids)}
    assert left <= {name for name, state in suspended.items() if state == "暂停"}


def test_a_stale_record_is_asked_then_hidden_then_archived(store):
    old = KindRecord(kind="service", id="S1", title="检测", provider="甲", published_at="2025-01-01")
    store.kinds.upsert([old])

    def step(days):
        steps = [one for one in review(store.quality, NOW + timedelta(days=days), ["record"]) if one.kind == "service"]
        store.quality.append(steps)
        return [one.state for one in steps]

    assert (step(0), step(29), step(30), step(31), step(120)) == (["询问"], [], ["隐藏"], [], ["归档"])
    assert store.quality.withheld()["service"] == {"S1"}
    store.kinds.upsert([old.model_copy(update={"published_at": (NOW + timedelta(days=121)).date()})])
    assert step(122) == ["正常"]
    assert "service" not in store.quality.withheld()
    assert LADDERS["record"].states[0] == "正常"
