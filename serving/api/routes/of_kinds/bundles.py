"""Bundles: a demand solved by several parts together, chosen within its limits."""

from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from data.clocks import china_today
from data.errors import InputError
from data.kinds.record import Value
from data.records import MAX_TEXT, Demand, Identifier
from matcher.collection.filters import RegionCode
from matcher.solutions.answer import BundlesAnswer, answer_of
from matcher.solutions.candidates import ROLES, RoleAsked, candidates, wanted_roles
from matcher.solutions.choose import MOST, choose
from matcher.solutions.types import Limits
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.runtime.live import LiveModel
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1", tags=["recommendations"], dependencies=[Depends(Needs(Scope.RECOMMEND))])
MAX_ROLES = 8
_EXAMPLE = {
    "demand": {"text": "需要一种低温污泥干化设备，并出具CMA检测报告"},
    "roles": {"technology": {}, "testing": {"conditions": {"qualifications": ["CMA"]}}, "finance": {"needed": False}},
    "limits": {"budget": 200, "days": 30, "one_owner_at_most": 2},
}


class BundleFor(BaseModel):
    """The demand: exactly one of a stored one, one sent along, a free text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    demand_id: Identifier | None = None
    demand: Demand | None = None
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.demand_id, self.demand, self.text)) != 1:
            raise ValueError("give exactly one of demand_id, demand, text")
        return self


class BundleRole(BaseModel):
    """One role of a bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field("", max_length=40, description="Kind that fills it; empty: that of the role's name")
    needed: bool = Field(True, description="false: may be left open")
    conditions: dict[str, str | int | float | bool | list[str]] = Field(
        default_factory=dict, max_length=20, description="Values of filtered fields; a number is a bound from above"
    )
    top: int = Field(50, ge=1, le=100, description="Candidates looked at")


class BundleLimits(BaseModel):
    """Limits of a bundle; absent: none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: float | None = Field(None, ge=0, description="万元, all parts together")
    days: float | None = Field(None, ge=0, description="Of each part: they run side by side")
    regions: tuple[RegionCode, ...] = Field((), max_length=50, description="Parts lie in, or serve, one of them")
    one_owner_at_most: int | None = Field(None, ge=1, description="Parts of one provider")
    strict: bool = Field(False, description="true: leave out records that do not state price or days")


class BundlesRequest(BaseModel):
    """What a bundle has to solve, of which roles, within which limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    demand: BundleFor
    roles: dict[Annotated[str, Field(min_length=1, max_length=40)], BundleRole] = Field(
        min_length=1, max_length=MAX_ROLES, description=f"By name: {', '.join(ROLES)}, or others with a kind"
    )
    limits: BundleLimits = Field(default_factory=BundleLimits)
    most: int = Field(MOST, ge=1, le=MOST)


@router.post(
    "/bundles",
    response_model=BundlesAnswer,
    responses=responses(NOT_FOUND, NO_BUNDLE, *COMMON),
    summary="Bundles of several parts for a demand",
)
async def find_bundles(asked: Annotated[BundlesRequest, Body(examples=[_EXAMPLE])], services: ServicesOf) -> Response:
    """Return at most three different bundles: one record for each role, the most valuable together within the limits.

    Each comes with the limit that binds it and the cheapest single relaxation; where there is none, with the role that
    makes it impossible.
    """
    given = asked.demand
    if given.demand_id is not None:
        wanted = given.demand_id
        demand = await services.in_store(lambda store: store.demand(wanted))
    else:
        demand = given.demand if given.demand is not None else Demand.of_text(given.text or "")
    roles = {name: _role(name, role) for name, role in asked.roles.items()}
    work = partial(_answer, services, services.live(), demand, roles, asked)
    answer = await services.engine_threads.run(work)
    return json_response(answer.model_dump(mode="json"))


def _answer(
    services: Services, live: LiveModel, demand: Demand, roles: dict[str, RoleAsked], asked: BundlesRequest
) -> BundlesAnswer:
    index, limits = services.kinds.index(live.engine, services.access.store()), asked.limits
    parts = candidates(
        live.engine,
        index,
        demand,
        roles,
        limits.regions,
        china_today(),
        strict=limits.strict,
        withheld=services.withheld.ids,
    )
    bounds = Limits(limits.budget, limits.days, 0 if limits.regions else None, limits.one_owner_at_most)
    found = choose(wanted_roles(roles), parts, bounds, most=asked.most)
    return answer_of(found, parts, {name: role.label for name, role in roles.items()}, bounds)


def _role(name: str, role: BundleRole) -> RoleAsked:
    label, kind = ROLES.get(name, (name, ""))
    if not role.kind and not kind:
        raise InputError(
            f"the role {name!r} needs a kind; roles that need none: {', '.join(ROLES)}",
            f"角色“{name}”须写明 kind；不必写的有：{'、'.join(ROLES)}",
        )
    conditions: dict[str, Value] = {
        field: tuple(value) if isinstance(value, list) else value for field, value in role.conditions.items()
    }
    return RoleAsked(role.kind or kind, label, role.needed, conditions, role.top)
