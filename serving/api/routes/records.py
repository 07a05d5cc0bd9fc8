"""Records: written one by one or in bulk, deleted, found by the next request."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.errors import InputError
from data.kinds.record import KindRecord
from data.records import Achievement, Demand, Identifier
from data.store.keys import AuditEntry
from data.store.store import Store
from data.store.upserts import UpsertCounts
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.ndjson import BulkAnswer, read_lines
from serving.problems import COMMON, NOT_FOUND, UNSUPPORTED_MEDIA, ApiError, responses, unsupported
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1", tags=["records"])
Writer = Annotated[Principal, Depends(Needs(Scope.WRITE_RECORDS))]
AchievementId = Annotated[Identifier, Path(description="achievement_id", examples=["A000001"])]
DemandId = Annotated[Identifier, Path(description="demand_id", examples=["D000001"])]
NDJSON = ("application/x-ndjson", "application/jsonl", "application/ndjson")
BULK_DOCS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {NDJSON[0]: {"schema": {"type": "string", "description": "One record as JSON a line"}}},
    }
}
_R = TypeVar("_R", Achievement, Demand, KindRecord)


class Written(BaseModel):
    """Outcome of a record; it is on disk and will be found within a second."""

    model_config = ConfigDict(frozen=True)

    id: str
    result: Literal["inserted", "updated", "unchanged"] = Field(examples=["inserted"])


class Deleted(BaseModel):
    """A record is gone; it will no longer be recommended within a second."""

    model_config = ConfigDict(frozen=True)

    id: str
    result: Literal["deleted"] = "deleted"


@router.post(
    "/achievements:bulk",
    response_model=BulkAnswer,
    responses=responses(*COMMON),
    openapi_extra=BULK_DOCS,
    summary="Write many achievements",
)
async def bulk_achievements(request: Request, services: ServicesOf, who: Writer) -> Response:
    """Insert or update the achievements of a JSON Lines body, at most 20,000 lines; every line has its result.

    Good lines are stored, bad ones are not, and sending the same body again changes nothing.
    """
    return await write_lines(request, services, who, "achievements", Achievement.model_validate_json)


@router.post(
    "/demands:bulk",
    response_model=BulkAnswer,
    responses=responses(*COMMON),
    openapi_extra=BULK_DOCS,
    summary="Write many demands",
)
async def bulk_demands(request: Request, services: ServicesOf, who: Writer) -> Response:
    """Insert or update the demands of a JSON Lines body, at most 20,000 lines; every line has its result.

    Good lines are stored, bad ones are not, and sending the same body again changes nothing.
    """
    return await write_lines(request, services, who, "demands", Demand.model_validate_json)


@router.put(
    "/achievements/{achievement_id:path}",
    response_model=Written,
    responses=responses(*COMMON),
    summary="Write an achievement",
)
async def put_achievement(
    achievement_id: AchievementId, record: Achievement, services: ServicesOf, _who: Writer
) -> Response:
    """Insert or replace one achievement. The answer comes once it is on disk."""
    return await _put(services, achievement_id, record)


@router.put(
    "/demands/{demand_id:path}",
    response_model=Written,
    responses=responses(*COMMON),
    summary="Write a demand",
)
async def put_demand(demand_id: DemandId, record: Demand, services: ServicesOf, _who: Writer) -> Response:
    """Insert or replace one demand. The answer comes once it is on disk."""
    return await _put(services, demand_id, record)


@router.delete(
    "/achievements/{achievement_id:path}",
    response_model=Deleted,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Delete an achievement",
)
async def delete_achievement(
    achievement_id: AchievementId, request: Request, services: ServicesOf, who: Writer
) -> Response:
    """Delete one achievement; its events stay."""
    return await _delete(request, services, who, "achievement", achievement_id)


@router.delete(
    "/demands/{demand_id:path}",
    response_model=Deleted,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Delete a demand",
)
async def delete_demand(demand_id: DemandId, request: Request, services: ServicesOf, who: Writer) -> Response:
    """Delete one demand; its events stay."""
    return await _delete(request, services, who, "demand", demand_id)


async def _put(services: Services, path_id: str, record: Achievement | Demand) -> Response:
    if record.record_id != path_id:
        raise InputError(
            f"the path names {path_id!r}, the record {record.record_id!r}; they must be the same",
            f"路径中的编号“{path_id}”与记录中的“{record.record_id}”须相同",
        )
    counts = await services.in_store(partial(_upsert, records=[record]))
    services.written()
    result = "inserted" if counts.inserted else "updated" if counts.updated else "unchanged"
    return json_response({"id": path_id, "result": result})


async def _delete(request: Request, services: Services, who: Principal, kind: str, record_id: str) -> Response:
    entry = AuditEntry(datetime.now(UTC), who.name, f"{kind}.delete", record_id, request.state.request_id)
    await services.in_store(partial(_delete_in, kind=kind, record_id=record_id, entry=entry))
    services.written()
    return json_response({"id": record_id, "result": "deleted"})


async def write_lines(
    request: Request, services: Services, who: Principal, noted: str, read: Callable[[bytes], _R]
) -> Response:
    """Store the records of a JSON Lines body, each line read by `read`, and note it as `noted` in the audit trail."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in NDJSON:
        raise ApiError(UNSUPPORTED_MEDIA, unsupported(request, NDJSON[0]))
    body = await request.body()
    note = partial(AuditEntry, datetime.now(UTC), who.name, f"{noted}.bulk", request_id=request.state.request_id)
    answer = await services.in_store(partial(_store_lines, body=body, read=read, note=note), patient=True)
    services.written()
    return json_response(answer.model_dump())


def _upsert(store: Store, records: Sequence[Achievement | Demand | KindRecord]) -> UpsertCounts:
    counts = UpsertCounts()
    counts += store.upsert_achievements([record for record in records if isinstance(record, Achievement)])
    counts += store.upsert_demands([record for record in records if isinstance(record, Demand)])
    counts += store.kinds.upsert([record for record in records if isinstance(record, KindRecord)])
    return counts


def _store_lines(store: Store, body: bytes, read: Callable[[bytes], _R], note: partial[AuditEntry]) -> BulkAnswer:
    upload = read_lines(body, read)
    answer = upload.answer(_upsert(store, list(upload.records.values())))
    store.api_keys.note(note(subject=f"写入 {len(upload.records)} 条，拒绝 {len(upload.rejected)} 条"))
    return answer


def _delete_in(store: Store, kind: str, record_id: str, entry: AuditEntry) -> None:
    delete = store.delete_achievement if kind == "achievement" else store.delete_demand
    delete(record_id)
    store.api_keys.note(entry)
