"""One way from a record to its scores: stored, changed, deleted, rewritten, new or free, alone or in a list."""

import gc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.records import Achievement, Demand
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.recommendation import Match
from matcher.request.pipeline import retrieve
from matcher.rescoring import best_demands, candidate_pool
from tests.some import some

EVERYTHING = Filters.none()
BODIES = (
    "污泥脱水与低温烘干，含水率降至40%以下",
    "锂离子电池正极材料，循环寿命2000次",
    "采用压滤机与热泵",
    "光伏逆变器并网控制",
)


class Platform:
    """An engine beside the records that it should know."""

    def __init__(self, model: MatchingModel, world) -> None:
        self.engine = Engine(model)
        self.demands = {record.record_id: record for record in world.demands}
        self.achievements = {record.record_id: record for record in world.achievements}
        self.gone: dict[str, Demand | Achievement] = {}

    def write(self, kind: str, number: int, body: int) -> Demand | Achievement:
        """Change, delete, bring back or add a record; return it as it is now."""
        side, write = (
            (self.achievements, self.engine.upsert_achievements)
            if number % 2
            else (self.demands, self.engine.upsert_demands)
        )
        records = sorted(side)
        record = side[records[number % len(records)]]
        if kind == "delete" and len(records) > 20:
            self.gone[record.record_id] = side.pop(record.record_id)
            write([], [record.record_id])
            return record
        if kind == "back":
            back = [old for old in self.gone.values() if isinstance(old, type(record))]
            record = back[0] if back else record
            self.gone.pop(record.record_id, None)
        elif kind == "add":
            key = "achievement_id" if isinstance(record, Achievement) else "demand_id"
            record = record.model_copy(update={key: f"N{len(records)}"})
        written = record.model_copy(update={"content": BODIES[body]})
        side[written.record_id] = written
        write([written])
        return written


@pytest.fixture(scope="module")
def platform(known, encoder, taught) -> Platform:
    built = MatchingModel.build(known.world.achievements, known.world.demands, encoder)
    return Platform(replace(built, version="path", scorer=taught.scorer), known.world)


def same(pair: Match, listed: Match) -> None:
    assert pair.id == listed.id
    assert pair.title == listed.title
    assert pair.score == pytest.approx(listed.score, abs=1e-4)
    assert pair.probability == pytest.approx(listed.probability, abs=1e-4)
    assert pair.deal_probability == pytest.approx(listed.deal_probability, abs=1e-4, nan_ok=True)
    assert pair.grade == listed.grade
    assert [reason.text for reason in pair.reasons] == [reason.text for reason in listed.reasons]
    assert pair.requirements == listed.requirements


