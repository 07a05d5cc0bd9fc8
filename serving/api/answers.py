"""From the engine's recommendation to the bytes of an answer, and what is noted on the way."""

from collections import Counter
from functools import cache
from typing import Any

import orjson
from starlette.responses import Response

from matcher.recommendation import Recommendation
from serving.api.schemas import Explain, shortened
from serving.runtime.answer_cache import Answered
from serving.runtime.live import Lacking
from serving.telemetry.metrics import CANDIDATES, CHANNEL_ITEMS, DEGRADED, EMPTY, PROBABILITY
from serving.telemetry.stages import timed

_candidates, _channel_items = cache(CANDIDATES.labels), cache(CHANNEL_ITEMS.labels)  # channels are few


def json_response(body: Any, status: int = 200) -> Response:
    """Return `body` as JSON; a number that is none (NaN) becomes null."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def json_bytes(body: bytes) -> Response:
    """Return a response with JSON that is bytes already."""
    return Response(body, media_type="application/json")


def answered(
    recommendation: Recommendation,
    explain: Explain,
    lacks: list[Lacking],
    *,
    gap_report: dict[str, Any] | None = None,
    gap_report_at: str = "",
) -> Answered:
    """Return an answer, ready to be sent, that was made without `lacks`; with the report on its gaps, or where that is."""
    with timed("json"):
        shown = recommendation.model_copy(update={"items": shortened(recommendation.items, explain)})
        body = shown.model_dump()
        items = body.pop("items")
        degraded = recommendation.degraded or bool(lacks)
        gaps = {"gap_report_at": gap_report_at, "gap_report": gap_report}
        return Answered(
            recommendation, orjson.dumps({**body, **gaps, "degraded": degraded, "lacks": lacks, "items": items})
        )


def count_answer(recommendation: Recommendation, lacks: list[Lacking]) -> None:
    """Note an answer in the metrics."""
    items = recommendation.items
    if not items:
        EMPTY.inc()
    for lacking in lacks:
        DEGRADED.labels(lacking).inc()
    for channel, number in recommendation.proposed.items():
        _candidates(channel).inc(number)
    for channel, number in Counter(channel for match in items for channel in match.channels).items():
        _channel_items(channel).inc(number)
    if items and items[0].probability is not None:
        PROBABILITY.observe(items[0].probability)
