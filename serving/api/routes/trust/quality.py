"""Quality of providers: evaluations, what they come to, and the steps by which providers and stale records leave and return."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.errors import InputError
from data.quality.ladder import LADDERS, RULES, Action, Step, Subject
from data.quality.ratings import SCALES, Evaluation
from data.records import Identifier
from data.store.keys import AuditEntry
from data.store.store import Store
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.event_list import MAX_EVENTS
from serving.api.routes.records import Writer
from serving.problems import COMMON, responses
from serving.runtime.quality.providers import act, provider_state, review_all
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1", tags=["trust"])
Reader = Annotated[Principal, Depends(Needs(Scope.RECOMMEND))]
Party = Annotated[str, Field(min_length=1, max_length=500)]
Score = Annotated[int, Field(ge=1, le=5, strict=True)]
_EXAMPLE = {
    "token": "order-17",
    "provider": "某检测中心",
    "evaluator": "某环保有限公司",
    "result": 5,
    "response": 4,
    "skill": 5,
    "conduct": 5,
    "at": "2026-05-01T09:00:00+08:00",
}


class EvaluationSent(BaseModel):
    """One party's evaluation of a provider, on four scales from 1 (poor) to 5 (excellent)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Identifier = Field(description="Sent again with the same token it counts once")
    provider: Party = Field(description="As `provider` or `holder` of records")
    evaluator: Party
    result: Score = Field(description="成效")
    response: Score = Field(description="响应")
    skill: Score = Field(description="专业")
    conduct: Score = Field(description="诚信")
    at: AwareDatetime


class EvaluationsStored(BaseModel):
    """Outcome of a list of evaluations."""

    model_config = ConfigDict(frozen=True)

    added: int
    known: int


class ScaleRating(BaseModel):
    """One scale: mean drawn towards that of all providers, with its 95% interval."""

    model_config = ConfigDict(frozen=True)

    scale: str
    label: str
    mean: float
    low: float
    high: float


class QualityStep(BaseModel):
    """A step of a provider or record."""

    model_config = ConfigDict(frozen=True)

    subject: str = Field(description="provider or record")
    kind: str = Field(description="Of a record; empty for a provider")
    name: str = Field(description="The provider's name, or the record's id")
    state: str
    rule: str
    rule_text: str
    at: datetime
    by: str
    notice: str = Field(description="What is said to the provider, or the reason given")
    action: str = Field(description="step, appeal, rejected, returned or confirmed")


class ProviderAnswer(BaseModel):
    """State and evaluations of a provider."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: str
    appealed: bool = Field(description="An appeal waits for its decision: nothing goes further until then")
    counted: int = Field(description="Evaluations that count")
    left_out: dict[str, int] = Field(description="Evaluations that do not, by reason: self, repeated, burst")
    ratings: tuple[ScaleRating, ...] = Field(description="From five evaluations on")
    history: tuple[QualityStep, ...]


class StepList(BaseModel):
    """Steps, the latest of each subject or those of a review."""

    model_config = ConfigDict(frozen=True)

    steps: tuple[QualityStep, ...]


class ReviewRequest(BaseModel):
    """A review of all providers and records."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = Field(False, description="Say what would be done, do nothing")
    as_of: AwareDatetime | None = Field(None, description="Another moment than now, with `dry_run` only")


