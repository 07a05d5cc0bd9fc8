"""Sources as one pool: batches with cursor and keys, origins, lag and rejects, flows between regions."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from data.errors import InputError
from data.federation.home import DemandShown, HomePreference, home_preference
from data.federation.merge import SourceRecord
from data.kinds.declaration import Visibility
from data.kinds.record import KindRecord, read_record
from data.kinds.registry import Kinds
from data.records import Achievement, Demand, Identifier
from data.store.keys import AuditEntry
from data.store.store import Store
from data.store.trust.sources import AnyRecord, Published, Rejected, Source
from knowledge_graph.taxonomy.regions import load_regions
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.routes.records import Writer
from serving.problems import COMMON, NOT_FOUND, responses
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1", tags=["trust"])
Reader = Annotated[Principal, Depends(Needs(Scope.RECOMMEND))]
SourceId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="Source", examples=["henan"])]
MAX_BATCH = 1_000
MAX_CURSOR = 2**53


class SourceSettings(BaseModel):
    """What the operator of the pool sets of a source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200, examples=["河南省科技成果库"])
    region: str | None = Field(None, pattern=r"^\d{6}$", description="GB/T 2260")
    visibility: Visibility = Field("公开", description="Its records are shown at most as this says")
    cap: int | None = Field(
        None, ge=0, le=10_000_000, description="Keys that are published at most, the first by order"
    )
    priority: int = Field(100, ge=0, le=1_000_000, description="Of records of the same thing the lowest counts")


class SentRecord(BaseModel):
    """One version of a record at its source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Identifier = Field(description="Its id at the source")
    kind: str = Field(max_length=40, examples=["achievement"])
    version: int = Field(
        ge=0, le=MAX_CURSOR, description="Grows with each change; of equal ones the greater digest counts"
    )
    changed_at: AwareDatetime | None = None
    deleted: bool = False
    record: dict[str, Any] | None = Field(None, description="As `PUT` takes it, without an id; null if deleted")


class Batch(BaseModel):
    """What changed at a source, in any order; sent again it changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cursor: int = Field(ge=0, le=MAX_CURSOR, description="Where the source is after this batch; the highest is kept")
    records: list[SentRecord] = Field(max_length=MAX_BATCH)


class RejectedRecord(BaseModel):
    """A version that could not be read."""

    model_config = ConfigDict(frozen=True)

    key: str
    version: int
    reason: str


class BatchTaken(BaseModel):
    """Outcome of a batch; all of it is on disk and published."""

    model_config = ConfigDict(frozen=True)

    cursor: int
    changed: int = Field(description="Keys of which this was the newest version")
    rejected: tuple[RejectedRecord, ...]


class SourceAnswer(BaseModel):
    """A source and how far it has come."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    region: str | None
    visibility: str
    cap: int | None
    priority: int
    cursor: int
    live: int
    published: int = Field(description="Live keys within the cap")
    deleted: int
    rejected: int = Field(description="Keys whose newest version could not be read")
    received_at: datetime | None
    changed_at: datetime | None = Field(description="Latest change at the source that was received")
    lag_seconds: float | None = Field(
        description="Between that change and the moment it was received with the last batch"
    )
    silent_seconds: float | None = Field(description="Since the last batch")


class SourceList(BaseModel):
    """All sources, by id."""

    model_config = ConfigDict(frozen=True)

    sources: tuple[SourceAnswer, ...]


class RejectList(BaseModel):
    """Open rejects of a source, by key; at most 500."""

    model_config = ConfigDict(frozen=True)

    rejected: tuple[RejectedRecord, ...]


class Origin(BaseModel):
    """Where a published record comes from."""

    model_config = ConfigDict(frozen=True)

    source: str
    key: str
    version: int
    deleted: bool


class OriginList(BaseModel):
    """All origins of a published record; those that are deleted or beyond a cap too."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str
    origins: tuple[Origin, ...]


class Flow(BaseModel):
    """Pairs of a supply and a demand by province, and what happened to them."""

    model_config = ConfigDict(frozen=True)

    supply: str = Field(description="GB/T 2260, two digits")
    supply_name: str
    demand: str
    demand_name: str
    kind: str = Field(description="contact, meeting, negotiation or deal")
    pairs: int


