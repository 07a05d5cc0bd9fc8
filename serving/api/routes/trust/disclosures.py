"""Who may see more of a record: requests, decisions with an end, and what a person may ask of their own data."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from data.errors import InputError
from data.kinds.disclosure import ACCESS_WORDS
from data.records import Identifier
from data.store.keys import AuditEntry
from data.store.store import Store
from data.store.trust.disclosures import Disclosure, DisclosureState
from data.store.trust.persons import PersonRecord, erase_person, find_person
from serving.access.credentials import Principal
from serving.access.disclosure.middleware import sees_all, viewer_of
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.routes.records import Writer
from serving.problems import COMMON, NOT_FOUND, responses
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1", tags=["trust"])
Reader = Annotated[Principal, Depends(Needs(Scope.RECOMMEND))]
AccessWord = Literal["摘要", "全文", "联系人"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
PersonName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=2, max_length=40, pattern=r"^[^\"\\%_\x00-\x1f]+$")
]
_WORDS = {access: word for word, access in ACCESS_WORDS.items()}
_DECISIONS = {
    "grant": DisclosureState.GRANTED,
    "deny": DisclosureState.DENIED,
    "withdraw": DisclosureState.WITHDRAWN,
}


class DisclosureRequest(BaseModel):
    """Asks to see more of a record than its visibility shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(max_length=40, examples=["demand"])
    record_id: Identifier = Field(examples=["D000001"])
    access: AccessWord = Field(
        "全文", description="摘要: all but texts and persons; 全文: all but persons; 联系人: all"
    )
    purpose: Words = Field("", examples=["拟合作开发，需了解具体指标"])


class Decision(BaseModel):
    """What the holder decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: Literal["grant", "deny", "withdraw"]
    reason: Words = ""
    expires_at: AwareDatetime | None = Field(None, description="When a grant ends; null: not by itself")


class DisclosureAnswer(BaseModel):
    """A request and where it is."""

    model_config = ConfigDict(frozen=True)

    number: int
    kind: str
    record_id: str
    viewer: str = Field(description="`key:NAME` of an API key, or the user that a backend named in `Gongxu-Viewer`")
    access: str
    purpose: str
    state: str = Field(description="asked, granted, denied or withdrawn")
    in_force: bool = Field(description="Granted, and not expired")
    asked_at: datetime
    decided_at: datetime | None
    decided_by: str
    decision_reason: str
    expires_at: datetime | None


class DisclosureList(BaseModel):
    """Requests, newest first."""

    model_config = ConfigDict(frozen=True)

    disclosures: tuple[DisclosureAnswer, ...]


class PersonRequest(BaseModel):
    """A person, by the name that records state or as the platform's user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: PersonName = Field(examples=["张三"])
    viewer: str = Field("", max_length=120, description="The person as `Gongxu-Viewer`, if a user of the platform")


class NamedRecord(BaseModel):
    """A record that names a person."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str
    fields: tuple[str, ...] = Field(description="Fields that hold the name")
    quotes: tuple[str, ...] = Field(description="The words around it")
    deleted: bool = Field(description="The record is deleted, its text still stored")


class PersonAnswer(BaseModel):
    """All that is stored of a person."""

    model_config = ConfigDict(frozen=True)

    name: str
    records: tuple[NamedRecord, ...]
    disclosures: tuple[DisclosureAnswer, ...]


class ErasedRecord(BaseModel):
    """A record to take a person out of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(max_length=40)
    id: Identifier


class ErasureRequest(PersonRequest):
    """Which of the records that name the person are meant: others may name somebody of the same name."""

    records: list[ErasedRecord] = Field(max_length=1000)


class ErasureAnswer(BaseModel):
    """What was erased."""

    model_config = ConfigDict(frozen=True)

    records: int
    disclosures: int


@router.post(
    "/disclosures",
    response_model=DisclosureAnswer,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Ask to see more of a record",
)
async def ask_disclosure(asked: DisclosureRequest, request: Request, services: ServicesOf, who: Reader) -> Response:
    """Ask the holder of a record for more than its visibility shows; asking again while a request is open changes nothing."""
    wanted = Disclosure(
        kind=asked.kind,
        record_id=asked.record_id,
        viewer=viewer_of(who, request.headers),
        access=ACCESS_WORDS[asked.access],
        purpose=asked.purpose,
        asked_at=datetime.now(UTC),
    )
    _known_kind(services, asked.kind)
    found = await services.in_store(partial(_ask, wanted=wanted, entry=_entry(request, who, "disclosure.ask")))
    _note(services, "asked", found, who, request)
    return json_response(_answer(found))


@router.get(
    "/disclosures", response_model=DisclosureList, responses=responses(*COMMON), summary="List disclosure requests"
)
async def list_disclosures(
    request: Request,
    services: ServicesOf,
    who: Reader,
    state: Annotated[DisclosureState | None, Query(description="Only those in this state")] = None,
) -> Response:
    """List requests, newest first: all of them to who writes records, to others their own."""
    viewer = None if sees_all(who, request.headers) else viewer_of(who, request.headers)
    found = await services.in_store(lambda store: store.disclosures.listed(viewer, state))
    return json_response({"disclosures": [_answer(one) for one in found]})


