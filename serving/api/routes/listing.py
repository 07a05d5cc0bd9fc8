"""Records and events read back: one, or page by page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.errors import InputError
from data.records import Achievement, Demand, OutcomeEvent, RecordKind
from data.store.reading.listing import Page
from data.store.store import Store
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.routes.records import AchievementId, DemandId
from serving.problems import COMMON, NOT_FOUND, responses
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1")
READS_RECORDS = [Depends(Needs(Scope.READ_RECORDS))]
READS_EVENTS = [Depends(Needs(Scope.READ_EVENTS))]
MAX_PAGE = 500
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most")]
Cursor = Annotated[
    str, Query(max_length=1000, description="`next_cursor` of the page before; empty: the first page", examples=[""])
]


class _PageAnswer(BaseModel):
    """One page."""

    model_config = ConfigDict(frozen=True)

    next_cursor: str = Field("", description="Send it as `cursor` for the next page; empty: this is the last one")


class AchievementsPage(_PageAnswer):
    """Achievements, ordered by id."""

    items: list[Achievement]


class DemandsPage(_PageAnswer):
    """Demands with what was answered about them, ordered by id."""

    items: list[Demand]


class EventsPage(_PageAnswer):
    """Events of one record: undated judgements first, then by moment."""

    items: list[OutcomeEvent]


@router.get(
    "/achievements",
    tags=["records"],
    response_model=AchievementsPage,
    responses=responses(*COMMON),
    dependencies=READS_RECORDS,
    summary="List achievements",
)
async def list_achievements(services: ServicesOf, limit: Limit = 100, cursor: Cursor = "") -> Response:
    """Return stored achievements, open and closed ones, page by page."""
    return await _records(services, "achievements", limit, cursor)


@router.get(
    "/demands",
    tags=["records"],
    response_model=DemandsPage,
    responses=responses(*COMMON),
    dependencies=READS_RECORDS,
    summary="List demands",
)
async def list_demands(services: ServicesOf, limit: Limit = 100, cursor: Cursor = "") -> Response:
    """Return stored demands, open and closed ones, page by page."""
    return await _records(services, "demands", limit, cursor)


@router.get(
    "/achievements/{achievement_id:path}/events",
    tags=["events"],
    response_model=EventsPage,
    responses=responses(*COMMON),
    dependencies=READS_EVENTS,
    summary="Events of an achievement",
)
async def achievement_events(
    achievement_id: AchievementId, services: ServicesOf, limit: Limit = 100, cursor: Cursor = ""
) -> Response:
    """Return what was reported and recorded of an achievement, also where the achievement itself is unknown or deleted."""
    return await _events(services, "achievements", achievement_id, limit, cursor)


@router.get(
    "/demands/{demand_id:path}/events",
    tags=["events"],
    response_model=EventsPage,
    responses=responses(*COMMON),
    dependencies=READS_EVENTS,
    summary="Events of a demand",
)
async def demand_events(demand_id: DemandId, services: ServicesOf, limit: Limit = 100, cursor: Cursor = "") -> Response:
    """Return what was reported and recorded of a demand, also where the demand itself is unknown or deleted."""
    return await _events(services, "demands", demand_id, limit, cursor)


# After all paths that go on behind an id, which may hold slashes.
@router.get(
    "/achievements/{achievement_id:path}",
    tags=["records"],
    response_model=Achievement,
    responses=responses(NOT_FOUND, *COMMON),
    dependencies=READS_RECORDS,
    summary="Read an achievement",
)
async def get_achievement(achievement_id: AchievementId, services: ServicesOf) -> Response:
    """Return a stored achievement as it was written."""
    return json_response(_plain(await services.in_store(partial(_achievement, record_id=achievement_id))))


@router.get(
    "/demands/{demand_id:path}",
    tags=["records"],
    response_model=Demand,
    responses=responses(NOT_FOUND, *COMMON),
    dependencies=READS_RECORDS,
    summary="Read a demand",
)
async def get_demand(demand_id: DemandId, services: ServicesOf) -> Response:
    """Return a stored demand as it was written, with what was answered about it since."""
    return json_response(_plain(await services.in_store(partial(_demand, record_id=demand_id))))


async def _records(services: Services, kind: RecordKind, limit: int, cursor: str) -> Response:
    after = _read_cursor(cursor, 1)[0] if cursor else ""
    page = await services.in_store(partial(_page, kind=kind, limit=limit, after=after))
    return _page_answer(page, [page.items[-1].record_id] if page.more else [])


async def _events(services: Services, kind: RecordKind, record_id: str, limit: int, cursor: str) -> Response:
    after: tuple[datetime | None, str] | None = None
    if cursor:
        moment, event_id = _read_cursor(cursor, 2)
        after = _moment(moment), event_id
    page = await services.in_store(partial(_events_page, kind=kind, record_id=record_id, limit=limit, after=after))
    last = page.items[-1] if page.more else None
    return _page_answer(page, [last.occurred_at.isoformat() if last.occurred_at else "", last.event_id] if last else [])


def _page_answer(page: Page[Any], position: list[str]) -> Response:
    cursor = urlsafe_b64encode(orjson.dumps(position)).decode() if position else ""
    return json_response({"items": [_plain(item) for item in page.items], "next_cursor": cursor})


def _read_cursor(cursor: str, parts: int) -> list[str]:
    """Return the position that a cursor represents.

    Raises:
        InputError: no page gave it.

    """
    try:
        position = orjson.loads(urlsafe_b64decode(cursor.encode()))
    except (Base64Error, orjson.JSONDecodeError, UnicodeEncodeError, ValueError):
        position = None
    if not isinstance(position, list) or len(position) != parts or not all(isinstance(part, str) for part in position):
        raise InputError(f"cursor {cursor[:60]!r} was given by no page", f"cursor“{cursor[:60]}”不是上一页给出的")
    return position


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError) as error:
        raise InputError(f"cursor names no moment: {text[:60]!r}", f"cursor 中没有时间：“{text[:60]}”") from error


def _plain(item: Achievement | Demand | OutcomeEvent) -> dict[str, Any]:
    return item.model_dump(mode="json")


def _achievement(store: Store, record_id: str) -> Achievement:
    return store.achievement(record_id)


def _demand(store: Store, record_id: str) -> Demand:
    return store.demand(record_id)


def _page(store: Store, kind: RecordKind, limit: int, after: str) -> Page[Achievement | Demand]:
    return store.listing.records(kind, limit, after)


def _events_page(
    store: Store, kind: RecordKind, record_id: str, limit: int, after: tuple[datetime | None, str] | None
) -> Page[OutcomeEvent]:
    return store.listing.events_of(kind, record_id, limit, after)
