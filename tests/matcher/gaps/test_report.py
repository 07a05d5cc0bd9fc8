"""None yet: the verdict, what nobody meets, composites with known answers, developers, shared gaps."""

import time
from dataclasses import replace

import numpy as np
import pytest

from data.errors import BundleError
from data.records import Achievement, Demand
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.gaps.composite import COMPOSITE, cover
from matcher.gaps.developers import developers_of
from matcher.gaps.report import gap_report, report_dict
from matcher.gaps.requirements import unmet_requirements
from matcher.learning.answer_threshold import EVEN, LEAST_DEMANDS, Confidences, fit_threshold
from matcher.model import MatchingModel
from matcher.ranking.scorer import THRESHOLD_FILE, Scorer
from matcher.ranking.verdict import CONFIDENCE, TARGET_RISK, AnswerThreshold
from matcher.recommendation import NEAREST_ONLY, NO_GOOD_MATCH
from matcher.requirements.table import MAX_REQUIREMENTS
from matcher.rescoring import candidate_pool
from tests.matcher.particulars import demand, offer
from tests.matcher.worlds import TOPICS
from tests.some import some


@pytest.fixture(scope="module")
def engine(taught) -> Engine:
    return Engine(taught)


@pytest.fixture(scope="module")
def mixed(known) -> Demand:
    """A demand of two topics: no single achievement has both."""
    return Demand(
        demand_id="M1",
        title="".join(TOPICS[0][:4]) + "与" + "".join(TOPICS[3][:4]),
        content="，".join((*TOPICS[0], *TOPICS[3])),
        enterprise="另一企业",
    )


def with_threshold(model, fitted):
    return Engine(replace(model, scorer=replace(model.scorer, threshold=fitted)))


def fixed(probability):
    return AnswerThreshold(probability=probability, target=0.4, risk=0.3, coverage=0.5, demands=40)


def test_without_a_calibrated_threshold_the_average_is_the_measure_and_says_so(taught, known):
    engine = with_threshold(taught, None)
    pool = candidate_pool(engine, known.world.demands[0])
    found = pool.verdict
    assert (found.answered, found.basis) == (True, "average")
    assert found.probability == round(pool.scores.probability.max(), 4)
    assert found.threshold == round(engine.model.scorer.calibration.base_rate_, 4)
    assert "后才有" in found.measure


def test_below_the_calibrated_threshold_the_nearest_are_shown_as_such(taught, known):
    demand = known.world.demands[0]
    engine = with_threshold(taught, fixed(1.0))
    answer = engine.recommend_achievements(demand)
    assert not answer.answered
    assert answer.items
    assert answer.message == NEAREST_ONLY
    assert (answer.verdict.basis, answer.verdict.threshold) == ("calibrated", 1.0)
    assert answer.verdict.text.startswith(NO_GOOD_MATCH)
    lenient = with_threshold(taught, fixed(0.001)).recommend_achievements(demand)
    assert lenient.answered
    assert lenient.message == ""
    assert lenient.items == answer.items
    # the other direction is not what the threshold was calibrated on
    other = engine.recommend_demands(known.world.achievements[0]).verdict
    assert (other.basis, other.measure) == ("average", "门槛取历史评分的平均水平")


def test_training_calibrates_the_threshold_and_the_bundle_keeps_it(taught, known, tmp_path):
    fitted = taught.scorer.threshold
    assert fitted is not None
    assert fitted.risk <= fitted.target == TARGET_RISK
    assert 0 < fitted.coverage <= 1
    taught.scorer.save(tmp_path / "scorer")
    assert Scorer.load(tmp_path / "scorer").threshold == fitted
    (tmp_path / "scorer" / THRESHOLD_FILE).unlink()
    assert Scorer.load(tmp_path / "scorer").threshold is None
    (tmp_path / "scorer" / THRESHOLD_FILE).write_text("{}", encoding="utf-8")
    with pytest.raises(BundleError, match="train again"):
        Scorer.load(tmp_path / "scorer")
    assert Engine(taught).recommend_achievements(known.world.demands[0]).verdict.basis == "calibrated"


def test_a_threshold_is_only_promised_where_it_can_be():
    random = np.random.default_rng(0)
    probability = random.random(200)
    good = random.random(200) < probability
    held = Confidences(probability, good, good)
    strict, lenient = fit_threshold(held, 0.2), fit_threshold(held, 0.45)
    assert lenient.probability < strict.probability
    assert strict.risk <= 0.2
    assert lenient.confidence == CONFIDENCE
    twice = Confidences(*(np.tile(getattr(held, name), 2) for name in ("probability", "good", "possible")))
    assert fit_threshold(twice, 0.2, views=2).probability == pytest.approx(strict.probability, abs=0.05)
    assert fit_threshold(twice, 0.2, views=2).demands == 200
    few = Confidences(np.linspace(1.0, 0.0, 30), np.tile([True, True, False], 10), np.ones(30, dtype=bool))
    assert fit_threshold(few, 0.36).confidence == EVEN
    assert fit_threshold(held.take(np.arange(LEAST_DEMANDS - 1)), 0.4) is None
    assert fit_threshold(Confidences(probability, np.zeros(200, dtype=bool), good), 0.4) is None


