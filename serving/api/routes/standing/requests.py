"""Standing requests: asked once, answered whenever a record comes that fits; the feed of all their notices."""

from datetime import UTC, date, datetime, time
from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from data.clocks import china_today
from data.errors import InputError
from data.kinds.record import Value
from data.kinds.registry import Kinds
from data.records import MAX_TEXT, Identifier
from data.standing.types import (
    MOST_CHARACTERS_OF_NAME,
    Digest,
    Notice,
    QuietHours,
    RequestState,
    Source,
    SourceKind,
    StandingRequest,
)
from data.store.store import Store
from matcher.collection.filters import Filters
from matcher.standing.requests import DEMAND, require_watchable
from matcher.texts.space import record_text
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, NOT_FOUND, responses
from serving.runtime.services import ServicesOf
from serving.runtime.standing.messages import title_of
from serving.runtime.standing.subjects import FIRM, TABLES, texts_of, watched_by_default

router = APIRouter(prefix="/v1", tags=["standing requests"])
Reader = Annotated[Principal, Depends(Needs(Scope.RECOMMEND))]
Writer = Annotated[Principal, Depends(Needs(Scope.WRITE_EVENTS))]
RequestId = Annotated[Identifier, Path(description="id, of your choice", examples=["W000001"])]
MAX_PAGE = 500
LEAST, MOST, DEFAULT = 1.0, 8.0, 3.0
_EXAMPLE = {
    "for": {"text": "需要一种低温污泥干化设备，含水率降到40%以下"},
    "kinds": ["achievement", "service"],
    "endpoint": "platform",
    "digest": "at_once",
    "quiet_hours": {"begin": "22:00", "end": "08:00"},
    "valid_until": "2027-06-30",
}


class RecordName(BaseModel):
    """A stored record of a declared kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(min_length=1, max_length=40, examples=["expert"])
    id: Identifier = Field(examples=["E000001"])


class StandingFor(BaseModel):
    """Whose text is matched: exactly one of a saved text, a stored demand, achievement, firm, or record of another kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)] | None = None
    demand_id: Identifier | None = None
    achievement_id: Identifier | None = None
    firm_id: Identifier | None = Field(None, description="By what the firm does")
    record: RecordName | None = Field(None, description="An expert, an institution, a service … by what it offers")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = (self.text, self.demand_id, self.achievement_id, self.firm_id, self.record)
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of text, demand_id, achievement_id, firm_id, record")
        return self

    def source(self) -> Source:
        """Return the source as the store keeps it."""
        if self.demand_id is not None:
            return Source(SourceKind.DEMAND, self.demand_id, TABLES[SourceKind.DEMAND])
        if self.achievement_id is not None:
            return Source(SourceKind.ACHIEVEMENT, self.achievement_id, TABLES[SourceKind.ACHIEVEMENT])
        if self.firm_id is not None:
            return Source(SourceKind.RECORD, self.firm_id, FIRM)
        if self.record is not None:
            return Source(SourceKind.RECORD, self.record.id, self.record.kind)
        return Source(SourceKind.TEXT, text=self.text or "")


class Quiet(BaseModel):
    """A span of the day in China in which no webhook is sent; it may reach over midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    begin: time = Field(examples=["22:00"])
    end: time = Field(examples=["08:00"])

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.begin.replace(second=0, microsecond=0) == self.end.replace(second=0, microsecond=0):
            raise ValueError("begin and end must differ")
        return self


class StandingAsk(BaseModel):
    """What is asked to be notified of."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    subject: StandingFor = Field(alias="for")
    kinds: tuple[Annotated[str, Field(max_length=40)], ...] = Field(
        (),
        max_length=20,
        description="Kinds watched; absent: achievements for a need, demands for what is offered",
        examples=[["achievement", "service"]],
    )
    least: float = Field(
        DEFAULT,
        ge=LEAST,
        le=MOST,
        description="Score from which on a record matches: how many deviations above a reference record the texts are alike",
    )
    filters: Filters = Field(default_factory=lambda: Filters(statuses=()))
    conditions: dict[str, str | int | float | bool | list[str]] = Field(
        default_factory=dict, max_length=20, description="Values of filtered fields; a number is a bound from above"
    )
    endpoint: str = Field(
        "",
        max_length=MOST_CHARACTERS_OF_NAME,
        description="Webhook that carries the notices; empty: feed and queue alone",
    )
    digest: Digest = Field(Digest.AT_ONCE, description="daily and weekly: at 9:00 in China, of Mondays")
    quiet_hours: Quiet | None = None
    valid_until: date | None = Field(None, description="Last day; a demand's own deadline ends it too")


