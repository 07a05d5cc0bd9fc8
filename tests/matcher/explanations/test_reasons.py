"""Reasons: what they quote is in the records, what they weigh is what the ranker used."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from data.errors import BundleError
from data.records import Achievement, Demand
from data.store.store import Store
from knowledge_graph.relations.likeness import ALIKE
from knowledge_graph.taxonomy.industries import load_industries
from knowledge_graph.taxonomy.regions import load_regions
from matcher.engine import Engine
from matcher.explanations.reasons import MAX_REASONS, group_of
from matcher.explanations.word_pairs import PARTNER_COSINE, partner_words, shared_terms, words_of
from matcher.features.attributes import ATTRIBUTE
from matcher.features.table import FEATURES
from matcher.history.outcome_history import History
from matcher.model import MatchingModel
from matcher.ranking.scorer import Scorer
from matcher.texts.space import record_text
from models.ranking.calibration import IsotonicCalibration
from tests.some import some


@pytest.fixture(scope="module")
def engine(taught) -> Engine:
    return Engine(taught)


@pytest.fixture(scope="module")
def answers(known, engine):
    """(demand, achievement, match) of the explained answers for all demands of the known world."""
    found = []
    for demand in known.world.demands:
        for match in engine.recommend_achievements(demand, top=6, explain=True).items:
            found.append((demand, known.world.achievements[int(match.id[1:])], match))
    return found


@pytest.fixture(scope="module")
def platform_answers(platform, model):
    """The same on the simulated platform, whose records state attributes; no answer is withheld."""
    scorer = Scorer(model.scorer.history, model.scorer.ranker, None)
    engine = Engine(replace(model, scorer=scorer))
    with Store.open(platform.settings.store_url) as store:
        demands, achievements = list(store.demands()), {r.record_id: r for r in store.achievements()}
    found = []
    for demand in demands:
        for match in engine.recommend_achievements(demand, top=8, explain=True).items:
            found.append((demand, achievements[match.id], match))
    return found


def test_every_feature_of_the_table_has_a_cause():
    groups = {name: group_of(name) for name in FEATURES}
    assert set(groups.values()) == {"semantic", "terms", "concepts", "history", "graph", *ATTRIBUTE}
    assert groups["vectors_tt_typical_demand"] == groups["topics_f"] == "semantic"
    with pytest.raises(BundleError, match="uses feature 'moon_phase', which no reason can name"):
        group_of("moon_phase")


def test_a_reason_weighs_what_its_features_contributed(known, taught, answers):
    """Sum of the ranker's own contributions over the features of one cause = weight of the reason."""
    scorer = taught.scorer
    checked = 0
    for demand, achievement, match in some(answers[::7]):
        row = int(demand.demand_id[1:]) * len(known.world.achievements) + int(achievement.achievement_id[1:])
        table = known.asked(scorer, np.array([row]))
        parts = scorer.ranker.contributions(table.select(scorer.ranker.feature_names_))[0]
        groups = np.array([group_of(name) for name in scorer.ranker.feature_names_])
        sums = {group: parts[groups == group].sum() for group in set(groups.tolist())}
        for reason in match.reasons:
            assert min(abs(reason.weight - value) for value in sums.values()) < 1e-4 * max(1, abs(reason.weight))
            if reason.kind not in ("caution", "attributes"):
                assert reason.weight == pytest.approx(sums[reason.kind], rel=1e-3, abs=1e-4)
            checked += 1
    assert checked > 20


def test_reasons_in_favour_come_first_strongest_first(answers, platform_answers):
    for _, _, match in some([*answers, *platform_answers]):
        weights = [reason.weight for reason in match.reasons]
        assert weights == sorted(weights, reverse=True)
        assert len(weights) <= MAX_REASONS
        for reason in match.reasons:
            assert (reason.kind == "caution") == (reason.weight <= 0)