def test_the_verdict_agrees_with_the_engine(model, platform):
    """Where the engine withholds its list there is no good match, and elsewhere there is one."""
    from data.store.store import Store

    engine = Engine(model)
    with Store.open(platform.settings.store_url) as store:
        demands = list(store.demands())[:12]
    for record in some(demands):
        assert candidate_pool(engine, record).verdict == engine.recommend_achievements(record).verdict


def test_an_empty_pool_is_no_match(engine, known):
    nothing = candidate_pool(engine, known.world.demands[0], Filters(exclude=tuple(engine.ids("achievements"))))
    assert len(nothing) == 0
    assert not nothing.verdict.answered
    composite = cover(engine.model.graph, known.world.demands[0], nothing)
    assert (composite.parts, composite.covered) == ((), 0.0)


def test_requirements_nobody_meets_are_listed_with_the_nearest():
    wanted = demand("污泥干化。含水率不超过30%，噪声不超过70dB，处理量不低于50吨/天。")
    offers = [
        offer(1, "甲", indicators="含水率42%"),
        offer(2, "乙", indicators="含水率33%；处理量80吨/天"),
        offer(3, "丙", content="没有数字"),
    ]
    unmet = {item.requirement: item for item in unmet_requirements(wanted, offers)}
    assert len(unmet) == 2
    water = next(item for quote, item in unmet.items() if "含水率" in quote)
    assert (water.missed, water.unknown) == (2, 1)
    assert [near.title for near in water.nearest] == ["乙", "甲"]
    assert water.nearest[0].margin == pytest.approx(-0.1, abs=0.02)
    noise = next(item for quote, item in unmet.items() if "噪声" in quote)
    assert (noise.missed, noise.unknown, noise.nearest) == (0, 3, ())


def test_no_requirement_no_gap():
    assert unmet_requirements(demand("想要好的技术"), [offer(1, "甲", indicators="含水率42%")]) == ()


def test_a_composite_covers_what_no_single_achievement_does(engine, known, mixed):
    composite = cover(engine.model.graph, mixed, candidate_pool(engine, mixed))
    assert 2 <= len(composite.parts) <= COMPOSITE
    topics = {int(known.world.achievement_topic[int(part.achievement_id[1:])]) for part in composite.parts}
    assert topics == {0, 3}
    assert composite.covered == pytest.approx(sum(part.share for part in composite.parts))
    assert composite.covered <= 1 + 1e-9
    assert all(part.share > 0 and part.covers for part in composite.parts)
    shares = [part.share for part in composite.parts]
    assert shares == sorted(shares, reverse=True)


def test_developers_know_the_field(engine, known, mixed):
    developers = developers_of(engine.model.graph, mixed, TOPICS[3][:2])
    assert developers
    affinity = [developer.affinity for developer in developers]
    assert affinity == sorted(affinity, reverse=True)
    holders = {a.holder for a in known.world.achievements}
    assert {developer.name for developer in developers} <= holders | {d.enterprise for d in known.world.demands}
    assert all(developer.terms for developer in developers)


def test_a_report_names_all_parts_in_chinese(engine, known, mixed):
    engine = with_threshold(engine.model, fixed(0.9999))
    report = gap_report(engine, mixed, known.world.achievements[:3])
    assert report.text.startswith(NO_GOOD_MATCH)
    assert "组合方案" in report.text
    assert set(report_dict(report)) == {"verdict", "requirements", "composite", "developers", "shared", "text"}
    for gap in report.shared:
        assert gap.enterprise != mixed.enterprise
        assert set(gap.shared) <= set(report.composite.remaining)


def test_demands_with_the_same_gap_are_found(encoder):
    """Nobody offers 量子雷达; two firms ask for it."""
    offers = [
        Achievement(
            achievement_id=f"A{i}",
            title=f"污泥干化设备{i}",
            content="污泥干化，含水率低，热泵循环。",
            holder=f"单位{i % 2}",
        )
        for i in range(12)
    ]
    asks = [
        Demand(
            demand_id=f"D{i}",
            title="量子雷达污泥干化设备",
            content=f"量子雷达用于污泥干化监测{i}。",
            enterprise=f"企业{i}",
        )
        for i in range(4)
    ]
    model = MatchingModel.build(offers, asks, encoder)
    graph = model.graph
    engine = Engine(model)
    remaining = [term for term in ("量子雷达", "量子", "雷达") if term in graph.vocabulary.numbers]
    assert remaining
    from matcher.gaps.developers import shared_gaps

    found = shared_gaps(engine, graph, asks[0], remaining)
    assert {gap.demand_id for gap in found} == {"D1", "D2", "D3"}
    assert all(set(gap.shared) <= set(remaining) for gap in found)


def test_without_a_graph_the_report_still_tells_the_verdict(taught, known):
    engine = Engine(replace(taught, graph=None))
    report = gap_report(engine, known.world.demands[0], known.world.achievements[:2])
    assert report.composite.parts == ()
    assert report.verdict.text in report.text


def test_ten_thousand_numbers_cost_seconds_at_most(engine, known):
    text = "".join(f"指标{i}不低于{i}MPa，" for i in range(10_000))[:49_000]
    started = time.process_time()
    report = gap_report(engine, demand("污泥干化。" + text), known.world.achievements[:20])
    assert time.process_time() - started < 20.0
    assert len(report.requirements) == MAX_REQUIREMENTS
