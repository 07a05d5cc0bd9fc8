"""What every store must do with answers about demands, on SQLite and on a real PostgreSQL."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data.errors import NotFoundError
from data.records import MAX_LIST, Demand
from data.store.clarifications import Clarification, Clarified, clarified
from data.store.store import Store
from data.store.upserts import UpsertCounts

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
WRITTEN = Demand(demand_id="D1", title="污泥处理", content="希望有好的技术", keywords=("污泥",), budget_min=50)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("new_postgresql")()
    with Store.open(url) as opened:
        yield opened


def answer(question="product", changes=None, **fields):
    base = {"demand_id": "D1", "question": "要什么产品？", "answer": "干化机", "actor": "张三", "answered_at": NOON}
    return Clarification(question_id=question, changes=Clarified(**(changes or {})), **(base | fields))


def test_an_answer_changes_what_is_read_and_not_what_was_written(store):
    store.upsert_demands([WRITTEN])
    before = store.watermark()
    read = store.clarify(answer(changes={"keywords": ("干化机",), "region": "410100"}))
    assert read.keywords == ("污泥", "干化机")
    assert (read.region, read.title, read.content) == ("410100", WRITTEN.title, WRITTEN.content)
    assert store.demand("D1") == read == next(store.demands())
    assert [change.record for change in store.changes_since(before)] == [read]
    assert store.upsert_demands([WRITTEN]) == UpsertCounts(unchanged=1)
    assert store.demand("D1") == read
    (kept,) = store.clarifications("D1")
    assert (kept.actor, kept.answered_at, kept.question_id) == ("张三", NOON, "product")


def test_what_the_platform_writes_later_wins(store):
    store.upsert_demands([WRITTEN])
    store.clarify(answer("region", {"region": "410100"}))
    store.upsert_demands([WRITTEN.model_copy(update={"region": "320100"})])
    assert store.demand("D1").region == "320100"


def test_the_last_answer_to_a_question_counts_and_all_are_kept(store):
    store.upsert_demands([WRITTEN])
    store.clarify(answer(changes={"keywords": ("压滤机",)}))
    store.clarify(answer(changes={"keywords": ("干化机",)}, answered_at=NOON + timedelta(hours=1)))
    assert store.demand("D1").keywords == ("污泥", "干化机")
    store.clarify(answer(answer="不清楚"))
    assert store.demand("D1") == WRITTEN
    assert [kept.answer for kept in store.clarifications("D1")] == ["干化机", "干化机", "不清楚"]


def test_an_unknown_demand_takes_no_answer_and_no_revision(store):
    store.upsert_demands([WRITTEN])
    before = store.watermark()
    with pytest.raises(NotFoundError, match="D1"):
        store.clarify(answer(demand_id="D2"))
    assert store.watermark() == before
    assert store.clarifications("D2") == []


def test_a_deleted_demand_takes_no_answer(store):
    store.upsert_demands([WRITTEN])
    store.delete_demand("D1")
    with pytest.raises(NotFoundError):
        store.clarify(answer())


def test_every_field_is_filled_and_none_overwritten():
    empty = Demand(demand_id="D1", title="题")
    told = {"region": "410100", "budget_max": 9.0, "trl_min": 6, "cooperation_modes": ("许可",)}
    told["deadline"] = date(2027, 1, 1)
    filled = clarified(empty, [answer(changes=told)])
    assert filled == empty.model_copy(update=told)
    other = {"region": "320100", "budget_max": 1.0, "trl_min": 9, "cooperation_modes": ("转让",), "deadline": NOON}
    assert clarified(filled, [answer("other", other)]) == filled


def test_a_budget_below_what_the_record_states_is_left_out():
    assert clarified(WRITTEN, [answer(changes={"budget_max": 10})]) == WRITTEN
    assert clarified(WRITTEN, [answer(changes={"budget_max": 80})]).budget_max == 80


@given(st.lists(st.lists(st.text(max_size=5), max_size=30), max_size=20))
def test_keywords_stay_within_what_a_record_may_hold(lists):
    answers = [answer(f"q{i}", {"keywords": tuple(words)}) for i, words in enumerate(lists)]
    read = clarified(WRITTEN, answers)
    assert len(read.keywords) <= MAX_LIST
    Demand.model_validate(read.model_dump())


def test_an_answer_may_not_touch_texts():
    with pytest.raises(ValidationError):
        Clarified(content="另一段")
