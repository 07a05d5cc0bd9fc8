"""The engine: both directions, filters, bounds, diversity, honest refusals."""

from dataclasses import replace

import numpy as np
import pytest

from data.errors import InputError
from data.records import Achievement, Demand
from data.store.store import Store
from data.text.normalise import meaningful
from matcher.collection.filters import OPEN_STATUSES, Filters
from matcher.engine import EMPTY_STORE, MAX_TOP, NO_RANKER, Engine
from matcher.model import MatchingModel
from matcher.recommendation import NO_GOOD_MATCH
from tests.some import some


@pytest.fixture(scope="module")
def engine(taught) -> Engine:
    return Engine(taught)


@pytest.fixture(scope="module")
def retrieval(platform) -> Engine:
    """The simulated platform without a ranker: answers are never withheld."""
    return Engine(MatchingModel.load(platform.built))


@pytest.fixture(scope="module")
def stored(platform):
    with Store.open(platform.settings.store_url) as store:
        return list(store.demands()), list(store.achievements())


def topic_of(known, answer, side):
    topics = known.world.achievement_topic if side == "achievements" else known.world.demand_topic
    return [int(topics[int(match.id[1:])]) for match in answer.items]


@pytest.mark.parametrize("row", [0, 7, 23])
def test_a_demand_finds_the_achievements_of_its_topic(known, engine, row):
    answer = engine.recommend_achievements(known.world.demands[row], top=6)
    assert topic_of(known, answer, "achievements") == [known.world.demand_topic[row]] * 6
    assert answer.subject_id == known.world.demands[row].demand_id
    assert answer.answered
    assert not answer.degraded
    assert answer.message == ""
    assert answer.bundle_version == "taught"


@pytest.mark.parametrize("row", [0, 8, 35])
def test_an_achievement_finds_the_demands_of_its_topic(known, engine, row):
    answer = engine.recommend_demands(known.world.achievements[row], top=4)
    assert topic_of(known, answer, "demands") == [known.world.achievement_topic[row]] * 4
    assert answer.subject_id == known.world.achievements[row].achievement_id


def test_a_free_text_finds_its_topic_too(known, engine):
    answer = engine.recommend_achievements(Demand.of_text("现有压滤机处理污泥，含水率太高，想要烘干。请推荐"), top=5)
    assert topic_of(known, answer, "achievements") == [0] * 5
    assert answer.subject_id is None


def test_matches_are_ranked_and_filled_from_the_records(known, engine):
    answer = engine.recommend_achievements(known.world.demands[3], top=6)
    assert [match.rank for match in answer.items] == [1, 2, 3, 4, 5, 6]
    assert [match.score for match in answer.items] == sorted((m.score for m in answer.items), reverse=True)
    for match in answer.items:
        record = known.world.achievements[int(match.id[1:])]
        assert (match.title, match.owner, match.status, match.region) == (record.title, record.holder, "发布", None)
        assert 0 < match.probability < 1
        assert match.grade in (0, 3)
        assert match.reasons == []
        assert set(match.channels) <= {"dense", "lexical", "history", "graph"}
        assert match.channels


def test_all_channels_propose(known, engine):
    answer = engine.recommend_achievements(known.world.demands[3], top=6)
    assert {name for match in answer.items for name in match.channels} == {"dense", "lexical", "history", "graph"}


def test_asking_twice_gives_the_same_answer(known, engine):
    first, second = (engine.recommend_achievements(known.world.demands[9], explain=True) for _ in range(2))
    assert first == second


def test_an_answer_is_plain_json(known, engine):
    answer = engine.recommend_achievements(known.world.demands[9], explain=True)
    assert type(answer).model_validate_json(answer.model_dump_json()).model_dump() == answer.model_dump()


@pytest.mark.parametrize("top", [0, -1, MAX_TOP + 1])
def test_top_has_bounds(known, engine, top):
    with pytest.raises(InputError, match=rf"top is {top}; it must be 1 to {MAX_TOP}"):
        engine.recommend_achievements(known.world.demands[0], top=top)


