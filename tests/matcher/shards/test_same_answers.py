"""Three shards asked together answer as one engine over the whole bundle does."""

from itertools import chain
from typing import Any

import pytest

from data.errors import InputError, ShardedError
from data.records import Demand, UnstoredAchievement
from data.store.reading.results import Change
from matcher.collection.filters import Filters
from matcher.shards.part import shard_of
from tests.some import some

FREE = Demand.of_text("需要一种污泥干化设备，含水率降到40%以下，不要絮凝剂")
FOREIGN = Demand.of_text("祖传秘方治疗失眠多梦的中药方剂")
WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"explain": True},
    {"personalised": False, "explain": True},
    {"top": 30, "diversity": "none"},
    {"filters": Filters.none(), "diversity": "high"},
    {"filters": Filters(exclude=("A000", "A006", "D000")), "top": 3},
    {"filters": Filters(hide_hard_misses=True)},
)


@pytest.fixture(scope="module")
def whole(cut):
    return cut.whole()


@pytest.fixture(scope="module")
def asking(cut):
    return cut.asking()


def seen(value: Any) -> Any:
    """Return an answer as it is sent, with numbers to four digits: sums of products round by how many are added at once."""
    if hasattr(value, "model_dump"):
        return seen(value.model_dump())
    if isinstance(value, dict):
        return {name: seen(part) for name, part in value.items()}
    if isinstance(value, list):
        return [seen(part) for part in value]
    return pytest.approx(value, rel=0, abs=0, nan_ok=True) if isinstance(value, float) else value


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_lists_are_the_same(known, whole, asking, way):
    for demand in some([*known.world.demands[:6], FREE, FOREIGN]):
        expected = whole.recommend_achievements(demand, **way)
        assert asking.recommend_achievements(demand, **way).model_dump() == seen(expected)
    for achievement in some(known.world.achievements[:6]):
        expected = whole.recommend_demands(achievement, **way)
        assert asking.recommend_demands(achievement, **way).model_dump() == seen(expected)


def test_a_text_as_offer_and_other_wordings(whole, asking):
    offer, words = UnstoredAchievement(title=FREE.title, content=FREE.content), ("污泥脱水烘干装置",)
    assert asking.recommend_demands(offer).model_dump() == seen(whole.recommend_demands(offer))
    asked = {"rewritings": words, "top": 20}
    expected = whole.recommend_achievements(FREE, **asked)
    assert any("rewriting" in match.channels for match in expected.items)
    assert asking.recommend_achievements(FREE, **asked).model_dump() == seen(expected)


def test_pairs_paths_and_similar_records(known, whole, asking):
    for demand, achievement in some(list(zip(known.world.demands, known.world.achievements, strict=False))[:6]):
        assert asking.match(demand, achievement).model_dump() == seen(whole.match(demand, achievement))
        paths = whole.paths(demand, achievement)
        assert [path.text for path in asking.paths(demand, achievement)] == [path.text for path in paths]
        ours, theirs = (engine.requirements(demand, achievement) for engine in (asking, whole))
        assert ours.entries == theirs.entries
        assert [one.model_dump() for one in asking.similar(demand)] == seen(whole.similar(demand))
        assert [one.model_dump() for one in asking.similar(achievement)] == seen(whole.similar(achievement))


def test_each_record_is_on_one_shard(cut, whole, asking):
    held = [engine.ids("achievements") for engine in asking._shards.engines]
    assert sorted(chain(*held)) == sorted(whole.ids("achievements")) == sorted(asking.ids("achievements"))
    assert all(held)
    assert all(shard_of(one, 3) == shard for shard, ids in enumerate(held) for one in ids)
    assert asking.size("demands") == whole.size("demands")
    assert len(cut.parts) == 4


def test_a_field_that_one_shard_names_is_known_and_one_that_none_names_is_refused(asking):
    with pytest.raises(InputError, match="no record has the field"):
        asking.recommend_achievements(FREE, filters=Filters(fields=("不存在的领域",)))


def test_what_needs_the_records_is_refused_clearly(asking):
    with pytest.raises(ShardedError, match="on shards"):
        asking.query(FREE, "achievements")


def test_a_written_record_is_found_and_a_deleted_one_is_not(cut, known):
    asking, whole = cut.asking(), cut.whole()
    demand = Demand.of_text("污泥干化脱水，烘干设备")
    new = known.world.achievements[0].model_copy(
        update={"achievement_id": "A-new", "title": demand.title, "holder": "新"}
    )
    gone = asking.recommend_achievements(demand).items[0].id
    changes = [
        Change(kind="achievements", record_id="A-new", record=new, revision=1),
        Change(kind="achievements", record_id=gone, record=None, revision=2),
    ]
    for engine in some([whole, *asking._shards.engines]):
        engine.apply(changes)
    found = [match.id for match in asking.recommend_achievements(demand).items]
    assert "A-new" in found
    assert gone not in found
    assert found == [match.id for match in whole.recommend_achievements(demand).items]
    assert asking.match(demand, new).model_dump() == seen(whole.match(demand, new))
