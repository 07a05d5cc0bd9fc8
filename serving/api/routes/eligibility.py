"""What a firm is eligible for: three-valued checks of approved policies and finance products, each with quote and fact."""

from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from data.firms.facts import FirmFacts
from data.records import Identifier
from data.store.store import Store
from knowledge_graph.criteria.types import Role
from matcher.eligibility.assess import assess, eligibility_dict
from matcher.eligibility.diagnosis import RULES, diagnose
from matcher.eligibility.kept import parsed
from matcher.eligibility.policy import StatedPolicy
from matcher.eligibility.products import in_order
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, NOT_FOUND, responses
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1", tags=["eligibility"], dependencies=[Depends(Needs(Scope.RECOMMEND))])
MAX_POLICIES = 500
_EXAMPLES: dict[str, Any] = {
    "firm": {
        "summary": "A firm's facts on a day",
        "value": {
            "as_of": "2024-06-30",
            "facts": {
                "region": "110108",
                "founded_on": "2019-03-01",
                "staff": {"value": 85, "unit": "人", "source": "社保", "as_of": "2024-05-31"},
                "sales": {"2022": {"value": 3500}, "2023": {"value": 4200, "source": "审计报告"}},
                "rd_cost": {"2023": {"low": 250, "high": 300}},
                "rights": [{"type": "invention", "state": "valid", "count": 3}],
                "qualifications": [{"name": "国家高新技术企业", "valid_until": "2025-11-30"}],
                "credit_records": {"value": 0},
            },
        },
    },
    "stored firm": {"summary": "A stored firm", "value": {"as_of": "2024-06-30", "firm": "91330100MA0000000X"}},
    "some policies": {
        "summary": "Only some policies, for a firm of which little is known",
        "value": {
            "as_of": "2024-06-30",
            "facts": {"region": "330100"},
            "policies": ["HZ04"],
            "verdicts": ["needs facts"],
        },
    },
}
Verdict = Literal["eligible", "needs judgement", "needs facts", "not eligible"]


class EligibilityRequest(BaseModel):
    """A stored firm or a firm's facts, the day to judge by, and which policies and verdicts are wanted."""

    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[date, Field(ge=date(1950, 1, 1), le=date(2100, 12, 31))] = Field(
        description="判断所依据的日期；不取服务器时钟"
    )
    firm: Identifier | None = Field(None, description="企业编号：按库中该企业的事实判断")
    facts: FirmFacts | None = Field(None, description="企业的事实；与 firm 二选一")
    policies: Annotated[tuple[str, ...], Field(max_length=MAX_POLICIES)] = Field(
        (), description="只看这些政策；空为全部"
    )
    verdicts: tuple[Verdict, ...] = Field((), max_length=4, description="只返回这些结论；空为全部")
    criteria: bool = Field(True, description="是否逐条返回条件")
    limit: Annotated[int, Field(ge=1, le=MAX_POLICIES)] = 100

    @model_validator(mode="after")
    def _one_firm(self) -> Self:
        if (self.firm is None) == (self.facts is None):
            raise ValueError("give firm or facts, exactly one of them")
        return self


class Place(BaseModel):
    """Where a quote is in the policy's text."""

    field: str
    start: int | None
    end: int | None


class CriterionAnswer(BaseModel):
    """A criterion with its status, quote, and the facts that it rests on."""

    number: int
    kind: Literal["hard", "judgement"]
    role: Role = Field(description="A preference and a definition decide nothing")
    branch: str
    status: Literal["met", "missed", "unknown"]
    status_text: str
    quote: str
    place: Place
    facts: list[str]
    unknown: list[str] = Field(description="Names of the facts that are not known")


class AmountAnswer(BaseModel):
    """What a policy gives, in 万元, by its own words."""

    max_wan: float | None
    quote: str


class BranchAnswer(BaseModel):
    """The verdict for one group of applicants."""

    branch: str
    verdict: Verdict


