"""Records of declared kinds: which kinds there are, and their records written, read, listed and deleted."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.errors import InputError
from data.kinds.declaration import KindDeclaration
from data.kinds.outcome import KindOutcome, counted
from data.kinds.record import KindRecord, read_record
from data.kinds.registry import Kinds
from data.records import Identifier
from data.store.keys import AuditEntry
from data.store.store import Store
from data.store.upserts import UpsertCounts
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.event_list import MAX_EVENTS
from serving.api.ndjson import BulkAnswer, read_kind_line
from serving.api.routes.records import BULK_DOCS, Deleted, Writer, Written, write_lines
from serving.problems import COMMON, NOT_FOUND, responses
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1", tags=["records"])
Reader = Annotated[Principal, Depends(Needs(Scope.RECOMMEND))]
Kind = Annotated[str, Path(description="Name of a kind", examples=["service"], max_length=40)]
RecordId = Annotated[Identifier, Path(description="id", examples=["S000001"])]
MAX_PAGE = 500
_EXAMPLE = {
    "title": "污泥含水率检测",
    "provider": "某检测中心",
    "service_class": "检验检测认证",
    "qualifications": ["CMA", "CNAS"],
    "lead_time_days": 5,
}


_OUTCOME = {
    "event_id": "20260101-service-1",
    "demand_id": "D000001",
    "record_id": "S1",
    "kind": "contact",
    "occurred_at": "2026-01-01T09:30:00+08:00",
}


class KindField(BaseModel):
    """One field of a kind beyond the common ones."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(examples=["lead_time_days"])
    label: str = Field(examples=["服务周期"])
    type: str = Field(examples=["integer"])
    unit: str = Field("", examples=["天"])
    choices: tuple[str, ...] = ()
    required: bool = False
    filtered: bool = False


