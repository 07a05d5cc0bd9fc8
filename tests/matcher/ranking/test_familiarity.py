"""Foreign topics and nonsense are refused, with and without a ranker; what the collection speaks of is not."""

from dataclasses import replace

import pytest

from data.records import Achievement, Demand, UnstoredDemand
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.model import FAMILIARITY_FILE
from matcher.ranking.familiarity import LEAST_DEMANDS, familiarity, least_familiarity
from matcher.recommendation import NO_GOOD_MATCH

FOREIGN = (
    "帮我们招两个会计，月薪六千",
    "呵呵哒紫色的星期三跑得比味道快",
    "殡葬用品在线祭扫元宇宙",
    "明星演唱会门票代购",
    "asdfgh qwerty zxcvbn",
)


def asked(text: str) -> Demand:
    return UnstoredDemand(title=text)


@pytest.mark.parametrize("trained", [True, False], ids=["trained", "without a ranker"])
@pytest.mark.parametrize("text", FOREIGN)
def test_a_foreign_text_has_no_good_match(taught, trained, text):
    model = taught if trained else replace(taught, scorer=None)
    answer = Engine(model).recommend_achievements(asked(text))
    assert not answer.answered
    assert answer.message.startswith((NO_GOOD_MATCH, "未能读懂"))
    assert NO_GOOD_MATCH in answer.verdict.text


@pytest.mark.parametrize("trained", [True, False], ids=["trained", "without a ranker"])
def test_a_text_of_a_known_topic_is_answered(taught, trained):
    model = taught if trained else replace(taught, scorer=None)
    for text in ("污泥干化脱水设备", "锂电池正极材料工艺", "风电叶片故障诊断系统"):
        answer = Engine(model).recommend_achievements(asked(text))
        assert answer.answered, text
        assert answer.items


def test_stored_demands_are_hardly_ever_foreign(taught, known):
    engine = Engine(taught)
    refused = [one for one in known.world.demands if not engine.recommend_achievements(one).items]
    assert len(refused) <= 1


def test_a_filter_makes_no_topic_foreign(taught, known):
    """Only records of other topics pass; they are the nearest that are allowed, and shown."""
    engine, demand = Engine(taught), known.world.demands[0]
    topic = known.world.demand_topic[0]
    same = [
        record.achievement_id
        for record, other in zip(known.world.achievements, known.world.achievement_topic, strict=True)
        if other == topic
    ]
    plain = replace(taught, scorer=None)
    assert Engine(plain).recommend_achievements(demand, filters=Filters(exclude=tuple(same))).items
    assert engine.recommend_achievements(demand).answered


def test_what_was_written_a_second_ago_is_not_foreign(taught):
    """Its words are in no vocabulary yet; the record is found by them, and shown."""
    engine = Engine(taught)
    text = "量子引力波望远镜镜面抛光"
    assert not engine.recommend_achievements(asked(text)).answered
    engine.upsert_achievements([Achievement(achievement_id="NEW", title="引力波望远镜的镜面抛光", content="量子")])
    assert [match.id for match in engine.recommend_achievements(asked(text)).items][:1] == ["NEW"]
    engine.upsert_achievements([], ["NEW"])
    assert not engine.recommend_achievements(asked(text)).answered


def test_familiarity_is_the_share_of_known_words_times_the_best_cosine(known):
    space = known.space
    assert familiarity(space, ["污泥", "干化"], 0.8) == pytest.approx(0.8)
    assert familiarity(space, ["污泥", "演唱会"], 0.8) == pytest.approx(0.4)
    assert familiarity(space, ["演唱会"], 0.9) == 0.0
    assert familiarity(space, [], 0.9) == 0.0
    assert familiarity(space, ["污泥"], -0.1) == 0.0


def test_few_demands_are_not_typical_of_anything(known):
    view = known.demands
    few = [demand.title for demand in known.world.demands[: LEAST_DEMANDS - 1]]
    vectors = view.texts.full.vectors
    assert least_familiarity(known.space, few, vectors[: len(few)], known.model.achievements) is None
    assert known.model.least_familiarity > 0.05


def test_a_bundle_keeps_what_is_usual(taught, tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    taught.save_records(folder)
    assert (folder / FAMILIARITY_FILE).is_file()
    assert str(taught.least_familiarity) in (folder / FAMILIARITY_FILE).read_text()