class HomeFigure(BaseModel):
    """How much oftener pairs of one province come to an outcome than their share of what was shown would give."""

    model_config = ConfigDict(frozen=True)

    demand: str = Field(description="Province of the demands, GB/T 2260, two digits; empty for all together")
    demand_name: str
    kind: str = Field(description="contact, with all later steps, or deal")
    demands: int = Field(description="Demands in whose lists both the own and other provinces were shown")
    pairs: int = Field(description="Their shown pairs with the outcome")
    home_pairs: int = Field(description="Of these within the province")
    expected: float = Field(description="As many would be without a preference")
    preference: float = Field(description="1: none; drawn towards 1 as by ten expected pairs")
    low: float = Field(description="95% interval")
    high: float


class Flows(BaseModel):
    """Flows between provinces, and the preference for the own one."""

    model_config = ConfigDict(frozen=True)

    flows: tuple[Flow, ...]
    home: tuple[HomeFigure, ...] = Field((), description="All together and by province, where asked for")


@router.put(
    "/sources/{source_id}", response_model=SourceAnswer, responses=responses(*COMMON), summary="Register a source"
)
async def put_source(
    source_id: SourceId,
    settings: Annotated[SourceSettings, Body()],
    request: Request,
    services: ServicesOf,
    who: Writer,
) -> Response:
    """Register a source or change its settings; what it sent is published again by them."""
    source = Source(source_id, **settings.model_dump())
    entry = AuditEntry(datetime.now(UTC), who.name, "source.put", source_id, request.state.request_id)
    kinds = services.kinds.kinds

    def work(store: Store) -> SourceAnswer:
        store.sources.put(source)
        store.sources.publish(partial(_published, kinds=kinds))
        store.api_keys.note(entry)
        return _answers(store, source_id)[0]

    answer = await services.in_store(work, patient=True)
    services.written()
    return json_response(answer.model_dump(mode="json"))


@router.get("/sources", response_model=SourceList, responses=responses(*COMMON), summary="List sources")
async def list_sources(services: ServicesOf, _who: Reader) -> Response:
    """List sources with their cursors, counts, lag and rejects."""
    found = await services.in_store(_answers)
    return json_response(SourceList(sources=tuple(found)).model_dump(mode="json"))


@router.post(
    "/sources/{source_id}/batches",
    response_model=BatchTaken,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Send what changed at a source",
)
async def post_batch(
    source_id: SourceId, batch: Annotated[Batch, Body()], services: ServicesOf, _who: Writer
) -> Response:
    """Take in versions of a source's records, at most 1,000, and publish what they come to with those of other sources.

    Any order and any repetition of batches gives the same: of each key the newest version counts. Records that cannot be
    read are named and change nothing. Records of the same thing are one, by kind, title and holder.
    """
    kinds = services.kinds.kinds
    sent, rejected = read_batch(source_id, batch.records, kinds)
    moments = [one.changed_at for one in batch.records if one.changed_at is not None]
    now = datetime.now(UTC)

    def work(store: Store) -> BatchTaken:
        store.sources.get(source_id)
        latest = max(moments, default=None)
        changed = store.sources.take(source_id, batch.cursor, sent, rejected, now, latest)
        store.sources.publish(partial(_published, kinds=kinds))
        faults = tuple(RejectedRecord(**vars(one)) for one in rejected)
        return BatchTaken(cursor=store.sources.get(source_id).cursor, changed=changed, rejected=faults)

    taken = await services.in_store(work, patient=True)
    services.written()
    return json_response(taken.model_dump(mode="json"))


@router.get(
    "/sources/{source_id}/rejects",
    response_model=RejectList,
    responses=responses(NOT_FOUND, *COMMON),
    summary="What of a source could not be read",
)
async def list_rejects(source_id: SourceId, services: ServicesOf, _who: Writer) -> Response:
    """List the newest versions that could not be read, with the reason."""

    def work(store: Store) -> list[Rejected]:
        store.sources.get(source_id)
        return store.sources.rejects(source_id)

    found = await services.in_store(work)
    return json_response({"rejected": [vars(one) for one in found]})


@router.get(
    "/origins/{kind}/{record_id:path}",
    response_model=OriginList,
    responses=responses(*COMMON),
    summary="Origins of a record",
)
async def list_origins(
    kind: Annotated[str, Path(max_length=40)], record_id: Identifier, services: ServicesOf, _who: Reader
) -> Response:
    """List what sources sent of a published record; none for a record that no source sent."""
    found = await services.in_store(lambda store: store.sources.origins(kind, record_id))
    origins = [
        {"source": one.source, "key": one.key, "version": one.version, "deleted": one.document is None} for one in found
    ]
    return json_response({"kind": kind, "id": record_id, "origins": origins})


