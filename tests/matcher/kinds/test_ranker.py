"""A kind's own ranker: learned from enough outcomes, kept only if it orders new demands better, calibrated, sealed."""

from datetime import date

import numpy as np
import pytest

from data.kinds.outcome import PairOutcome
from data.kinds.record import KindRecord
from data.kinds.registry import load_kinds
from matcher.engine import Engine
from matcher.kinds.candidates import KindsQuery
from matcher.kinds.index import KindIndex
from matcher.kinds.ranker import FEATURES, KindRanker, fit_ranker
from matcher.kinds.recommend import recommend_kinds
from matcher.kinds.teaching import fit_rankers
from tests.matcher.worlds import TOPICS
from tests.some import some

DAY = date(2026, 1, 1)
CITIES = ("330100", "410100")


def pairs(n=600, signal=2.0, seed=0):
    """Features of pairs of 60 demands, of which the one place decides with `signal`."""
    random = np.random.default_rng(seed)
    features = np.zeros((n, len(FEATURES)))
    features[:, 0] = random.normal(size=n)
    features[:, 2] = random.random(n) < 0.5
    chance = 1 / (1 + np.exp(-(0.5 * features[:, 0] + signal * features[:, 2] - 1.5)))
    return features, np.zeros(n), random.random(n) < chance, np.arange(n) % 60


def test_it_learns_what_decides_and_its_probabilities_are_true():
    features, penalty, good, demands = pairs()
    ranker = fit_ranker(features, penalty, good, demands)
    fresh, _, truth, _ = pairs(n=4_000, seed=1)
    probability = ranker.probability(ranker.scores(fresh))
    for place in some((0, 1)):
        here = fresh[:, 2] == place
        assert probability[here].mean() == pytest.approx(truth[here].mean(), abs=0.08)
    assert ranker.weights[2] > ranker.weights[1] == 0


def test_too_few_outcomes_or_nothing_beyond_texts_make_no_ranker():
    features, penalty, good, demands = pairs()
    assert fit_ranker(features[:199], penalty[:199], good[:199], demands[:199]) is None
    assert fit_ranker(features, penalty, good, demands % 19) is None
    assert fit_ranker(features, penalty, np.arange(600) < 29, demands) is None
    features, penalty, _, demands = pairs()
    assert fit_ranker(features, penalty, features[:, 0] > 0, demands) is None


def test_what_records_miss_stays_against_them(tmp_path):
    features, _, good, demands = pairs()
    ranker = fit_ranker(features, np.zeros(600), good, demands)
    ranker.save(tmp_path / "ranker")
    again = KindRanker.load(tmp_path / "ranker")
    np.testing.assert_array_equal(again.scores(features), ranker.scores(features))
    scores = ranker.scores(features)
    assert (again.probability(scores - 1.0) <= again.probability(scores)).all()
    assert KindRanker.load(tmp_path) is None


@pytest.fixture(scope="module")
def taught(known, tmp_path_factory):
    """Services of two cities, of which those of the demand's own city were taken up; the index saved and read again."""
    engine = Engine(known.model)
    records = [
        KindRecord(
            kind="service",
            id=f"S{i:02d}",
            title=f"{topic[i % 8]}{topic[(i + 3) % 8]}检测服务",
            content="，".join(topic[(i + k) % 8] for k in range(1, 6)) + f"，第{i}项",
            provider=f"机构{i}",
            region=CITIES[i // 6 % 2],
        )
        for i in range(60)
        for topic in [TOPICS[i % 6]]
    ]
    index = KindIndex.build(known.model.record_encoder, load_kinds(), records)
    demands = [demand.model_copy(update={"region": CITIES[n % 2]}) for n, demand in enumerate(known.world.demands[:24])]
    region = {record.id: record.region for record in records}
    outcomes = [
        PairOutcome(demand_id=demand.demand_id, record_id=name, day=DAY, good=demand.region == place)
        for demand in demands
        for name, place in region.items()
    ]
    rankers = fit_rankers(engine, index, demands, {"service": outcomes, "expert": []})
    folder = tmp_path_factory.mktemp("kinds") / "kinds"
    KindIndex(index.encoder, index.kinds, index.collections, index.records, rankers).save(folder)
    return engine, index, KindIndex.load(folder, known.model.record_encoder, load_kinds(), records), demands


def test_a_taught_kind_is_ordered_by_its_outcomes_with_probabilities(taught):
    engine, untaught, index, demands = taught
    assert set(index.rankers) == {"service"}
    query = KindsQuery({"service": 8}, DAY)
    for demand in some(demands[:6]):
        before = recommend_kinds(engine, untaught, demand, query).kinds[0]
        after = recommend_kinds(engine, index, demand, query).kinds[0]
        assert {item.probability for item in before.items} == {None}
        assert {item.region for item in after.items} == {demand.region}
        chances = [item.probability for item in after.items]
        assert chances == sorted(chances, reverse=True)
        assert chances[0] > 0.5
        assert (before.answered, after.answered, after.message) == (None, True, "")
