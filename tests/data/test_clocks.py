from datetime import UTC, datetime, timedelta

import pytest

from data.clocks import impossible_moment
from data.records import OutcomeEvent

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def at(moment):
    event = {"event_id": "E", "demand_id": "D", "achievement_id": "A", "kind": "click", "occurred_at": moment}
    return OutcomeEvent.model_validate(event)


@pytest.mark.parametrize(
    "moment", [NOW, NOW + timedelta(hours=23), NOW - timedelta(days=3650), datetime(1990, 1, 2, tzinfo=UTC)]
)
def test_clocks_may_differ_by_a_day(moment):
    assert impossible_moment(at(moment), NOW) is None


@pytest.mark.parametrize(
    "moment",
    ["1970-01-01T00:00:00Z", "1970-01-01T12:49:03Z", "1900-01-01T00:00:00", "2026-05-02T00:00:01Z", "2926-05-01"],
)
def test_what_cannot_have_happened_then_is_refused_by_its_value(moment):
    event = at(moment)
    assert event.occurred_at.isoformat() in impossible_moment(event, NOW)


def test_a_judgement_may_be_undated():
    event = {"event_id": "E", "demand_id": "D", "achievement_id": "A", "kind": "judgement", "level": 3}
    assert impossible_moment(OutcomeEvent.model_validate(event), NOW) is None