@pytest.mark.parametrize("top", [1, 7, MAX_TOP])
def test_as_many_as_asked_for_or_all_there_are(retrieval, stored, top):
    demands, achievements = stored
    is_open = [record for record in achievements if record.status in OPEN_STATUSES]
    distinct = {(meaningful(record.title), meaningful(record.content)) for record in is_open}
    answer = retrieval.recommend_achievements(demands[0], top=top)
    assert len(answer.items) == min(top, len(distinct))
    assert len({match.id for match in answer.items}) == len(answer.items)


@pytest.mark.parametrize("title", ["无", "。。。", "详见附件"])
def test_a_text_that_says_nothing_is_refused(engine, title):
    with pytest.raises(InputError, match=f"'{title}' says nothing to match by; give a title or content"):
        engine.recommend_achievements(Demand(demand_id="X", title=title))
    with pytest.raises(InputError, match="says nothing to match by"):
        engine.recommend_demands(Achievement(achievement_id="X", title=title))


def test_a_text_of_unknown_words_gets_an_honest_answer(engine):
    answer = engine.recommend_achievements(Demand(demand_id="X", title="zzzz qqqq"))
    assert not answer.answered or answer.items
    assert bool(answer.message) == (not answer.answered)


# Filters.


CASES = {
    "fields": (Filters(fields=("新材料", "生物与新医药")), lambda r: r.field in ("新材料", "生物与新医药")),
    "an industry and below": (Filters(industries=("34",)), lambda r: any(i.startswith("34") for i in r.industries)),
    "a province": (Filters(regions=("330000", "320000")), lambda r: bool(r.region) and r.region[:2] in ("33", "32")),
    "a city": (Filters(regions=("330600",)), lambda r: bool(r.region) and r.region[:4] == "3306"),
    "statuses": (Filters(statuses=("已转让", "下架")), lambda r: r.status in ("已转让", "下架")),
    "every status": (Filters.none(), lambda r: True),
    "trl": (
        Filters(statuses=(), trl_at_least=7),
        lambda r: (
            (r.trl if isinstance(r, Achievement) else r.trl_min or 0) is not None
            and (r.trl if isinstance(r, Achievement) else r.trl_min or 0) >= 7
        ),
    ),
    "budget": (Filters(statuses=(), budget=100.0), lambda r: lowest(r) is not None and lowest(r) <= 100),
    "two at once": (
        Filters(fields=("先进制造与自动化",), regions=("330000",)),
        lambda r: r.field == "先进制造与自动化" and bool(r.region) and r.region[:2] == "33",
    ),
}


def lowest(record):
    if isinstance(record, Achievement):
        return record.price_max if record.price_min is None else record.price_min
    return record.budget_max if record.budget_min is None else record.budget_min


def check(answer, records, filters, fits):
    open_only = filters.statuses == OPEN_STATUSES
    right = {r.record_id: r for r in records if fits(r) and (not open_only or r.status in OPEN_STATUSES)}
    assert {match.id for match in answer.items} <= set(right)
    distinct = {(meaningful(record.title), meaningful(record.content)) for record in right.values()}
    assert len(answer.items) == len(distinct)
    return len(distinct)


def test_every_filter_keeps_its_promise_and_starves_no_answer(retrieval, stored):
    """Against a plain reading of the records; k results come whenever k exist."""
    demands, achievements = stored
    kept = {}
    for name, (filters, fits) in CASES.items():
        found = retrieval.recommend_achievements(demands[0], top=MAX_TOP, filters=filters)
        kept[name] = check(found, achievements, filters, fits)
        found = retrieval.recommend_demands(achievements[0], top=MAX_TOP, filters=filters)
        kept[name] += check(found, demands, filters, fits)
    assert all(kept.values()), kept  # each let something through, and
    assert kept["every status"] > max(n for name, n in kept.items() if name != "every status")


def test_excluded_ids_never_come(retrieval, stored):
    demands, _ = stored
    first = [match.id for match in retrieval.recommend_achievements(demands[0], top=5).items]
    again = retrieval.recommend_achievements(demands[0], top=5, filters=Filters(exclude=(*first, "unknown")))
    assert len(again.items) == 5
    assert not set(first) & {match.id for match in again.items}


