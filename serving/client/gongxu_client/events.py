"""Events as they are sent: made once with an id of their own, so that sending one again doubles nothing."""

import uuid
from datetime import UTC, datetime
from typing import Any

from gongxu_client.models import OutcomeEvent


def new_event(kind: str, demand_id: str, achievement_id: str, **more: Any) -> OutcomeEvent:
    """Return an event that happened now, under a new id; `more` may give request_id, position, amount or reason."""
    values = {
        "event_id": uuid.uuid4().hex,
        "kind": kind,
        "demand_id": demand_id,
        "achievement_id": achievement_id,
        "occurred_at": datetime.now(UTC),
        **more,
    }
    return OutcomeEvent.model_validate(values)