def test_quoted_terms_stand_in_both_texts(answers, platform_answers):
    quoted = 0
    for demand, achievement, match in some([*answers, *platform_answers]):
        for reason in match.reasons:
            for term in reason.evidence.get("shared_terms", []):
                assert term.lower() in record_text(demand).full.lower()
                assert term.lower() in record_text(achievement).full.lower()
                assert f"“{term}”" in reason.text
                quoted += 1
    assert quoted > 20


def test_partner_words_stand_each_on_its_side_and_differ(known):
    found = 0
    for d, a in product(range(24), range(0, 36, 5)):
        pair = (
            words_of(known.space, known.demands.texts.full, d),
            words_of(known.space, known.achievements.texts.full, a),
        )
        wanted, offered = (record_text(r).full for r in (known.world.demands[d], known.world.achievements[a]))
        for partners in partner_words(known.space, *pair, 5):
            word, partner, cosine = partners.wanted, partners.offered, partners.cosine
            assert partners.likeness in ALIKE
            assert word in wanted
            assert partner in offered
            assert word != partner
            assert not word[0].isdigit()
            assert not partner[0].isdigit()
            assert cosine >= PARTNER_COSINE
            vectors = known.space.word_vectors[[known.space.words.columns[w] for w in (word, partner)]]
            assert cosine == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-5)
            found += 1
    assert found, "no partner words at all: the test proves nothing"


def test_shared_terms_are_the_telling_ones_first(known):
    pair = words_of(known.space, known.demands.texts.full, 0), words_of(known.space, known.achievements.texts.full, 6)
    terms = shared_terms(known.space, *pair, 10)
    idf = [known.space.words.idf[known.space.words.columns[term]] for term in terms]
    assert idf == sorted(idf, reverse=True)


def test_the_similarity_quoted_is_the_pair_s(model, platform_answers):
    demands, achievements = model.demands.base, model.achievements.base
    said = 0
    for demand, achievement, match in some(platform_answers):
        for reason in match.reasons:
            if "cosine" in reason.evidence:
                d, a = demands.cards.rows[demand.demand_id], achievements.cards.rows[achievement.achievement_id]
                cosine = float(demands.texts.full.vectors[d] @ achievements.texts.full.vectors[a])
                assert reason.evidence["cosine"] == pytest.approx(cosine, abs=1e-3)
                told = float(re.search(r"相似度仅? ?(-?[0-9]+\.[0-9]+)", reason.text)[1])
                assert told == pytest.approx(cosine, abs=0.0051)
                said += 1
    assert said > 10


def test_history_quotes_outcomes_that_happened(known, answers):
    grades = known.world.grades(known.d, known.a)
    titles = {r.record_id: r.title for r in (*known.world.demands, *known.world.achievements)}
    kinds = {"pair": 0, "mean": 0}
    for _, _, match in some(answers):
        for reason in match.reasons:
            if "likeness" in reason.evidence:
                demand_id, achievement_id = reason.evidence["demand_id"], reason.evidence["achievement_id"]
                row = int(demand_id[1:]) * 36 + int(achievement_id[1:])
                assert reason.evidence["grade"] == grades[row]
                assert (grades[row] >= 2) == (reason.weight > 0)
                assert titles[demand_id] in reason.text
                assert titles[achievement_id] in reason.text
                kinds["pair"] += 1
    assert kinds["pair"] > 5


def test_attributes_state_what_both_records_state(platform_answers):
    seen = set()
    for demand, achievement, match in some(platform_answers):
        for reason in match.reasons:
            name = reason.evidence.get("attribute")
            if name is None:
                continue
            seen.add(name)
            assert reason.text.startswith(ATTRIBUTE[name].label)
            if name == "same_field":
                assert demand.field in reason.text
                assert achievement.field in reason.text
            if name == "trl_margin":
                numbers = [int(n) for n in re.findall(r"(\d) 级", reason.text)]
                assert numbers == [demand.trl_min, achievement.trl]
                assert reason.evidence["value"] == achievement.trl - demand.trl_min
            if name == "region_level":
                for record in (demand, achievement):
                    assert f"{load_regions().full_name(int(record.region))}（{record.region}）" in reason.text
            if name == "industry_depth":
                for code in (*demand.industries, *achievement.industries):
                    assert f"{load_industries().name(code)}（{code}）" in reason.text
    assert len(seen) >= 2