@router.get("/flows", response_model=Flows, responses=responses(*COMMON), summary="Flows between regions")
async def list_flows(
    services: ServicesOf,
    _who: Reader,
    home: Annotated[bool, Query(description="Preference for the own province too, from all events")] = False,
) -> Response:
    """Count the pairs with outcomes by the provinces of achievement and demand, as far as both are known.

    With `home` it says how much oftener pairs of one province come to an outcome than their share of what was shown would
    give.
    """
    found = await services.in_store(lambda store: store.sources.flows(), patient=True)
    shown = await services.in_store(lambda store: store.sources.shown_by_province(), patient=True) if home else []
    flows = [
        Flow(
            supply=supply,
            supply_name=_province(supply),
            demand=demand,
            demand_name=_province(demand),
            kind=kind,
            pairs=pairs,
        )
        for supply, demand, kind, pairs in found
    ]
    groups: dict[tuple[str, str], list[DemandShown]] = {}
    for province, kind, one in shown:
        for group in ("", province):
            groups.setdefault((group, kind), []).append(one)
    figures = [_home(*group, home_preference(lists)) for group, lists in sorted(groups.items())]
    answer = Flows(flows=tuple(flows), home=tuple(one for one in figures if one.demands))
    return json_response(answer.model_dump(mode="json"))


def _home(province: str, kind: str, one: HomePreference) -> HomeFigure:
    return HomeFigure(
        demand=province,
        demand_name=_province(province) if province else "",
        kind=kind,
        demands=one.demands,
        pairs=one.outcomes,
        home_pairs=one.home,
        expected=round(one.expected, 2),
        preference=round(one.preference, 3),
        low=round(one.low, 3),
        high=round(one.high, 3),
    )


def _province(code: str) -> str:
    return load_regions().name(int(code.ljust(6, "0")))


def read_batch(source: str, sent: list[SentRecord], kinds: Kinds) -> tuple[list[SourceRecord], list[Rejected]]:
    """Return the versions of a batch that can be read, in the one spelling of their kind, and the others with the reason."""
    found, rejected = [], []
    for one in sent:
        try:
            found.append(SourceRecord(source, one.key, one.kind, one.version, _document(one, kinds)))
        except (InputError, ValidationError) as error:
            reason = error.chinese or str(error) if isinstance(error, InputError) else _first(error)
            rejected.append(Rejected(one.key, one.version, reason[:500]))
    return found, rejected


def _document(one: SentRecord, kinds: Kinds) -> dict[str, Any] | None:
    kinds.known(one.kind)
    if one.deleted:
        return None
    if one.record is None:
        raise InputError(f"record {one.key!r} is missing", "缺少 record；删除请写 deleted: true")
    record = _read(one.kind, "source-key", one.record, kinds)
    kept = record.model_dump(mode="json", exclude_defaults=True)
    return {name: value for name, value in kept.items() if name not in ("id", "kind", "achievement_id", "demand_id")}


def _published(one: Published, kinds: Kinds) -> AnyRecord:
    return _read(one.kind, one.record_id, one.document, kinds)


def _read(kind: str, record_id: str, values: dict[str, Any], kinds: Kinds) -> AnyRecord:
    given = {name: value for name, value in values.items() if name not in ("id", "kind", "achievement_id", "demand_id")}
    if kind == "achievement":
        return Achievement.model_validate(given | {"achievement_id": record_id})
    if kind == "demand":
        return Demand.model_validate(given | {"demand_id": record_id})
    record: KindRecord = read_record(kinds.recorded(kind), given | {"id": record_id})
    return record


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}：{fault['msg']}"


def _answers(store: Store, only: str = "") -> list[SourceAnswer]:
    counts, now = store.sources.counts(), datetime.now(UTC)
    return [_answer(one, counts[one.id], now) for one in store.sources.all() if only in ("", one.id)]


def _answer(one: Source, counts: Any, now: datetime) -> SourceAnswer:
    lag = None
    if one.received_at is not None and one.changed_at is not None:
        lag = max(0.0, (one.received_at - one.changed_at).total_seconds())
    silent = None if one.received_at is None else (now - one.received_at).total_seconds()
    return SourceAnswer(**vars(one), **vars(counts), lag_seconds=lag, silent_seconds=silent)
