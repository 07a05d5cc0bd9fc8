"""RecordColumns and the features of what records state; missing wherever a side is silent."""

from datetime import date

import numpy as np
import pytest

from data.records import Achievement, AchievementStatus, Demand
from matcher.collection.card_row import SCHEMA
from matcher.collection.columns import RecordColumns
from matcher.collection.pairs import PairBatch
from matcher.features.attributes import ATTRIBUTES, attribute_features

FULL_DEMAND = Demand(
    demand_id="D1",
    title="污泥干化",
    content="含水率",
    field="资源与环境",
    industries=("3463",),
    region="330600",
    trl_min=5,
    budget_min=50,
    budget_max=100,
    cooperation_modes=("委托开发", "入股"),
    enterprise="某厂",
)
FULL_ACHIEVEMENT = Achievement(
    achievement_id="A1",
    title="干化设备",
    field="资源与环境",
    industries=("3499", "3462"),
    region="330100",
    trl=8,
    price_min=10,
    transfer_modes=("作价投资", "许可"),
    holder="某校",
    published_at=date(2020, 1, 1),
    updated_at=date(2024, 7, 1),
)
BARE_DEMAND, BARE_ACHIEVEMENT = Demand(demand_id="D0", title="无"), Achievement(achievement_id="A0", title="涂层")


@pytest.fixture(scope="module")
def features(known):
    """Return a function that gives each attribute's values of all pairs of demands and achievements."""
    encoder = known.model.record_encoder

    def found(demands, achievements):
        pairs = PairBatch.product(encoder.demands(demands), encoder.achievements(achievements))
        return dict(zip(ATTRIBUTES, attribute_features(pairs).T, strict=True))

    return found


def test_features_by_hand(features):
    found = {name: values[0] for name, values in features([FULL_DEMAND], [FULL_ACHIEVEMENT]).items()}
    assert tuple(found) == ATTRIBUTES
    assert found["same_field"] == 1
    assert found["industry_depth"] == 3  # 346x
    assert found["region_level"] == 1  # same province, another city
    assert found["trl_margin"] == 3
    assert found["price_to_budget"] == pytest.approx(-1)  # a tenth of the budget
    assert found["mode_overlap"] == 0.5  # of 委托开发 and 入股 the holder offers 作价投资
    assert found["achievement_year"] == pytest.approx(2024.5, abs=0.01)


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"field": "新材料"}, "same_field", 0),
        ({"region": "330600"}, "region_level", 2),
        ({"region": "320600"}, "region_level", 0),
        ({"industries": ("3463",)}, "industry_depth", 4),
        ({"industries": ("26",)}, "industry_depth", 0),
        ({"trl": 3}, "trl_margin", -2),
        ({"price_min": None, "price_max": 1000.0}, "price_to_budget", 1),
        ({"transfer_modes": ("技术服务",)}, "mode_overlap", 0),
    ],
)
def test_each_attribute_follows_its_records(features, change, name, value):
    found = features([FULL_DEMAND], [FULL_ACHIEVEMENT.model_copy(update=change)])
    assert found[name][0] == pytest.approx(value)


def test_a_silent_side_is_missing_not_zero(features):
    found = features([FULL_DEMAND, BARE_DEMAND], [BARE_ACHIEVEMENT, FULL_ACHIEVEMENT])
    for name in ATTRIBUTES[:-1]:
        assert np.isnan(found[name]).tolist() == [True, False, True, True], name
    assert np.isnan(found["achievement_year"]).tolist() == [True, False, True, False]


def test_an_attribute_of_a_pair_does_not_depend_on_what_else_is_asked(features):
    """One candidate alone, as at serving time, looks as it did among all records in training."""
    others = [
        FULL_ACHIEVEMENT.model_copy(update={"achievement_id": f"B{i}", "updated_at": date(2025, 1, 1 + i)})
        for i in range(5)
    ]
    among = features([FULL_DEMAND], [FULL_ACHIEVEMENT, *others, BARE_ACHIEVEMENT])
    alone = features([FULL_DEMAND], [FULL_ACHIEVEMENT])
    for name in ATTRIBUTES:
        assert among[name][0] == alone[name][0], name


def test_cards_keep_what_is_shown_and_filtered():
    cards = RecordColumns.from_records([FULL_ACHIEVEMENT, BARE_ACHIEVEMENT])
    assert cards.table.schema == SCHEMA
    card = cards.card(0)
    assert (card["id"], card["owner"], card["money_min"], card["trl"]) == ("A1", "某校", 10.0, 8)
    assert card["published"] == date(2024, 7, 1)
    assert cards.rows == {"A1": 0, "A0": 1}
    assert cards.owners.tolist() == [0, -1]
    demand = RecordColumns.from_records([FULL_DEMAND]).card(0)
    assert (demand["owner"], demand["money_max"], demand["trl"]) == ("某厂", 100.0, 5)


def test_cards_saved_are_the_same_and_no_cards_are_cards(tmp_path):
    cards = RecordColumns.from_records([FULL_ACHIEVEMENT, BARE_ACHIEVEMENT])
    cards.save(tmp_path / "cards")
    again = RecordColumns.load(tmp_path / "cards")
    assert again.table.equals(cards.table)
    assert dict(again.rows) == {"A1": 0, "A0": 1}
    for name in ("trl", "money_max", "owners", "text_ids", "region", "fields", "mode_flags"):
        np.testing.assert_array_equal(getattr(again, name), getattr(cards, name))
    assert (again.industry_prefixes != cards.industry_prefixes).nnz == 0
    none = RecordColumns.from_records([])
    assert len(none) == 0
    assert len(RecordColumns.concat([none, cards])) == 2
    assert cards.take(np.array([1, 0, 1])).ids == ["A0", "A1", "A0"]


def test_records_of_one_text_are_one_matter():
    records = [
        FULL_ACHIEVEMENT,
        FULL_ACHIEVEMENT.model_copy(update={"achievement_id": "A2", "title": "幹化設備 "}),  # Traditional, a blank
        FULL_ACHIEVEMENT.model_copy(update={"achievement_id": "A3", "content": "另有说明"}),
        BARE_ACHIEVEMENT,
    ]
    cards = RecordColumns.from_records(records)
    assert cards.text_ids[0] == cards.text_ids[1]
    assert len(set(cards.text_ids.tolist())) == 3
    groups = cards.identity_groups()
    assert groups[0] == groups[1] == groups[2]  # the title alone makes them one for learning
    assert groups[3] != groups[0]


def test_masks_by_hand():
    closed = FULL_ACHIEVEMENT.model_copy(update={"achievement_id": "A4", "status": AchievementStatus.OFFLINE})
    cards = RecordColumns.from_records([FULL_ACHIEVEMENT, BARE_ACHIEVEMENT, closed])
    assert cards.one_of("status", ["发布"]).tolist() == [True, True, False]
    assert cards.has_industry(["34"]).tolist() == [True, False, True]
    assert cards.has_industry(["35", "3499"]).tolist() == [True, False, True]
    assert cards.in_region(["330000"]).tolist() == [True, False, True]
    assert cards.in_region(["330100"]).tolist() == [True, False, True]
    assert cards.in_region(["330102", "110000"]).tolist() == [False, False, False]
    assert cards.affordable(10).tolist() == [True, False, True]
    assert cards.affordable(9.99).tolist() == [False, False, False]
    assert cards.is_one_of_ids(["A4", "unknown"]).tolist() == [False, False, True]