def test_reasons_come_only_when_asked_for(known, engine):
    assert all(not match.reasons for match in engine.recommend_achievements(known.world.demands[0]).items)
    explained = engine.recommend_achievements(known.world.demands[0], explain=True).items
    assert all(match.reasons for match in explained)


def test_both_directions_explain_a_pair_alike(known, engine):
    demand, achievement = known.world.demands[0], known.world.achievements[0]
    one = {m.id: m for m in engine.recommend_achievements(demand, top=6, explain=True).items}[achievement.record_id]
    other = {m.id: m for m in engine.recommend_demands(achievement, top=6, explain=True).items}[demand.record_id]
    assert [r.text for r in one.reasons] == [r.text for r in other.reasons]
    assert one.probability == pytest.approx(other.probability, abs=1e-3)
    assert engine.match(demand, achievement).reasons == one.reasons


@pytest.mark.slow
def test_without_outcomes_playing_a_part_none_is_quoted(known):
    """In a world that only outcomes tell of, the ranker leans on history; without it, it must not be spoken of."""
    scorer = known.fit(known.world.grades(known.d, known.a, shift=1))
    engine = Engine(replace(known.model, scorer=scorer))
    kinds = {}
    for personalised in (True, False):
        answer = engine.recommend_achievements(known.world.demands[0], top=6, explain=True, personalised=personalised)
        kinds[personalised] = {
            "history" if {"likeness", "outcomes"} & set(reason.evidence) else reason.kind
            for match in answer.items
            for reason in match.reasons
        }
        assert answer.items
        assert all(("history" in match.channels) <= personalised for match in answer.items)
    assert "history" in kinds[True]
    assert "history" not in kinds[False]


def test_without_outcomes_playing_a_part_the_numbers_are_those_of_a_platform_without_outcomes(known, taught):
    deal = IsotonicCalibration().fit(np.linspace(0, 1, 60), np.arange(60) > 40)
    scorer, demand = Scorer(taught.scorer.history, taught.scorer.ranker, None, deal), known.world.demands[0]
    declined = Engine(replace(taught, scorer=scorer)).recommend_achievements(demand, personalised=False, explain=True)
    first_day = Scorer(History.empty(), scorer.ranker, None, deal)
    expected = Engine(replace(taught, scorer=first_day)).recommend_achievements(demand, explain=True)
    assert declined.model_dump_json() == expected.model_dump_json()
    assert all(0 < match.deal_probability < 1 for match in declined.items)


def test_a_new_demand_and_a_new_achievement_can_be_explained(engine):
    demand = Demand(demand_id="new", title="污泥烘干", content="污泥含水率太高")
    match = engine.match(demand, Achievement(achievement_id="new", title="污泥干化与脱水设备"))
    assert match.id == "new"
    assert match.reasons


def test_records_alike_come_nearest_first_without_the_record_itself(known, engine):
    for record, topics in (
        (known.world.demands[4], known.world.demand_topic),
        (known.world.achievements[9], known.world.achievement_topic),
    ):
        found = engine.similar(record, top=3)
        assert record.record_id not in {r.id for r in found}
        assert [topics[int(r.id[1:])] for r in found] == [topics[int(record.record_id[1:])]] * 3
        assert [r.similarity for r in found] == sorted((r.similarity for r in found), reverse=True)


def test_without_a_ranker_a_pair_is_judged_by_its_texts(known):
    engine = Engine(known.model)
    match, other = (engine.match(known.world.demands[2], known.world.achievements[row]) for row in (8, 9))
    assert known.world.achievement_topic[8] == known.world.demand_topic[2] != known.world.achievement_topic[9]
    assert match.score > other.score + 1
    assert (match.probability, match.grade, match.reasons) == (None, None, [])
    assert isinstance(known.model, MatchingModel)
