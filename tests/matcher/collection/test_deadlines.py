"""A demand whose deadline passed is not recommended: the day is the request's, not the build's."""

from datetime import date

import numpy as np

from data.records import Achievement, Demand
from matcher.collection.columns import RecordColumns
from matcher.collection.filters import Filters
from matcher.texts.space import record_text

DEMANDS = [
    Demand(demand_id="open", title="甲"),
    Demand(demand_id="past", title="乙", deadline="2019-06-30"),
    Demand(demand_id="today", title="丙", deadline="2026-05-01"),
    Demand(demand_id="later", title="丁", deadline="2027-01-01"),
]
TODAY = date(2026, 5, 1)


def names(cards, filters):
    return [cards.ids[row] for row in np.flatnonzero(filters.allowed(cards)).tolist()]


def test_deadlines_are_kept_on_the_day_of_the_question():
    cards = RecordColumns.from_records(DEMANDS)
    assert names(cards, Filters()) == ["open", "past", "today", "later"]
    assert names(cards, Filters().on(TODAY)) == ["open", "today", "later"]
    assert names(cards, Filters().on(date(2026, 5, 2))) == ["open", "later"]
    assert names(cards, Filters().on(date(2100, 1, 1))) == ["open"]


def test_who_asks_for_closed_ones_or_another_day_gets_them():
    cards = RecordColumns.from_records(DEMANDS)
    everything = ["open", "past", "today", "later"]
    assert names(cards, Filters.none().on(TODAY)) == everything
    assert names(cards, Filters(statuses=("发布", "过期")).on(TODAY)) == everything
    assert names(cards, Filters(as_of=date(2019, 1, 1)).on(TODAY)) == everything


def test_achievements_have_no_deadline():
    cards = RecordColumns.from_records([Achievement(achievement_id="A", title="甲")])
    assert names(cards, Filters().on(TODAY)) == ["A"]


def test_kept_and_read_again_and_beside_a_table_of_an_earlier_version(tmp_path):
    cards = RecordColumns.from_records(DEMANDS)
    cards.save(tmp_path / "new")
    assert names(RecordColumns.load(tmp_path / "new"), Filters().on(TODAY)) == ["open", "today", "later"]
    old = RecordColumns(cards.table.drop_columns(["deadline"]))
    old.save(tmp_path / "old")
    loaded = RecordColumns.load(tmp_path / "old")
    assert names(loaded, Filters().on(TODAY)) == ["open", "past", "today", "later"]
    assert loaded.describes(1, DEMANDS[1], record_text(DEMANDS[1]))
    both = RecordColumns.concat([loaded, cards])
    assert both.closed_before(TODAY).tolist() == [False] * 4 + [False, True, False, False]


def test_another_deadline_is_another_record():
    cards = RecordColumns.from_records(DEMANDS)
    moved = DEMANDS[1].model_copy(update={"deadline": TODAY})
    assert cards.describes(1, DEMANDS[1], record_text(DEMANDS[1]))
    assert not cards.describes(1, moved, record_text(moved))