class ActionSent(BaseModel):
    """What somebody does about a provider or a stale record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Literal["provider", "record"] = "provider"
    kind: str = Field("", max_length=40, description="Of a record")
    name: Party = Field(description="The provider's name, or the record's id")
    action: Action
    reason: str = Field("", max_length=1000)


@router.post(
    "/evaluations",
    response_model=EvaluationsStored,
    responses=responses(*COMMON),
    dependencies=[Depends(Needs(Scope.WRITE_EVENTS))],
    summary="Send evaluations of providers",
)
async def post_evaluations(
    sent: Annotated[list[EvaluationSent], Body(min_length=1, max_length=MAX_EVENTS, examples=[[_EXAMPLE]])],
    services: ServicesOf,
) -> Response:
    """Store evaluations, append-only. They do not enter the order of lists."""
    now = datetime.now(UTC)
    late = next((one for one in sent if one.at > now), None)
    if late is not None:
        raise InputError(f"evaluation {late.token!r} is of the future", f"评价“{late.token}”的时间在将来")
    given = [
        Evaluation(one.token, one.provider, one.evaluator, {scale: getattr(one, scale) for scale in SCALES}, one.at)
        for one in sent
    ]
    return json_response(await services.in_store(lambda store: store.quality.evaluate(given)))


@router.get(
    "/providers", response_model=StepList, responses=responses(*COMMON), summary="Providers and records with steps"
)
async def list_providers(
    services: ServicesOf,
    _who: Reader,
    subject: Annotated[Subject, Query(description="Providers, or stale records")] = "provider",
    state: Annotated[str, Query(max_length=8, description="Only those in this state")] = "",
) -> Response:
    """List the latest step of each provider or record that ever got one."""
    if state and state not in LADDERS[subject].states:
        known = "、".join(LADDERS[subject].states)
        raise InputError(f"no state {state!r}; known: {known}", f"没有状态“{state}”；可用的是 {known}")
    found = await services.in_store(lambda store: store.quality.histories(subject))
    last = [history[-1] for history in found.values() if not state or history[-1].state == state]
    return json_response({"steps": [_step(step) for step in last]})


@router.post(
    "/providers:review", response_model=StepList, responses=responses(*COMMON), summary="Review providers and records"
)
async def review_providers(asked: ReviewRequest, request: Request, services: ServicesOf, who: Writer) -> Response:
    """Apply the rules to all providers and records and take the steps that follow, at most one for each.

    Call it once a day. Records of a provider that is suspended by it leave all answers at once.
    """
    if asked.as_of is not None and not asked.dry_run:
        raise InputError("as_of belongs to a dry run", "as_of 只能与 dry_run 一起使用")
    now = asked.as_of or datetime.now(UTC)
    entry = _entry(request, who, "providers.review")
    work = partial(review_all, now=now, entry=entry, write=not asked.dry_run)
    steps = await services.in_store(work, patient=True)
    if not asked.dry_run:
        await services.in_store(services.withheld.refresh)
        services.written()
    return json_response({"steps": [_step(step) for step in steps]})


@router.post(
    "/providers:act", response_model=QualityStep, responses=responses(*COMMON), summary="Confirm, appeal, decide"
)
async def act_on_provider(sent: ActionSent, request: Request, services: ServicesOf, who: Writer) -> Response:
    """Confirm that a provider or record is still there, appeal, uphold or reject an appeal, reinstate."""
    if (sent.subject == "record") != bool(sent.kind):
        raise InputError("kind belongs to a record", "kind 只用于记录（subject 为 record 时必填）")
    entry = _entry(request, who, f"providers.{sent.action}")
    step = await services.in_store(
        lambda store: act(store, sent.subject, sent.kind, sent.name, sent.action, sent.reason, entry)
    )
    await services.in_store(services.withheld.refresh)
    services.written()
    return json_response(_step(step))


@router.get(
    "/providers/{name:path}", response_model=ProviderAnswer, responses=responses(*COMMON), summary="Read a provider"
)
async def get_provider(
    name: Annotated[str, Path(max_length=500, examples=["某检测中心"])], services: ServicesOf, _who: Reader
) -> Response:
    """Return state, history and, from five evaluations on, what evaluations come to. Evaluators are not named."""
    return json_response(await services.in_store(partial(_provider, name=name)))


def _provider(store: Store, name: str) -> dict[str, object]:
    found = provider_state(store, name, datetime.now(UTC))
    return ProviderAnswer(
        name=name,
        state=found.state,
        appealed=found.appealed,
        counted=found.counted,
        left_out=dict(found.left_out),
        ratings=tuple(
            ScaleRating(scale=scale, label=SCALES[scale], mean=one.mean, low=one.low, high=one.high)
            for scale, one in found.ratings.items()
        ),
        history=tuple(_answer(step) for step in found.history),
    ).model_dump(mode="json")


def _entry(request: Request, who: Principal, action: str) -> AuditEntry:
    return AuditEntry(datetime.now(UTC), who.name, action, "", request.state.request_id)


def _step(step: Step) -> dict[str, object]:
    return _answer(step).model_dump(mode="json")


def _answer(step: Step) -> QualityStep:
    said = {name: value for name, value in vars(step).items() if name != "number"}
    return QualityStep(**said, rule_text=RULES.get(step.rule, ""))
