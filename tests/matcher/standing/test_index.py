"""One new record finds every standing request that asking all of them again would find, and no other."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from data.kinds.record import KindRecord
from data.kinds.registry import load_kinds
from data.records import Achievement, Demand, UnstoredAchievement
from data.store.store import Store
from matcher.collection.filters import Filters
from matcher.collection.pairs import PairBatch
from matcher.engine import Engine
from matcher.kinds.index import KindIndex, as_achievement
from matcher.ranking.prior import first_day_order
from matcher.standing.index import StandingIndex
from matcher.standing.requests import WatchedRequest, admits, offered
from tests.some import some

TODAY = date(2026, 1, 1)
KINDS = load_kinds()


@pytest.fixture(scope="module")
def engine(model):
    return Engine(model)


@pytest.fixture(scope="module")
def records(platform):
    with Store.open(platform.settings.store_url) as store:
        return list(store.achievements()), list(store.demands())


def wanting(demand, number, **changes):
    asked = WatchedRequest(f"W{number:03d}", demand, None, frozenset({"achievement", "service"}), 1.5)
    return replace(asked, **changes)


def priors(engine, demands, forms):
    """Return (demands, forms) scores by the whole table of features, as lists have them."""
    encoder = engine.model.record_encoder.without_graph()
    pairs = PairBatch.product(encoder.demands(demands), encoder.achievements(forms))
    table = replace(engine.model, graph=None).label_free_table(pairs)
    return first_day_order(table, "achievements").reshape(len(demands), len(forms))


def test_a_record_finds_exactly_the_requests_whose_pair_scores_enough(engine, records):
    achievements, demands = records
    texts = [Demand.of_text(f"{one.title}。{one.content}") for one in demands[:3]]
    requests = [wanting(one, place) for place, one in enumerate([*demands[:12], *texts])]
    index = StandingIndex.empty(engine, KINDS).with_changes(engine, requests)
    assert len(index) == len(requests)
    service = KindRecord(kind="service", id="S1", title=demands[0].title, content=demands[0].content)
    written = [*achievements[:25], service]
    found = {
        (one.request_id, one.record_id): one.score
        for encoded in some(index.encode(written))
        for one in index.requests_for(*encoded, TODAY)
    }
    forms = [one if isinstance(one, Achievement) else as_achievement(one, KINDS["service"]) for one in written]
    scores = priors(engine, [one.wants for one in requests], forms)
    expected = {
        (request.id, record.record_id): scores[r, c]
        for r, request in enumerate(requests)
        for c, record in enumerate(written)
        if scores[r, c] >= request.least and offered(record, KINDS, TODAY) and admits(request, record, KINDS, TODAY)
    }
    assert len(expected) > 5
    assert ("W000", "S1") in found
    assert set(found) == set(expected)
    np.testing.assert_allclose([found[pair] for pair in expected], list(expected.values()), atol=2e-3)


def test_a_pair_is_found_whoever_came_first_with_the_same_score(engine, records):
    achievements, demands = records
    requests = [wanting(one, place) for place, one in enumerate(demands[:12])]
    index = StandingIndex.empty(engine, KINDS).with_changes(engine, requests)
    kinds = KindIndex.build(engine.model.record_encoder, KINDS, [])
    pool = {one.achievement_id: one for one in achievements}
    from_requests = {
        (one.id, record_id, score)
        for one in requests
        for score, kind, record_id in index.near(engine, kinds, one.id)
        if index.admitted(one.id, kind, pool[record_id], TODAY)
    }
    from_records = {
        (one.request_id, one.record_id, one.score)
        for encoded in index.encode(achievements)
        for one in index.requests_for(*encoded, TODAY)
    }
    assert len(from_records) > 5
    assert from_requests == from_records
    # What lists show with such a score is among it: asking all of them again finds nothing more.
    found, scores = {pair[:2] for pair in from_records}, priors(engine, [one.wants for one in requests], achievements)
    column = {one.achievement_id: place for place, one in enumerate(achievements)}
    for row, request in some(enumerate(requests)):
        listed = [one.id for one in engine.recommend_achievements(request.wants, top=20, diversity="none").items]
        near = {name for name in listed if scores[row, column[name]] >= request.least + 0.01}
        assert near <= {name for asked, name in found if asked == request.id}


def test_offers_find_demands_and_rules_leave_out(engine, records):
    achievements, demands = records
    demand, own = demands[0], demands[0].enterprise
    offer = UnstoredAchievement(title=demand.title, content=demand.content, holder="某研究院")
    asked = WatchedRequest("O1", None, offer, frozenset({"demand"}), 1.5)
    text = Demand.of_text(f"{achievements[0].title}，{achievements[0].content}")
    requests = [
        asked,
        replace(asked, id="O2", offers=offer.model_copy(update={"holder": own})),
        replace(asked, id="O3", least=8.0),
        replace(asked, id="O4", filters=Filters(statuses=(), regions=("460000",))),
        WatchedRequest("T1", text, None, frozenset({"achievement"}), 1.5),
        WatchedRequest("T2", text, None, frozenset({"service"}), 1.5, conditions={"lead_time_days": 5}),
    ]
    index = StandingIndex.empty(engine, KINDS).with_changes(engine, requests)

    def found(record, on=TODAY):
        return [one.request_id for encoded in index.encode([record]) for one in index.requests_for(*encoded, on)]

    here = demand.model_copy(update={"region": "410100", "deadline": date(2026, 3, 1)})
    assert found(here) == ["O1"]
    assert found(here, date(2026, 3, 2)) == []  # its deadline is over
    assert found(here.model_copy(update={"region": "460100", "deadline": None})) == ["O1", "O4"]
    assert found(achievements[0]) == ["T1"]
    service = KindRecord(kind="service", id="S1", title=achievements[0].title, content=achievements[0].content)
    assert found(service) == []  # it does not say how long it takes
    quick = service.model_copy(update={"attributes": {"lead_time_days": 4}})
    assert found(quick) == ["T2"]
    for changes in some([{"visibility": "保密"}, {"valid_until": date(2025, 12, 31)}, {"status": "暂停"}]):
        assert found(KindRecord.model_validate(quick.model_dump() | changes)) == []
    fewer = index.with_changes(engine, [replace(requests[0], least=8.0)], ["T1"])
    assert len(fewer) == len(requests) - 1
    assert found(here) == ["O1"]  # the index before is as it was
    index = fewer
    assert found(here) == []
    assert found(achievements[0]) == []
