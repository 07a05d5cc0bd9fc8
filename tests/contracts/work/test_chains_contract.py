"""What the store's chains, and the preference for the home region, must do on SQLite and on a real PostgreSQL."""

from datetime import UTC, datetime

import pytest

from data.errors import NotFoundError
from data.federation.home import DemandShown
from data.records import Achievement, Demand, EventKind, OutcomeEvent
from data.store.store import Store
from data.taxonomy.industry_chain import Chain, ChainLink, ChainNode


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("new_postgresql")()
    with Store.open(url) as opened:
        yield opened


def test_a_chain_is_written_replaced_and_taken_out_whole(store):
    nodes = (ChainNode("1", "电池", weight=3.0, about="动力"), ChainNode("2", "隔膜", "1", "2929"))
    chain = Chain("b", "动力电池", nodes, (ChainLink("1", "2", 2.0),))
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    assert store.chains.all() == []
    assert store.chains.put(chain, first)
    assert not store.chains.put(chain, later)
    kept, read = store.chains.get("b")
    assert read == chain
    assert (kept.nodes, kept.links, kept.imported_at) == (2, 1, first)
    assert store.chains.put(Chain("b", "动力电池", nodes), later)
    assert store.chains.all()[0].links == 0
    store.chains.remove("b")
    with pytest.raises(NotFoundError, match="no chain 'b'"):
        store.chains.get("b")
    with pytest.raises(NotFoundError):
        store.chains.remove("b")


def test_what_was_shown_is_counted_by_demand_and_province(store):
    """Of D1's two shown achievements the one of its province came to a deal; what was never shown does not count."""
    store.upsert_demands([Demand(demand_id="D1", title="干化", region="410100"), Demand(demand_id="D2", title="干化")])
    places = {"A1": "410200", "A2": "340100", "A3": "410100", "A4": None}
    store.upsert_achievements([Achievement(achievement_id=one, title="干化", region=at) for one, at in places.items()])
    shown, contact, deal = EventKind.IMPRESSION, EventKind.CONTACT, EventKind.DEAL
    happened = [
        ("D1", "A1", shown),
        ("D1", "A1", shown),
        ("D1", "A1", deal),
        ("D1", "A2", shown),
        ("D1", "A3", contact),
    ]
    happened += [("D1", "A4", shown), ("D2", "A1", shown)]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    store.append_events(
        OutcomeEvent(event_id=f"e{number}", demand_id=demand, achievement_id=one, kind=kind, occurred_at=at)
        for number, (demand, one, kind) in enumerate(happened)
    )
    assert store.sources.shown_by_province() == [
        ("41", "contact", DemandShown(2, 1, 1, 1)),
        ("41", "deal", DemandShown(2, 1, 1, 1)),
    ]