class FitAnswer(BaseModel):
    """How well a product fits what the firm looks for; null where either side is silent."""

    amount: float | None = Field(description="Share of the wanted amount that it covers")
    term: float | None
    guarantee: bool | None


class PolicyAnswer(BaseModel):
    """The verdict on one policy or product."""

    policy_id: str
    name: str
    kind: Literal["policy", "finance_product"]
    verdict: Verdict
    verdict_text: str
    branch: str = Field(description="The group of applicants that the verdict holds for")
    branches: list[BranchAnswer]
    valid_until: date | None
    days_left: int | None
    amount: AmountAnswer | None
    nearest_miss: str | None = Field(description="The missed figure that is least short, in Chinese")
    criteria: list[CriterionAnswer]
    fit: FitAnswer | None = None


class BestQuestion(BaseModel):
    """The unknown fact whose value would decide most policies."""

    field: str
    decides: int
    policies: int
    quote: str
    text: str


class FindingAnswer(BaseModel):
    """What is one step away: by which rule, on which record, with the evidence that it rests on."""

    rule: str = Field(examples=["one missed"])
    rule_text: str
    text: str
    kind: str = Field(examples=["policy"])
    record_id: str
    evidence: str


class EligibilityAnswer(BaseModel):
    """Verdicts, the better ones first, products after policies; never a probability."""

    as_of: date
    firm: str | None = Field(description="Id of the stored firm, null for facts sent along")
    counts: dict[Verdict, int] = Field(description="Of all policies in force that were asked for")
    question: BestQuestion | None
    findings: list[FindingAnswer] = Field(
        description="What is one step away; every line with record, rule and evidence"
    )
    results: list[PolicyAnswer]


@router.post(
    "/eligibility",
    response_model=EligibilityAnswer,
    responses=responses(NOT_FOUND, *COMMON),
    summary="What a firm is eligible for",
)
async def post_eligibility(
    request: Annotated[EligibilityRequest, Body(openapi_examples=_EXAMPLES)], services: ServicesOf
) -> Response:
    """Check the approved policies and finance products in force on a day against a firm's facts.

    Every criterion is met, missed or unknown, with its quote and the fact that it rests on. A policy is eligible when all
    hard criteria are met, needs judgement when people still have to decide, needs facts while any is unknown. Products
    for private persons are never shown to a firm. What is not approved does not count.
    """
    facts, policies = await services.in_store(partial(_read, request=request))
    return json_response(await services.engine_threads.run(partial(_answer, request, facts, policies)))


def _read(store: Store, request: EligibilityRequest) -> tuple[FirmFacts, list[StatedPolicy]]:
    facts = request.facts if request.firm is None else store.firms.get(request.firm).facts
    return facts or FirmFacts(), parsed(store.policy_criteria.latest())


def _answer(request: EligibilityRequest, facts: FirmFacts, policies: list[StatedPolicy]) -> dict[str, Any]:
    wanted = set(request.policies)
    found = assess(facts, [one for one in policies if not wanted or one.policy_id in wanted], request.as_of)
    body = eligibility_dict(found) | {"firm": request.firm}
    fits = in_order(found.results, facts.financing)
    places = {result.policy.policy_id: (place, fit) for place, (result, fit) in enumerate(fits)}
    rows = [row for row in body["results"] if not request.verdicts or row["verdict"] in request.verdicts]
    rows.sort(key=lambda row: places[row["policy_id"]][0] if row["policy_id"] in places else -1)
    for row in rows:
        fit = places[row["policy_id"]][1] if row["policy_id"] in places else None
        row["fit"] = None if fit is None else {"amount": fit.amount, "term": fit.term, "guarantee": fit.guarantee}
        if not request.criteria:
            row["criteria"] = []
    findings = [
        asdict(one) | {"rule_text": RULES[one.rule]}
        for one in diagnose(request.firm or facts.firm_id, facts, found.results, request.as_of)
    ]
    return body | {"findings": findings, "results": rows[: request.limit]}