def test_closed_records_are_not_recommended_unless_asked_for(retrieval, stored):
    demands, achievements = stored
    closed = {record.record_id for record in achievements if record.status not in OPEN_STATUSES}
    assert closed
    found = {match.id for match in retrieval.recommend_achievements(demands[0], top=MAX_TOP).items}
    assert not found & closed


def test_nothing_allowed_gives_an_empty_answer_that_says_so(retrieval, stored):
    nothing = Filters(exclude=tuple(record.achievement_id for record in stored[1]))
    answer = retrieval.recommend_achievements(stored[0][0], filters=nothing)
    assert (answer.items, answer.answered, answer.message) == ([], False, EMPTY_STORE)


def test_a_field_that_no_record_has_is_named_with_the_nearest(retrieval, stored):
    with pytest.raises(InputError, match="no record has the field '新材'; nearest: 新材料"):
        retrieval.recommend_achievements(stored[0][0], filters=Filters(fields=("新材",)))


# Without a ranker, and without a good match.


def test_without_a_ranker_texts_order_a_list_and_it_is_marked(retrieval, stored):
    answer = retrieval.recommend_achievements(stored[0][0], top=5, explain=True)
    assert answer.degraded
    assert answer.answered
    assert answer.message == NO_RANKER
    assert [m.score for m in answer.items] == sorted((m.score for m in answer.items), reverse=True)
    assert all(m.probability is None and m.grade is None and m.reasons == [] for m in answer.items)


def test_without_a_ranker_the_nearest_texts_lead_and_a_pair_has_the_score_of_its_list(known):
    untaught = Engine(replace(known.model, scorer=None))
    offers = {record.achievement_id: record for record in known.world.achievements}
    for row, demand in some(enumerate(known.world.demands[:5])):
        answer = untaught.recommend_achievements(demand, top=4)
        assert topic_of(known, answer, "achievements") == [known.world.demand_topic[row]] * 4
        pair = untaught.match(demand, offers[answer.items[0].id])
        assert pair.score == pytest.approx(answer.items[0].score, abs=1e-5)
        back = untaught.recommend_demands(offers[answer.items[0].id], top=3)
        assert topic_of(known, back, "demands") == [known.world.demand_topic[row]] * 3


def test_without_a_ranker_a_typed_title_leads(retrieval, stored):
    wanted = stored[1][7]
    answer = retrieval.recommend_achievements(Demand.of_text(wanted.title), top=3)
    assert answer.items[0].title == wanted.title


def test_an_honest_no_when_all_good_matches_are_taken_away(known, engine):
    demand = known.world.demands[2]
    topic = known.world.demand_topic[2]
    fitting = tuple(f"A{i:03d}" for i in np.flatnonzero(known.world.achievement_topic == topic))
    answer = engine.recommend_achievements(demand, filters=Filters(exclude=fitting))
    assert (answer.items, answer.answered, answer.message) == ([], False, NO_GOOD_MATCH)
    one_left = engine.recommend_achievements(demand, filters=Filters(exclude=fitting[1:]))
    assert one_left.answered
    assert one_left.items[0].id == fitting[0]


# Diversity.


def test_one_holder_cannot_fill_the_list(known, encoder, taught):
    world = known.world
    topic = world.demand_topic[0]
    greedy = [
        record.model_copy(update={"holder": "独家研究院"}) if world.achievement_topic[i] == topic and i < 30 else record
        for i, record in enumerate(world.achievements)
    ]
    built = MatchingModel.build(greedy, world.demands, encoder)
    answer = Engine(replace(built, scorer=taught.scorer)).recommend_achievements(world.demands[0], top=6)
    owners = [match.owner for match in answer.items]
    assert owners.count("独家研究院") == 2
    assert len(owners) == 6


def test_equal_texts_come_once(known, encoder, taught):
    twins = [record.model_copy(update={"achievement_id": f"T{i}"}) for i, record in enumerate(known.world.achievements)]
    built = MatchingModel.build([*known.world.achievements, *twins], known.world.demands, encoder)
    engine = Engine(replace(built, scorer=taught.scorer))
    answer = engine.recommend_achievements(known.world.demands[1], top=12)
    titles = [match.title for match in answer.items]
    assert len(set(titles)) == len(titles) == 12