@router.post(
    "/disclosures/{number}/decision",
    response_model=DisclosureAnswer,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Grant, deny or withdraw a disclosure",
)
async def decide_disclosure(
    number: Annotated[int, Path(ge=1, le=2**31 - 1)],
    decision: Annotated[Decision, Body()],
    request: Request,
    services: ServicesOf,
    who: Writer,
) -> Response:
    """Decide on a request on behalf of the record's holder. It counts for the next answer already, on every worker."""
    entry = _entry(request, who, f"disclosure.{decision.decision}")
    found = await services.in_store(partial(_decide, number=number, decision=decision, entry=entry))
    _note(services, found.state.value, found, who, request)
    return json_response(_answer(found))


@router.post(
    "/persons:export",
    response_model=PersonAnswer,
    responses=responses(*COMMON),
    summary="All that is stored of a person",
)
async def export_person(asked: PersonRequest, request: Request, services: ServicesOf, who: Writer) -> Response:
    """Return the records that name a person, with the words around the name, and the person's disclosure requests."""
    records = await services.in_store(lambda store: find_person(store.engine, asked.name), patient=True)
    viewer = asked.viewer
    requests = await services.in_store(lambda store: store.disclosures.listed(viewer)) if viewer else []
    entry = _entry(request, who, "person.export")
    await services.in_store(lambda store: store.api_keys.note(entry))
    named = [{"kind": one.kind, "id": one.record_id, "access": "联系人"} for one in records]
    services.evidence.note("person", {"key": who.name, "request_id": request.state.request_id}, named)
    return json_response(
        {
            "name": asked.name,
            "records": [_named(one) for one in records],
            "disclosures": [_answer(one) for one in requests],
        }
    )


@router.post(
    "/persons:erase", response_model=ErasureAnswer, responses=responses(*COMMON), summary="Erase a person's data"
)
async def erase_person_data(asked: ErasureRequest, request: Request, services: ServicesOf, who: Writer) -> Response:
    """Take a person's name out of the given records, deleted ones too, and out of their disclosure requests.

    What was trained or backed up before still holds it: build again, and let old backups go.
    """
    work = partial(_erase, asked=asked, entry=_entry(request, who, "person.erase"))
    erased = await services.in_store(work, patient=True)
    services.written()
    return json_response(erased)


def _ask(store: Store, wanted: Disclosure, entry: AuditEntry) -> Disclosure:
    if wanted.kind == "achievement":
        store.achievement(wanted.record_id)
    elif wanted.kind == "demand":
        store.demand(wanted.record_id)
    else:
        store.kinds.get(wanted.kind, wanted.record_id)
    found = store.disclosures.ask(wanted)
    store.api_keys.note(AuditEntry(**vars(entry) | {"subject": f"{found.number} {found.kind}/{found.record_id}"}))
    return found


def _decide(store: Store, number: int, decision: Decision, entry: AuditEntry) -> Disclosure:
    state = _DECISIONS[decision.decision]
    if decision.expires_at is not None and state is not DisclosureState.GRANTED:
        raise InputError("expires_at belongs to a grant", "只有授权（grant）才有截止时间（expires_at）")
    found = store.disclosures.decide(
        number, state, entry.actor, entry.at, reason=decision.reason, expires_at=decision.expires_at
    )
    store.api_keys.note(AuditEntry(**vars(entry) | {"subject": f"{number} {found.kind}/{found.record_id}"}))
    return found


def _erase(store: Store, asked: ErasureRequest, entry: AuditEntry) -> dict[str, int]:
    erased = erase_person(store.engine, asked.name, [(one.kind, one.id) for one in asked.records])
    requests = store.disclosures.forget(asked.viewer) if asked.viewer else 0
    if asked.viewer:
        store.evidence.erase(asked.viewer)
    store.api_keys.note(AuditEntry(**vars(entry) | {"subject": f"{erased} 条记录，{requests} 项申请"}))
    return {"records": erased, "disclosures": requests}


def _note(services: Services, action: str, one: Disclosure, who: Principal, request: Request) -> None:
    by = {"key": who.name, "viewer": one.viewer, "request_id": request.state.request_id, "number": str(one.number)}
    record = {"kind": one.kind, "id": one.record_id, "access": _WORDS[one.access]}
    if one.expires_at is not None:
        record["until"] = one.expires_at.isoformat()
    services.evidence.note(action, by, [record])


def _entry(request: Request, who: Principal, action: str) -> AuditEntry:
    return AuditEntry(datetime.now(UTC), who.name, action, "", request.state.request_id)


def _known_kind(services: Services, kind: str) -> None:
    services.kinds.kinds.known(kind)


def _answer(one: Disclosure) -> dict[str, object]:
    answer = DisclosureAnswer(
        number=one.number,
        kind=one.kind,
        record_id=one.record_id,
        viewer=one.viewer,
        access=_WORDS[one.access],
        purpose=one.purpose,
        state=one.state.value,
        in_force=one.in_force(datetime.now(UTC)),
        asked_at=one.asked_at,
        decided_at=one.decided_at,
        decided_by=one.decided_by,
        decision_reason=one.reason,
        expires_at=one.expires_at,
    )
    return answer.model_dump(mode="json")


def _named(one: PersonRecord) -> dict[str, object]:
    return NamedRecord(
        kind=one.kind, id=one.record_id, fields=one.fields, quotes=one.quotes, deleted=one.deleted
    ).model_dump()
