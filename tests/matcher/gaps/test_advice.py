"""Advice: what is promised comes true when the record is really changed."""

import pytest

from data.errors import InputError
from data.records import Achievement
from matcher.engine import Engine
from matcher.gaps.advice import NEAR, Advice, advise, possible_changes
from matcher.rescoring import best_demands
from tests.matcher.particulars import BUDGET, demand, offer, particular_engine, particular_world
from tests.some import some

TOP = 4


@pytest.fixture(scope="module")
def world():
    return particular_world()


@pytest.fixture(scope="module")
def engine(world, encoder) -> Engine:
    return particular_engine(world, encoder)


@pytest.fixture(scope="module")
def advice(world, engine) -> list[tuple[Achievement, list[Advice]]]:
    """Advice for all achievements about the demands that they suit best."""
    by_id = {record.demand_id: record for record in world.demands}
    found = []
    for record in world.achievements:
        wanted = [by_id[demand_id] for demand_id in best_demands(engine, record, 6)]
        found.append((record, advise(engine, record, wanted, top=TOP)))
    return found


def test_some_advice_is_given_and_it_names_what_lacks(advice):
    given = [item for _, items in advice for item in items]
    assert given
    assert {item.change.kind for item in given} <= {"trl", "price", "together"}
    assert any(item.enough for item in given)
    for item in given:
        assert TOP < item.before <= NEAR * TOP
        assert item.after < item.before
        assert item.enough == (item.after <= TOP)
        assert item.score_after > item.score_before


def test_the_promised_change_brings_the_promised_rank(world, engine, advice):
    """The record is really changed through the engine's own way of writing, and changed back."""
    by_id = {record.demand_id: record for record in world.demands}
    tried = 0
    for record, items in some(advice):
        for item in [item for item in items if item.enough][:1]:
            changed = Achievement.model_validate(record.model_dump() | item.change.update)
            engine.upsert_achievements([changed])
            answer = engine.recommend_achievements(by_id[item.demand_id], top=TOP)
            place = {match.id: match for match in answer.items}[record.achievement_id]
            assert place.rank == item.after
            assert place.score == pytest.approx(item.score_after, abs=1e-5)
            engine.upsert_achievements([record])
            tried += 1
    assert tried >= 3


def test_the_smallest_sufficient_readiness_is_advised(world, engine, advice):
    by_id = {record.demand_id: record for record in world.demands}
    checked = 0
    for record, items in some(advice):
        for item in [item for item in items if item.enough and item.change.kind == "trl"][:1]:
            less = item.change.update["trl"] - 1
            if less > record.trl:  # of one level less than one level is the record as it is
                engine.upsert_achievements([record.model_copy(update={"trl": less})])
            ranks = {m.id: m.rank for m in engine.recommend_achievements(by_id[item.demand_id], top=TOP).items}
            assert record.achievement_id not in ranks
            engine.upsert_achievements([record])
            checked += 1
    assert checked


def test_only_what_is_not_met_can_be_changed():
    wanted = demand("需要污泥干化设备", trl_min=6, budget_max=BUDGET, cooperation_modes=("许可", "入股"))
    fine = offer(1, "污泥干化", trl=9, price_min=80.0, transfer_modes=("许可", "作价投资"))
    assert possible_changes(fine, wanted) == []
    poor = offer(2, "污泥干化", trl=5, price_min=300.0, price_max=400.0)
    changes = {change.kind: change for change in possible_changes(poor, wanted)}
    assert changes["price"].update == {"price_min": BUDGET, "price_max": BUDGET}
    assert changes["modes"].update == {"transfer_modes": ("许可", "作价投资")}
    for change in changes.values():
        Achievement.model_validate(poor.model_dump() | change.update)


def test_a_record_that_says_nothing_is_told_to_say_it():
    wanted = demand("需要污泥干化设备", trl_min=6, budget_max=BUDGET)
    texts = [change.text for change in possible_changes(offer(1, "污泥干化"), wanted)]
    assert [text[:4] for text in texts] == ["如实填写", "标明报价"]


def test_an_indicator_is_advised_only_where_its_like_state_it():
    wanted = demand("污泥干化设备。含水率不超过40%，噪声不超过70dB。")
    silent = offer(1, "污泥干化设备", content="低温干化，运行稳定。")
    assert possible_changes(silent, wanted) == []
    stranger = offer(2, "激光焊接", indicators="焊缝强度达到300MPa")
    assert possible_changes(silent, wanted, [stranger]) == []
    peer = offer(3, "热泵干化机", indicators="含水率35%")
    (change,) = possible_changes(silent, wanted, [peer])
    assert "含水率不超过40%" in change.update["indicators"]
    assert "噪声" not in change.update["indicators"]
    assert peer.title in change.text
    stated = silent.model_copy(update={"indicators": "含水率45%"})
    assert possible_changes(stated, wanted, [peer]) == []


def test_bad_requests_are_refused(world, engine, known):
    with pytest.raises(InputError, match="top is 0"):
        advise(engine, world.achievements[0], [], top=0)
    with pytest.raises(InputError, match="says nothing"):
        advise(engine, offer(1, "。"), world.demands[:1])
    with pytest.raises(InputError, match="no ranker"):
        advise(Engine(known.model), world.achievements[0], world.demands[:1])
