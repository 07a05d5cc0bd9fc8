"""Firms: their typed facts with source and date, written and read; what a table of firms brought is joined to them."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.clocks import china_today
from data.errors import NotFoundError
from data.firms.facts import FirmFacts
from data.firms.profile import unstated
from data.records import Identifier
from data.store.eligibility.firm_facts import FIRM, KnownFirm
from data.store.keys import AuditEntry
from data.store.store import Store
from matcher.eligibility.assess import assess
from matcher.eligibility.diagnosis import RULES, diagnose
from matcher.eligibility.kept import parsed
from matcher.eligibility.labels import form_label
from matcher.eligibility.points import SOURCE, point_indicators
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.routes.eligibility import FindingAnswer
from serving.api.routes.records import Deleted, Writer, Written
from serving.problems import COMMON, NOT_FOUND, responses
from serving.runtime.cards import findings_around
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1", tags=["firms"])
Reader = Annotated[Principal, Depends(Needs(Scope.RECOMMEND))]
FirmId = Annotated[Identifier, Path(description="firm_id", examples=["91330100MA0000000X"])]
MAX_PAGE = 500
_EXAMPLE: dict[str, Any] = {
    "name": "某新材料有限公司",
    "region": "330110",
    "founded_on": "2019-03-01",
    "origins": {"region": {"source": "营业执照"}, "founded_on": {"source": "营业执照"}},
    "staff": {"value": 85, "unit": "人", "source": "社保", "as_of": "2024-05-31"},
    "sales": {"2023": {"value": 4200, "source": "审计报告"}},
    "rd_cost": {"2023": {"low": 250, "high": 300}},
    "qualifications": [{"name": "国家高新技术企业", "valid_until": "2025-11-30"}],
}


class UnknownFact(BaseModel):
    """A fact of the form of which nothing is known."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(examples=["rd_staff"])
    label: str = Field(examples=["研发人员数"])


class Firm(BaseModel):
    """A firm with all that is known of it; a fact that nobody stated is unknown, never zero."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    facts: FirmFacts = Field(description="Stated facts, and those of the imported record where nothing was stated")
    unknown: tuple[UnknownFact, ...] = Field(description="Facts of the form of which nothing is known")
    stated_by: str | None = Field(description="Who stated facts last; null if all are from an imported record")
    stated_at: datetime | None


class FirmPage(BaseModel):
    """Firms in the order of their ids; `next_cursor` is empty on the last page."""

    model_config = ConfigDict(frozen=True)

    firms: tuple[Firm, ...]
    next_cursor: str = ""


@router.get("/firms", response_model=FirmPage, responses=responses(*COMMON), summary="List firms")
async def list_firms(
    services: ServicesOf,
    _who: Reader,
    cursor: Annotated[str, Query(max_length=128, description="`next_cursor` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> Response:
    """List firms with their facts, in the order of their ids."""
    found = await services.in_store(lambda store: store.firms.page(cursor, limit))
    page = FirmPage(
        firms=tuple(_firm(one) for one in found), next_cursor=found[-1].firm_id if len(found) == limit else ""
    )
    return json_response(page.model_dump(mode="json"))


class PointIndicatorAnswer(BaseModel):
    """One indicator of 创新积分制: its value in words and the facts that it rests on, or what is missing for it."""

    group: str = Field(examples=["技术创新指标"])
    label: str = Field(examples=["研发费用占营业收入比重"])
    value: str | None = Field(description="Null where something is missing")
    rests_on: tuple[str, ...]
    missing: tuple[str, ...]


class FirmDiagnosis(BaseModel):
    """What is one step away for a firm, and the public indicators that its facts tell; never a score."""

    firm_id: str
    as_of: date
    findings: tuple[FindingAnswer, ...] = Field(description="Every line with record, rule and evidence")
    points: tuple[PointIndicatorAnswer, ...]
    points_source: str


@router.get(
    "/firms/{firm_id:path}/diagnosis",
    response_model=FirmDiagnosis,
    responses=responses(NOT_FOUND, *COMMON),
    summary="What is one step away for a firm",
)
async def diagnose_firm(
    firm_id: FirmId,
    services: ServicesOf,
    _who: Reader,
    as_of: Annotated[date | None, Query(description="Day to judge by; today in China if not given")] = None,
) -> Response:
    """Return certificates, policies, vague demands and shared equipment that are one step away, and 创新积分制 as a card."""
    day = as_of or china_today()
    firm, policies = await services.in_store(
        lambda store: (store.firms.get(firm_id), parsed(store.policy_criteria.latest()))
    )
    found = await services.engine_threads.run(partial(assess, firm.facts, policies, day))
    findings = diagnose(firm_id, firm.facts, found.results, day) + await findings_around(services, firm, day)
    return json_response(
        {
            "firm_id": firm_id,
            "as_of": day.isoformat(),
            "findings": [asdict(one) | {"rule_text": RULES[one.rule]} for one in findings],
            "points": [asdict(one) for one in point_indicators(firm.facts, day)],
            "points_source": SOURCE,
        }
    )


@router.get(
    "/firms/{firm_id:path}", response_model=Firm, responses=responses(NOT_FOUND, *COMMON), summary="Read a firm"
)
async def get_firm(firm_id: FirmId, services: ServicesOf, _who: Reader) -> Response:
    """Return all that is known of a firm: stated facts and those of its imported record, and what is unknown."""
    found = await services.in_store(lambda store: store.firms.get(firm_id))
    return json_response(_firm(found).model_dump(mode="json"))


@router.put(
    "/firms/{firm_id:path}", response_model=Written, responses=responses(*COMMON), summary="State a firm's facts"
)
async def put_firm(
    firm_id: FirmId,
    facts: Annotated[FirmFacts, Body(examples=[_EXAMPLE])],
    services: ServicesOf,
    who: Writer,
) -> Response:
    """State the facts of a firm instead of those stated so far; what its imported record says beside them stays."""
    work = partial(_put, firm_id=firm_id, facts=facts, by=who.name, at=datetime.now(UTC))
    return json_response({"id": firm_id, "result": await services.in_store(work)})


@router.delete(
    "/firms/{firm_id:path}", response_model=Deleted, responses=responses(NOT_FOUND, *COMMON), summary="Delete a firm"
)
async def delete_firm(firm_id: FirmId, request: Request, services: ServicesOf, who: Writer) -> Response:
    """Withdraw the facts of a firm and delete its record of the kind firm."""
    entry = AuditEntry(datetime.now(UTC), who.name, "firm.delete", firm_id, request.state.request_id)
    await services.in_store(partial(_delete, firm_id=firm_id, entry=entry))
    services.written()
    return json_response({"id": firm_id, "result": "deleted"})


def _put(store: Store, firm_id: str, facts: FirmFacts, by: str, at: datetime) -> str:
    return store.firms.put(firm_id, facts, by, at)


def _delete(store: Store, firm_id: str, entry: AuditEntry) -> None:
    found = store.firms.get(firm_id)
    if found.stated is not None:
        store.firms.withdraw(firm_id, entry.actor, entry.at)
    if found.record is not None:
        try:
            store.kinds.delete(FIRM, firm_id)
        except NotFoundError:  # somebody else did since: gone is gone
            return
    store.api_keys.note(entry)


def _firm(found: KnownFirm) -> Firm:
    facts = found.facts
    return Firm(
        id=found.firm_id,
        title=found.title,
        facts=facts,
        unknown=tuple(UnknownFact(field=name, label=form_label(name)) for name in unstated(facts)),
        stated_by=found.stated and found.stated.written_by,
        stated_at=found.stated and found.stated.written_at,
    )
