"""Solutions as they are answered: parts, totals, the limit that binds and the cheapest way out, in Chinese."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from matcher.solutions.types import Impossible, Limit, Limits, Part, Relaxation, Solution

UNITS = {Limit.BUDGET: "万元", Limit.DAYS: "天", Limit.REGIONS: "项", Limit.OWNER: "项"}
NAMES = {Limit.BUDGET: "budget", Limit.DAYS: "days", Limit.REGIONS: "regions", Limit.OWNER: "one_owner_at_most"}


class BundlePart(BaseModel):
    """The record that fills a role."""

    model_config = ConfigDict(frozen=True)

    role: str = Field(examples=["testing"])
    kind: str
    id: str
    title: str
    provider: str = ""
    region: str | None = None
    utility: float = Field(ge=0, le=1, description="Relative to the best candidate of its role")
    cost: float | None = Field(None, description="万元; null: not stated, counted as nothing")
    days: float | None = Field(None, description="Null: not stated, counted as nothing")
    kilometres: int | None = None
    note: str = Field("", description="What the record does not state", examples=["价格未说明"])


class BundleRelaxation(BaseModel):
    """The cheapest single limit to give way."""

    model_config = ConfigDict(frozen=True)

    limit: str = Field(description="budget, days, regions or one_owner_at_most", examples=["days"])
    amount: float
    text: str = Field(examples=["工期多 12 天，检验检测就可由“甲检测中心（CMA）”承担"])
    parts: tuple[BundlePart, ...]


class Bundle(BaseModel):
    """One solution of several parts."""

    model_config = ConfigDict(frozen=True)

    parts: tuple[BundlePart, ...]
    value: float = Field(description="Utilities less cost, way and handovers: what bundles are ordered by")
    cost: float = Field(description="万元, of the parts that state one")
    days: float = Field(description="Of the longest part that states them: parts run side by side")
    owners: int
    binding: str | None = Field(None, description="The limit that keeps a better bundle out; null: none alone does")
    relaxation: BundleRelaxation | None = None


class BundlesAnswer(BaseModel):
    """At most three different bundles, best first, or why there is none."""

    model_config = ConfigDict(frozen=True)

    bundles: tuple[Bundle, ...] = ()
    message: str = ""
    impossible_roles: tuple[str, ...] = Field(
        (), description="Roles that nobody fills, or without which there would be a bundle"
    )
    relaxation: BundleRelaxation | None = Field(None, description="What would make a bundle possible")
    candidates: dict[str, int] = Field(default_factory=dict, description="How many candidates each role had")


def answer_of(
    found: tuple[Solution, ...] | Impossible, parts: Sequence[Part], labels: Mapping[str, str], limits: Limits
) -> BundlesAnswer:
    """Return what is answered; `labels` are the roles' names for readers."""
    counts = {name: sum(part.role == name for part in parts) for name in labels}
    if isinstance(found, Impossible):
        names = "、".join(labels[name] for name in found.roles)
        if found.empty:
            message = f"无法组合：没有候选可承担“{names}”"
        elif len(found.roles) == 1:
            message = f"无法组合：在所给限制内没有候选可承担“{names}”"
        else:
            message = f"无法组合：“{names}”不能同时满足所给限制"
        relaxation = None if found.relaxation is None else _relaxed(found.relaxation, (), labels, limits)
        return BundlesAnswer(message=message, impossible_roles=found.roles, relaxation=relaxation, candidates=counts)
    return BundlesAnswer(bundles=tuple(_bundle(one, labels, limits) for one in found), candidates=counts)


def _bundle(one: Solution, labels: Mapping[str, str], limits: Limits) -> Bundle:
    relaxation = None if one.relaxation is None else _relaxed(one.relaxation, one.parts, labels, limits)
    return Bundle(
        parts=tuple(map(_shown, one.parts)),
        value=round(one.value, 4),
        cost=round(sum(part.cost or 0.0 for part in one.parts), 4),
        days=max((part.days or 0.0 for part in one.parts), default=0.0),
        owners=len({part.owner or part.id for part in one.parts}),
        binding=None if relaxation is None else relaxation.limit,
        relaxation=relaxation,
    )


def _relaxed(one: Relaxation, before: Sequence[Part], labels: Mapping[str, str], limits: Limits) -> BundleRelaxation:
    known = {(part.role, part.kind, part.id) for part in before}
    fresh = [part for part in one.parts if (part.role, part.kind, part.id) not in known]
    if one.limit is Limit.DAYS and limits.days is not None:
        named = [part for part in fresh if (part.days or 0.0) > (limits.days or 0.0)] or fresh
    elif one.limit is Limit.REGIONS:
        named = [part for part in fresh if not part.inside] or fresh
    else:
        named = fresh
    number = f"{round(one.amount, 2):g} {UNITS[one.limit]}"
    way = {
        Limit.BUDGET: f"预算多 {number}",
        Limit.DAYS: f"工期多 {number}",
        Limit.REGIONS: f"有 {number}放宽到所给地区以外",
        Limit.OWNER: f"同一单位多承担 {number}",
    }[one.limit]
    ways = [f"{labels[part.role]}就可由“{part.title}”承担" for part in named] if before else ["就有可行的组合"]
    return BundleRelaxation(
        limit=NAMES[one.limit],
        amount=round(one.amount, 4),
        text=f"{way}，{'，'.join(ways)}",
        parts=tuple(map(_shown, one.parts)),
    )


def _shown(part: Part) -> BundlePart:
    return BundlePart(
        role=part.role,
        kind=part.kind,
        id=part.id,
        title=part.title,
        provider=part.owner,
        region=part.region,
        utility=round(part.utility, 4),
        cost=part.cost,
        days=part.days,
        kilometres=None if part.kilometres is None else round(part.kilometres),
        note=part.note,
    )