writes = st.lists(
    st.tuples(st.sampled_from(["change", "delete", "back", "add"]), st.integers(0, 200), st.integers(0, 3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=writes, asked=st.integers(0, 40), free=st.booleans())
def test_a_pair_has_the_score_and_the_reasons_that_it_has_in_its_list(platform, writes, asked, free):
    last = [platform.write(*one) for one in writes][-1]
    demands = sorted(platform.demands)
    wanted = last if isinstance(last, Demand) else platform.demands[demands[asked % len(demands)]]
    if free:
        wanted = Demand.of_text(f"{wanted.title}。{BODIES[asked % 4]}")
    answer = platform.engine.recommend_achievements(wanted, filters=EVERYTHING, explain=True)
    for listed in some(answer.items[:4]):
        same(platform.engine.match(wanted, platform.achievements[listed.id]), listed)
    offered = (
        last if isinstance(last, Achievement) else platform.achievements[sorted(platform.achievements)[asked % 20]]
    )
    for back in some(platform.engine.recommend_demands(offered, filters=EVERYTHING).items[:4]):
        pair = platform.engine.match(platform.demands[back.id], offered)
        assert pair.score == pytest.approx(back.score, abs=1e-4)


def test_pools_and_best_demands_score_as_lists_do(platform):
    platform.write("change", 0, 0)
    demand = platform.demands[sorted(platform.demands)[0]]
    listed = platform.engine.recommend_achievements(demand, filters=EVERYTHING, diversity="none")
    pool = candidate_pool(platform.engine, demand, EVERYTHING)
    for match in some(listed.items):
        place = pool.place(match.id)
        assert pool.scores.expected[place] == pytest.approx(match.score, abs=1e-4)
        assert pool.scores.deal_at(place) == match.deal_probability
    offered = platform.write("change", 1, 0)
    ids = best_demands(platform.engine, offered, 5, EVERYTHING)
    answer = platform.engine.recommend_demands(offered, filters=EVERYTHING, diversity="none", top=10)
    scores = {match.id: match.score for match in answer.items}
    assert [scores[one] for one in ids if one in scores] == sorted(
        (scores[i] for i in ids if i in scores), reverse=True
    )


def test_paths_lead_to_records_as_they_are_now(platform):
    demand = platform.demands[sorted(platform.demands)[0]]
    (key, record), *_ = sorted(platform.achievements.items())
    renamed = record.model_copy(update={"title": "全新" + demand.title, "content": demand.content})
    platform.achievements[key] = renamed
    platform.engine.upsert_achievements([renamed])
    (first, *_) = platform.engine.paths(demand, renamed)
    assert renamed.title in first.text
    assert not [path for path in platform.engine.paths(demand, renamed) if record.title in path.text]


def test_an_edit_of_what_nobody_reads_moves_nothing(platform):
    demand = platform.demands[sorted(platform.demands)[2]]
    before = {m.id: m.score for m in platform.engine.recommend_achievements(demand, filters=EVERYTHING, top=30).items}
    first = next(iter(before))
    platform.engine.upsert_achievements([platform.achievements[first].model_copy(update={"ip": "专利一件"})])
    after = {m.id: m.score for m in platform.engine.recommend_achievements(demand, filters=EVERYTHING, top=30).items}
    assert list(after) == list(before)
    assert after == pytest.approx(before, abs=1e-5)


def test_what_edits_replace_does_not_pile_up(platform):
    engine = platform.engine
    record = platform.achievements[sorted(platform.achievements)[3]]
    for n in range(3):
        engine.upsert_achievements([record.model_copy(update={"content": f"污泥干化第 {n} 版，含水率{n}%"})])
    gc.collect()
    collection, held = engine.collection("achievements"), engine.state.quantities
    rows, terms = len(collection), len(collection.extra.graph.pool_terms)
    for n in range(40):
        engine.upsert_achievements([record.model_copy(update={"content": f"污泥干化第 {n} 版，含水率{n}%"})])
    later = engine.collection("achievements")
    assert len(later) <= rows + 1
    assert len(later.extra) == len(later) - len(later.base)
    assert len(later.extra.graph.pool_terms) <= terms + 40
    assert len(engine.state.quantities.achievements) == len(later)
    assert len(held.achievements) == rows
    assert len(collection) == rows  # what a reader holds stays as it was
    engine.upsert_achievements([record])


@pytest.mark.parametrize("slip", [False, True])
def test_a_stored_title_asked_word_by_word_comes_first_and_is_answered(platform, slip):
    title = "低温 热泵 污泥 干化 一体 装备"
    written = Achievement(achievement_id="EXACT", title=title, content="殡葬行业在线祭扫平台")
    platform.engine.upsert_achievements([written])
    asked = "低温热泵污呢干化一体装备" if slip else title.replace(" ", "")
    answer = platform.engine.recommend_achievements(Demand.of_text(asked))
    assert answer.items[0].id == "EXACT"
    assert answer.answered
    scores = [match.score for match in answer.items]
    assert scores == sorted(scores, reverse=True)
    same(
        platform.engine.match(Demand.of_text(asked), written),
        replace_reasons(answer.items[0], platform, asked, written),
    )
    platform.engine.upsert_achievements([], ["EXACT"])


def replace_reasons(listed: Match, platform, asked, written) -> Match:
    explained = platform.engine.recommend_achievements(Demand.of_text(asked), explain=True).items[0]
    assert explained.score == listed.score
    return explained


def test_a_title_that_says_more_names_nobody(platform, known):
    record = known.world.achievements[5]
    text = f"{record.title}。此外还需要光伏逆变器并网控制"
    query = platform.engine.query(Demand.of_text(text), "achievements")
    assert not retrieve(query).named.any()


def test_without_history_lists_are_on_the_same_scale(platform, known):
    engine = platform.engine
    counts = np.zeros((2, 2))
    for demand in known.world.demands:
        for column, personalised in enumerate((True, False)):
            answer = engine.recommend_achievements(demand, personalised=personalised)
            counts[column] += bool(answer.items), answer.answered
    assert counts[1, 0] >= counts[0, 0] - 1
    assert abs(counts[1, 1] - counts[0, 1]) <= 4
