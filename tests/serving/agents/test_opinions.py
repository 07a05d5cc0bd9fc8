"""A model's second opinions in the review queue: of judged pairs alone, beside people's, learned by nothing."""

from datetime import UTC, datetime

import pytest

from data.records import EventKind
from data.store.reviews import Review
from data.store.store import Store
from matcher.opinions.second import PLAIN
from matcher.reranking.weight import rerank_text
from models.remote.breaker import Breaker
from tests.models.remote.judging import levelling
from tests.serving.conftest import wait_for
from tests.serving.dashboard.conftest import Person
from tests.some import some

NOW = datetime(2026, 5, 6, tzinfo=UTC)
LEVELS = (4, 1, 4, 1, 3, 2)
PAIRS = [(f"D{number:06d}", f"A{number:07d}") for number in range(1, 1 + len(LEVELS))]


@pytest.fixture(scope="module")
def reviewed(site, server):
    """Six pairs that two people judged, some of them 保密; what the store held before."""
    server.app.state.services.chat.endpoint._breaker = Breaker()
    with Store.open(site.store_url) as store:
        before = list(store.events([EventKind.JUDGEMENT]))
        for pair, level in zip(PAIRS, LEVELS, strict=True):
            for who in ("an", "bo"):
                store.reviews.judge(Review(*pair, who, level, (), "", "second", None, "", 3.0, NOW))
    return before


def test_opinions_are_asked_of_judged_pairs_and_shown_with_their_agreement(server, script, site, reviewed):
    reviewer = Person(server, "reviewer")
    page = reviewer.get("/review").text
    assert "与模型的一致性" in page
    script.requests.clear()
    script.steps = [levelling(lambda need, offer: 1 + len(need + offer) % 4)]
    assert reviewer.post("/review/opinions").headers["location"].endswith("notice=levelling")

    with Store.open(site.store_url) as store:
        hidden = {d for d, a in PAIRS if not (rerank_text(store.demand(d)) and rerank_text(store.achievement(a)))}

    def kept():
        with Store.open(site.store_url) as store:
            found = store.model_levels.all()
        return found if len(found) >= len(PAIRS) - len(hidden) else None

    levels = wait_for(kept)
    assert {(one.model, one.prompt) for one in levels} == {("scripted", PLAIN.digest)}
    assert len(script.requests) == len(levels) == len(PAIRS) - len(hidden)
    assert hidden  # nobody outside reads these
    assert hidden.isdisjoint(one.demand_id for one in levels)
    page = reviewer.get("/review").text
    assert "模型评级（AI 生成）" in page
    tile = page.partition("模型评级的配对")[2].partition("</dd>")[0]
    assert f">{len(levels)}<" in tile
    exported = reviewer.get("/tables/reviews/export?format=csv").text
    assert "模型评级（AI 生成）" in exported.splitlines()[0]


def test_an_opinion_is_no_event_and_no_judgement(site, server, reviewed):
    with Store.open(site.store_url) as store:
        assert some(store.model_levels.all())
        now = {event.event_id for event in store.events([EventKind.JUDGEMENT])}
        people = {review.reviewer for review in store.reviews.all()}
    assert all(event_id.startswith("review-") for event_id in now - {event.event_id for event in reviewed})
    assert "scripted" not in people


def test_who_may_not_review_may_not_ask(server):
    assert Person(server, "viewer").post("/review/opinions").status_code == 403
