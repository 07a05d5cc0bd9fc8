"""From the engine's recommendation to the bytes of an answer, and what is noted on the way."""

from collections import Counter
from typing import Any

import orjson
from starlette.responses import Response

from matcher.recommendation import Recommendation
from serving.metrics import CHANNEL_ITEMS, DEGRADED, EMPTY, PROBABILITY
from serving.schemas import Explain, shortened


def json_response(body: Any, status: int = 200) -> Response:
    """Return `body` as JSON; a number that is none (NaN) becomes null."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def answer_body(recommendation: Recommendation, explain: Explain, request_id: str) -> dict[str, Any]:
    """Return the body of an answer."""
    body = recommendation.model_dump(exclude={"items"})
    items = [match.model_dump() for match in shortened(recommendation.items, explain)]
    return {"request_id": request_id, **body, "items": items}


def count_answer(recommendation: Recommendation) -> None:
    """Note an answer in the metrics."""
    items = recommendation.items
    if not items:
        EMPTY.inc()
    if recommendation.degraded:
        DEGRADED.inc()
    for channel, number in Counter(channel for match in items for channel in match.channels).items():
        CHANNEL_ITEMS.labels(channel).inc(number)
    if items and items[0].probability is not None:
        PROBABILITY.observe(items[0].probability)