class KindSummary(BaseModel):
    """A kind of record and how many of them the store holds."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(examples=["service"])
    label: str = Field(examples=["科技服务"])
    role: str = Field(examples=["supply"])
    records: int = Field(ge=0, examples=[620])
    fields: tuple[KindField, ...] = ()


class KindList(BaseModel):
    """All kinds that this server knows."""

    model_config = ConfigDict(frozen=True)

    kinds: tuple[KindSummary, ...]


class OutcomesStored(BaseModel):
    """Outcome of a list of events."""

    model_config = ConfigDict(frozen=True)

    added: int
    known: int = Field(description="Stored before with the same content")
    conflicting: int = Field(description="Stored before with another content, which stays")


class RecordPage(BaseModel):
    """Records of a kind in the order of their ids; `next_cursor` is empty on the last page."""

    model_config = ConfigDict(frozen=True)

    records: tuple[KindRecord, ...]
    next_cursor: str = ""


@router.get("/kinds", response_model=KindList, responses=responses(*COMMON), summary="List the kinds of records")
async def list_kinds(services: ServicesOf, _who: Reader) -> Response:
    """List the kinds that ship and those that the platform declares, with their fields and counts."""
    counts = await services.in_store(_counts)
    kinds = [_summary(kind, counts.get(kind.name, 0)) for kind in _kinds(services).values()]
    return json_response(KindList(kinds=tuple(kinds)).model_dump(mode="json"))


@router.get(
    "/records/{kind}",
    response_model=RecordPage,
    responses=responses(NOT_FOUND, *COMMON),
    summary="List the records of a kind",
)
async def list_records(
    kind: Kind,
    services: ServicesOf,
    _who: Reader,
    cursor: Annotated[str, Query(max_length=128, description="`next_cursor` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> Response:
    """List the records of a kind in the order of their ids, as their visibility allows; who writes records sees all."""
    declared = _kinds(services).recorded(kind)
    found = await services.in_store(lambda store: store.kinds.page(declared.name, cursor, limit))
    following = found[-1].id if len(found) == limit else ""
    return json_response(RecordPage(records=tuple(found), next_cursor=following).model_dump(mode="json"))


@router.get(
    "/records/{kind}/{record_id:path}",
    response_model=KindRecord,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Read a record of a kind",
)
async def get_record(kind: Kind, record_id: RecordId, services: ServicesOf, _who: Reader) -> Response:
    """Return one record as it was written to who writes records, to others as its visibility allows."""
    declared = _kinds(services).recorded(kind)
    record = await services.in_store(lambda store: store.kinds.get(declared.name, record_id))
    return json_response(record.model_dump(mode="json"))


@router.post(
    "/records/{kind}:bulk",
    response_model=BulkAnswer,
    responses=responses(NOT_FOUND, *COMMON),
    openapi_extra=BULK_DOCS,
    summary="Write many records of a kind",
)
async def bulk_records(kind: Kind, request: Request, services: ServicesOf, who: Writer) -> Response:
    """Insert or update the records of a JSON Lines body, at most 20,000 lines; every line has its result.

    Good lines are stored, bad ones are not, and sending the same body again changes nothing.
    """
    declared = _kinds(services).recorded(kind)
    return await write_lines(request, services, who, declared.name, partial(read_kind_line, kind=declared))


@router.post(
    "/records/{kind}:outcomes",
    response_model=OutcomesStored,
    responses=responses(NOT_FOUND, *COMMON),
    dependencies=[Depends(Needs(Scope.WRITE_EVENTS))],
    summary="Report outcomes of records of a kind",
)
async def post_outcomes(
    kind: Kind,
    sent: Annotated[list[KindOutcome], Body(min_length=1, max_length=MAX_EVENTS, examples=[[_OUTCOME]])],
    services: ServicesOf,
) -> Response:
    """Store what happened to pairs of a demand and a record: impressions of lists, and the events that the kind declares.

    An answer of 200 means that all are on disk; an event is known by its `event_id`, the first one stays. A ranker of the
    kind's own is fitted at the next build from enough of them.
    """
    declared = _kinds(services).recorded(kind)
    for one in sent:
        if not counted(declared, one.kind):
            known = "、".join(("impression", *declared.outcomes))
            raise InputError(
                f"{one.kind.value!r} is no outcome of {declared.name} (event {one.event_id!r}); known: {known}",
                f"“{one.kind.value}”不是{declared.label}的成效（事件“{one.event_id}”）；可用：{known}",
            )
    stored = await services.in_store(lambda store: store.kind_outcomes.append(declared.name, sent))
    return json_response(stored)


@router.put(
    "/records/{kind}/{record_id:path}",
    response_model=Written,
    responses=responses(*COMMON),
    summary="Write a record of a kind",
)
async def put_record(
    kind: Kind,
    record_id: RecordId,
    values: Annotated[dict[str, Any], Body(examples=[_EXAMPLE])],
    services: ServicesOf,
    _who: Writer,
) -> Response:
    """Insert or replace one record: its common fields and its kind's own ones. The answer comes once it is on disk."""
    if values.get("id", record_id) != record_id:
        raise InputError(f"the path names {record_id!r}, the record {values['id']!r}; they must be the same")
    record = read_record(_kinds(services).recorded(kind), values | {"id": record_id})
    counts: UpsertCounts = await services.in_store(lambda store: store.kinds.upsert([record]))
    services.written()
    result = "inserted" if counts.inserted else "updated" if counts.updated else "unchanged"
    return json_response({"id": record_id, "result": result})


@router.delete(
    "/records/{kind}/{record_id:path}",
    response_model=Deleted,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Delete a record of a kind",
)
async def delete_record(
    kind: Kind, record_id: RecordId, request: Request, services: ServicesOf, who: Writer
) -> Response:
    """Delete one record; its events stay."""
    name = _kinds(services).recorded(kind).name
    entry = AuditEntry(datetime.now(UTC), who.name, f"{name}.delete", record_id, request.state.request_id)
    await services.in_store(partial(_delete, kind=name, record_id=record_id, entry=entry))
    services.written()
    return json_response({"id": record_id, "result": "deleted"})


def _counts(store: Store) -> dict[str, int]:
    own = store.counts()
    return store.kinds.counts() | {"achievement": own.achievements, "demand": own.demands}


def _kinds(services: Services) -> Kinds:
    return services.kinds.kinds


def _summary(kind: KindDeclaration, records: int) -> KindSummary:
    fields = tuple(
        KindField(
            name=field.name,
            label=field.label,
            type=field.type.value,
            unit=field.unit,
            choices=field.choices,
            required=field.required,
            filtered=field.filtered,
        )
        for field in kind.fields
    )
    return KindSummary(name=kind.name, label=kind.label, role=kind.role.value, records=records, fields=fields)


def _delete(store: Store, kind: str, record_id: str, entry: AuditEntry) -> None:
    store.kinds.delete(kind, record_id)
    store.api_keys.note(entry)
