"""A pasted need as a demand: by rules, and with a chat model where one is configured and answers."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.errors import ModelUnavailableError
from data.records import Demand
from knowledge_graph.quantities.types import Op
from matcher.structuring.need import structured
from matcher.structuring.proposal import PART_TITLES, PartName, Proposal, propose
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.schemas import FreeText, InlineDemand
from serving.problems import COMMON, responses
from serving.runtime.services import Services, ServicesOf
from serving.telemetry.metrics import DEGRADED

router = APIRouter(prefix="/v1", tags=["clarifications"], dependencies=[Depends(Needs(Scope.RECOMMEND))])
_EXAMPLE = {"text": "需要低温污泥干化设备，含水率降到40%以下，处理量每天不低于50吨，不要带式压滤机，预算80万元以内。"}


class NeedText(BaseModel):
    """A need in a person's own words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: FreeText


class FigureAnswer(BaseModel):
    """A required figure as the quantity parser reads it."""

    parameter: str | None
    op: Op
    low: float | None = Field(description="Lower bound in `unit`, null without one")
    high: float | None = Field(description="Upper bound in `unit`, null without one")
    unit: str = Field(description="As written")


class NeedPart(BaseModel):
    """A part of the need and the words that state it."""

    part: PartName
    title: str = Field(description="The part in Chinese")
    quote: str = Field(description="Verbatim: the characters `start` to `end` of the text")
    start: int
    end: int
    by: Literal["rules", "model"] = Field(description="Who found it; each was checked by the same rules")
    figure: FigureAnswer | None


class DroppedPart(BaseModel):
    """What the model proposed and the text does not bear out."""

    part: PartName
    quote: str
    why: str


class StructuredAnswer(BaseModel):
    """A need as a demand that can be written with `PUT /v1/demands/{id}` once it has an id."""

    demand: InlineDemand
    parts: list[NeedPart]
    dropped: list[DroppedPart]
    ai_generated: bool = Field(description="Whether a model found any of the parts (GB 45438-2025)")
    model: str | None = Field(description="The model that was asked and answered")
    lacks: list[Literal["chat"]] = Field(description="chat: none is configured, or it gave no usable answer in time")


@router.post(
    "/demands:structure",
    response_model=StructuredAnswer,
    responses=responses(*COMMON),
    summary="Structure a pasted need",
)
async def structure_demand(given: Annotated[NeedText, Body(examples=[_EXAMPLE])], services: ServicesOf) -> Response:
    """Return the parts of a need with verbatim quotes: elements, figures, exclusions, budget. Nothing is stored.

    Figures, exclusions and budget are read by rules; a chat model, where one is configured, may add parts. Every quote is
    in the text, every number is read by the quantity parser; what the text does not bear out is listed in `dropped`.
    Personal data is hidden from the model. Without a usable answer of the model the rules' parts are returned.
    """
    proposal = await _proposal(services, Demand.of_text(given.text))
    need = await services.engine_threads.run(partial(structured, given.text, proposal))
    body: dict[str, Any] = {
        "demand": need.demand.model_dump(mode="json", exclude={"demand_id"}),  # it has none yet
        "parts": [asdict(item) | {"title": PART_TITLES[item.part]} for item in need.items],
        "dropped": [asdict(one) for one in need.dropped],
        "ai_generated": any(item.by == "model" for item in need.items),
        "model": services.chat.name if services.chat is not None and proposal is not None else None,
        "lacks": [] if proposal is not None else ["chat"],
    }
    return json_response(body)


async def _proposal(services: Services, demand: Demand) -> Proposal | None:
    if services.chat is None:
        return None
    try:
        return await services.model_threads.run(partial(propose, services.chat, demand))
    except ModelUnavailableError:
        DEGRADED.labels("chat").inc()
        return None