class StandingView(BaseModel):
    """A standing request as it is."""

    model_config = ConfigDict(frozen=True)

    id: str
    subject: StandingFor = Field(serialization_alias="for")
    kinds: tuple[str, ...]
    least: float
    filters: Filters
    conditions: dict[str, str | int | float | bool | list[str]]
    endpoint: str
    digest: Digest
    quiet_hours: Quiet | None
    valid_until: date | None
    state: RequestState = Field(examples=["有效"])
    created_at: datetime
    ended_at: datetime | None
    settled: bool = Field(description="Whether it was matched with all records that there were")


class StandingPage(BaseModel):
    """Standing requests in the order of their ids; `next_cursor` is empty on the last page."""

    model_config = ConfigDict(frozen=True)

    requests: tuple[StandingView, ...]
    next_cursor: str = ""


class NoticeView(BaseModel):
    """The news of one match, given once."""

    model_config = ConfigDict(frozen=True)

    number: int
    request_id: str = Field(examples=["W000001"])
    kind: str = Field(examples=["achievement"])
    record_id: str = Field(examples=["A000042"])
    title: str
    score: float
    found_at: datetime
    handled_at: datetime | None = None
    handled_by: str = ""


class Feed(BaseModel):
    """Notices in the order in which they were found."""

    model_config = ConfigDict(frozen=True)

    matches: tuple[NoticeView, ...]
    next_cursor: int = Field(description="Send it as `cursor`; it stays the same while nothing is new")


class HandledBy(BaseModel):
    """Who saw to a notice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: str = Field(min_length=1, max_length=90, examples=["张三"])


@router.put(
    "/standing/{request_id}",
    response_model=StandingView,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Register a standing request",
)
async def put_standing(
    request_id: RequestId, sent: Annotated[StandingAsk, Body(examples=[_EXAMPLE])], services: ServicesOf, who: Writer
) -> Response:
    """Register, change or renew a standing request: it is matched with all records there are, and with each to come.

    No record is noticed twice for the same request, whatever changes. Sending the same again changes nothing.
    """
    kinds = services.kinds.kinds
    source = sent.subject.source()
    if source.kind:
        kinds.known(source.kind)
    watched = tuple(dict.fromkeys(sent.kinds)) or watched_by_default(kinds, source)
    conditions: dict[str, Value] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in sent.conditions.items()
    }
    require_watchable(kinds, watched, conditions)
    if sent.filters.by_figures:
        raise InputError(
            "filters by figures compare pairs of a list; a standing request cannot be narrowed by them",
            "订阅不支持按指标筛选",
        )
    request = StandingRequest(
        id=request_id,
        source=source,
        kinds=watched,
        least=sent.least,
        created_at=datetime.now(UTC),
        created_by=who.name,
        filters=sent.filters.model_dump(mode="json", exclude_defaults=True) | {"statuses": list(sent.filters.statuses)},
        conditions=sent.conditions,
        endpoint=sent.endpoint,
        digest=sent.digest,
        quiet=None if (quiet := sent.quiet_hours) is None else QuietHours(_minute(quiet.begin), _minute(quiet.end)),
        valid_until=sent.valid_until,
    )
    kept = await services.in_store(partial(_put, kinds=kinds, request=request))
    services.standing_matcher.wake()
    return json_response(_shown(kept).model_dump(mode="json", by_alias=True))


@router.get(
    "/standing", response_model=StandingPage, responses=responses(*COMMON), summary="List the standing requests"
)
async def list_standing(
    services: ServicesOf,
    _who: Reader,
    cursor: Annotated[str, Query(max_length=128, description="`next_cursor` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    state: Annotated[RequestState | None, Query(description="Only those in this state")] = None,
) -> Response:
    """List standing requests in the order of their ids, ended ones too."""
    found = await services.in_store(lambda store: store.standing.page(cursor, limit, state))
    following = found[-1].id if len(found) == limit else ""
    page = StandingPage(requests=tuple(_shown(one) for one in found), next_cursor=following)
    return json_response(page.model_dump(mode="json", by_alias=True))


@router.get(
    "/standing/{request_id}",
    response_model=StandingView,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Read a standing request",
)
async def get_standing(request_id: RequestId, services: ServicesOf, _who: Reader) -> Response:
    """Return a standing request, ended ones too."""
    found = await services.in_store(lambda store: store.standing.get(request_id))
    return json_response(_shown(found).model_dump(mode="json", by_alias=True))


@router.delete(
    "/standing/{request_id}",
    response_model=StandingView,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Unsubscribe a standing request",
)
async def unsubscribe(request_id: RequestId, services: ServicesOf, _who: Writer) -> Response:
    """End a standing request: nothing more is matched or sent for it. What was noticed stays in the feed."""
    now = datetime.now(UTC)

    def work(store: Store) -> StandingRequest:
        store.standing.get(request_id)  # NotFoundError names near ids
        store.standing.end([request_id], RequestState.UNSUBSCRIBED, now)
        return store.standing.get(request_id)

    return json_response(_shown(await services.in_store(work)).model_dump(mode="json", by_alias=True))


@router.get("/matches/new", response_model=Feed, responses=responses(*COMMON), summary="Read the feed of new matches")
async def new_matches(
    services: ServicesOf,
    _who: Reader,
    cursor: Annotated[int, Query(ge=0, le=2**62, description="`next_cursor` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    request_id: Annotated[str, Query(max_length=128, description="Only of this standing request")] = "",
) -> Response:
    """Return the notices after a cursor, as they come, without regard to digests and quiet hours.

    Whoever reads on from the last `next_cursor` gets each notice once and misses none.
    """
    kinds = services.kinds.kinds

    def work(store: Store) -> tuple[list[NoticeView], int]:
        found = store.notices.page(cursor, limit, request_id)
        return seen(store, kinds, found), found[-1].number if found else cursor

    shown, last = await services.in_store(work)
    return json_response(Feed(matches=tuple(shown), next_cursor=last).model_dump(mode="json"))


@router.post(
    "/matches/new/{number}:handle",
    response_model=NoticeView,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Note that a new match was seen to",
)
async def handle_notice(
    number: Annotated[int, Path(ge=1, le=2**62)], sent: HandledBy, services: ServicesOf, _who: Writer
) -> Response:
    """Take a notice out of the operators' queue; who did first stays."""
    now, kinds = datetime.now(UTC), services.kinds.kinds

    def work(store: Store) -> NoticeView:
        return _notice(store, kinds, store.notices.handle(number, sent.operator, now))

    return json_response((await services.in_store(work)).model_dump(mode="json"))


