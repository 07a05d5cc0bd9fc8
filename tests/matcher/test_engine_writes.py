"""Writing through the engine: visible at once, to every reader in one piece."""

from dataclasses import replace
from threading import Event, Thread

import numpy as np
import pytest

from data.records import AchievementStatus
from data.text.segment import content_words
from matcher.collection.filters import Filters
from matcher.engine import MAX_TOP, Engine
from matcher.model import MatchingModel
from matcher.ranking.channels import candidates_of, search_channels
from matcher.texts.space import record_text

EVERYTHING = Filters.none()


@pytest.fixture
def engine(known, encoder) -> Engine:
    """An engine that may be written to; without a ranker it withholds no answer."""
    built = MatchingModel.build(known.world.achievements, known.world.demands, encoder)
    return Engine(replace(built, version="fresh"))


def found(engine, demand, **options):
    answer = engine.recommend_achievements(demand, top=MAX_TOP, filters=options.get("filters", EVERYTHING))
    return {match.id: match for match in answer.items}


def renamed(record, title, **changes):
    return record.model_copy(update={"title": title, **changes})


def test_a_new_record_is_found_by_the_next_request(known, engine):
    demand, like = known.world.demands[0], known.world.achievements[0]
    before = found(engine, demand)
    engine.upsert_achievements([renamed(like, "全新污泥干化成果", achievement_id="N1", holder="新单位")])
    after = found(engine, demand)
    assert set(after) == set(before) | {"N1"}
    assert after["N1"].title == "全新污泥干化成果"
    assert after["N1"].owner == "新单位"
    assert set(after["N1"].channels) == {"dense", "lexical", "graph"}


def test_a_changed_record_is_found_in_its_new_state_only(known, engine):
    demand, record = known.world.demands[0], known.world.achievements[0]
    for title in ("改名一次污泥", "改名两次污泥", "改名三次污泥"):
        engine.upsert_achievements([renamed(record, title)])
        answer = found(engine, demand)
        assert answer[record.record_id].title == title
        assert len(answer) == 36


def test_a_deleted_record_is_gone_and_may_come_back(known, engine):
    demand, record = known.world.demands[0], known.world.achievements[0]
    engine.upsert_achievements([], deleted=[record.record_id, "unknown"])
    assert record.record_id not in found(engine, demand)
    engine.upsert_achievements([renamed(record, "回来的污泥")])
    assert found(engine, demand)[record.record_id].title == "回来的污泥"
    engine.upsert_achievements([], deleted=[record.record_id])
    engine.upsert_achievements([], deleted=[record.record_id])
    assert record.record_id not in found(engine, demand)


def test_filters_see_the_new_state(known, engine):
    demand, record = known.world.demands[0], known.world.achievements[0]
    engine.upsert_achievements([record.model_copy(update={"status": AchievementStatus.OFFLINE, "field": "新领域"})])
    assert record.record_id not in found(engine, demand, filters=Filters())
    assert set(found(engine, demand, filters=Filters(statuses=(), fields=("新领域",)))) == {record.record_id}


def test_demands_are_written_alike(known, engine):
    record = known.world.demands[0]
    offered = known.world.achievements[0]

    def ids():
        answer = engine.recommend_demands(offered, top=MAX_TOP, filters=EVERYTHING)
        return {match.id: match.title for match in answer.items}

    engine.upsert_demands([renamed(record, "污泥新需求", demand_id="N1"), renamed(record, "污泥改名")], ["D006"])
    assert ids()["N1"] == "污泥新需求"
    assert ids()["D000"] == "污泥改名"
    assert "D006" not in ids()


def test_of_an_id_written_twice_in_one_call_the_last_counts(known, engine):
    demand, record = known.world.demands[0], known.world.achievements[0]
    engine.upsert_achievements([renamed(record, "污泥第一版"), renamed(record, "污泥第二版")])
    answer = engine.recommend_achievements(demand, top=MAX_TOP, filters=EVERYTHING)
    assert [m.title for m in answer.items if m.id == record.record_id] == ["污泥第二版"]
    assert engine.size("achievements") == 36


def test_a_written_record_equals_a_built_one(known, engine, encoder, taught):
    """Scored through the update path, a record gets the score it would have had in the bundle."""
    engine = Engine(replace(engine.model, scorer=taught.scorer))
    record = known.world.achievements[0]
    demand = known.world.demands[0]
    before = {m.id: m.score for m in engine.recommend_achievements(demand, top=6).items}
    assert record.record_id in before
    engine.upsert_achievements([record])
    after = {m.id: m.score for m in engine.recommend_achievements(demand, top=6).items}
    assert after == pytest.approx(before, abs=1e-5)


def test_the_size_counts_what_can_be_found(known, engine):
    assert (engine.size("achievements"), engine.size("demands")) == (36, 24)
    engine.upsert_achievements([renamed(known.world.achievements[0], "污泥", achievement_id="N1")], ["A001", "A002"])
    assert engine.size("achievements") == 35


@pytest.mark.slow
def test_readers_see_the_old_state_or_the_new_one_never_both_or_none(known, engine):
    """A writer rewrites, deletes and brings back records as fast as it can; readers read as fast as they can.

    A, rewritten all the time, is in every answer exactly once. B and C change places: exactly one is in every answer.
    """
    world = known.world
    demand, (first, second, third) = world.demands[0], world.achievements[:3]
    engine.upsert_achievements([renamed(first, "版本0")], deleted=[third.record_id])
    done, failures, versions = Event(), [], set()

    def read():
        while not done.is_set():
            try:
                answer = engine.recommend_achievements(demand, top=MAX_TOP, filters=EVERYTHING)
                ids = [match.id for match in answer.items]
                mine = [match.title for match in answer.items if match.id == first.record_id]
                versions.update(mine)
                if len(mine) != 1 or (second.record_id in ids) == (third.record_id in ids) or len(ids) != 35:
                    failures.append((mine, len(ids), second.record_id in ids, third.record_id in ids))
            except Exception as error:
                failures.append(error)

    readers = [Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    n = 0
    while n < 40 or (len(versions) <= 5 and not failures):  # on a busy machine readers see few of forty
        n += 1
        gone, back = (second, third) if n % 2 else (third, second)
        engine.upsert_achievements([renamed(first, f"版本{n}"), back], deleted=[gone.record_id])
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert len(versions) > 5
    assert found(engine, demand)[first.record_id].title == f"版本{n}"


def test_a_slow_reader_still_finds_what_was_there_when_it_began(known, engine):
    """Many writes may pass while one request is under way; what it may recommend must still be in the indexes."""
    demand, record = known.world.demands[0], known.world.achievements[0]
    collection = engine.collection("achievements")  # the state a request takes hold of at its beginning
    for n in range(5):
        engine.upsert_achievements([renamed(record, f"污泥改名{n}")])
    words = content_words(record_text(demand).full)
    vector = np.asarray(known.model.record_encoder.demands([demand]).texts.full.vectors[0])
    candidates = candidates_of(search_channels(vector, words, collection, collection.allowed(EVERYTHING)))
    titles = [
        collection.base.cards.titles[row]
        for row in candidates.rows
        if collection.base.cards.ids[row] == record.record_id
    ]
    assert titles == [record.title]