def seen(store: Store, kinds: Kinds, notices: list[Notice]) -> list[NoticeView]:
    """Return notices as anybody may see them; of a record that is gone or hidden by now nothing is said."""
    withheld = store.quality.withheld() if notices else {}
    offered = [one for one in notices if one.record_id not in withheld.get(one.kind, ())]
    found = [_notice(store, kinds, one) for one in offered]
    return [one for one in found if one.title]


def _notice(store: Store, kinds: Kinds, one: Notice) -> NoticeView:
    fields = {name: getattr(one, name) for name in NoticeView.model_fields if name != "title"}
    return NoticeView(**fields, title=title_of(store, kinds, one.kind, one.record_id) or "")


def _put(store: Store, kinds: Kinds, request: StandingRequest) -> StandingRequest:
    today = china_today()
    if request.valid_until is not None and request.valid_until < today:
        raise InputError(
            f"valid_until is {request.valid_until}, which is over; today is {today}",
            f"有效期 {request.valid_until} 已过",
        )
    wants, offers = texts_of(store, kinds, request.source, today)
    if offers is None and DEMAND in request.kinds:
        raise InputError("a demand is not matched with demands; watch other kinds", "需求不能关注需求，请选择其他类别")
    if not any(record is not None and record_text(record).full for record in (wants, offers)):
        raise InputError("the standing request says nothing to match by", "订阅内容没有可供匹配的文字")
    if request.endpoint:
        store.webhooks.get(request.endpoint)
    return store.standing.put([request])[0]


def _shown(one: StandingRequest) -> StandingView:
    source = one.source
    subject = {
        SourceKind.TEXT: {"text": source.text},
        SourceKind.DEMAND: {"demand_id": source.id},
        SourceKind.ACHIEVEMENT: {"achievement_id": source.id},
        SourceKind.RECORD: {"firm_id": source.id}
        if source.kind == FIRM
        else {"record": {"kind": source.kind, "id": source.id}},
    }[source.of]
    return StandingView(
        id=one.id,
        subject=StandingFor.model_validate(subject),
        kinds=one.kinds,
        least=one.least,
        filters=Filters.model_validate(one.filters),
        conditions=one.conditions,
        endpoint=one.endpoint,
        digest=one.digest,
        quiet_hours=None if one.quiet is None else Quiet(begin=one.quiet.begin, end=one.quiet.end),
        valid_until=one.valid_until,
        state=one.state,
        created_at=one.created_at,
        ended_at=one.ended_at,
        settled=one.matched >= one.revision,
    )


def _minute(at: time) -> time:
    return time(at.hour, at.minute)
