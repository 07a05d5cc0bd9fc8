"""Candidates of the roles of a solution: each role is a question to the engine, its records with costs, days and places."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from data.errors import InputError
from data.kinds.declaration import KindDeclaration
from data.kinds.disclosure import disclosed
from data.kinds.record import KindRecord, Value
from data.records import Demand
from data.taxonomy.places import kilometres
from matcher.engine import Engine
from matcher.kinds.answer import KindItem
from matcher.kinds.candidates import KindsQuery
from matcher.kinds.index import KindIndex, as_achievement
from matcher.kinds.recommend import recommend_kinds
from matcher.kinds.requirements import holds
from matcher.solutions.types import Part, RoleWanted

# The kind that fills a role unless another is named.
ROLES = {
    "technology": ("技术成果", "achievement"),
    "team": ("专家团队", "expert"),
    "testing": ("检验检测", "service"),
    "equipment": ("仪器设备", "equipment"),
    "service": ("科技服务", "service"),
    "policy": ("政策", "policy"),
    "finance": ("金融产品", "finance_product"),
}
FREE = ("policy", "finance_product")
"""Kinds that cost nothing, take no part of the time and bind nobody to a place: they bring money."""
_MONEY = ("money_min", "money_max")


@dataclass(frozen=True)
class RoleAsked:
    """One role: the kind that fills it, values that candidates must have, whether it may be left open, how many to look at."""

    kind: str
    label: str
    needed: bool = True
    conditions: Mapping[str, Value] = field(default_factory=dict)
    top: int = 50


def wanted_roles(roles: Mapping[str, RoleAsked]) -> list[RoleWanted]:
    """Return the roles as the programme takes them."""
    return [RoleWanted(name, one.label, one.needed) for name, one in roles.items()]


def candidates(
    engine: Engine,
    index: KindIndex,
    demand: Demand,
    roles: Mapping[str, RoleAsked],
    regions: tuple[str, ...],
    on: date,
    *,
    strict: bool = False,
    withheld: Mapping[str, frozenset[str]] | None = None,
) -> list[Part]:
    """Return the candidates of all roles; `strict` leaves out those that do not state what limits speak of.

    `withheld` are ids by kind that are not offered now.

    Raises:
        InputError: the demand has no text, or a kind is unknown, not recommended, or cannot be narrowed so.

    """
    parts: list[Part] = []
    for name, role in roles.items():
        if role.kind not in index.kinds:
            raise InputError(f"the role {name!r} names no kind: {role.kind!r}; see GET /v1/kinds")
        if role.conditions and index.kinds[role.kind].own_table:
            raise InputError(
                f"the role {name!r} is filled by {role.kind} records, which cannot be narrowed by conditions"
            )
        query = KindsQuery({role.kind: role.top}, on, conditions=role.conditions, withheld=withheld or {})
        (answer,) = recommend_kinds(engine, index, demand, query).kinds
        best = max((item.probability or 0.0 for item in answer.items), default=0.0)
        for item in answer.items:
            part = _part(engine, index, demand, name, index.kinds[role.kind], item, len(answer.items), best, regions)
            if not (strict and part.note):
                parts.append(part)
    return parts


def _part(
    engine: Engine,
    index: KindIndex,
    demand: Demand,
    role: str,
    kind: KindDeclaration,
    item: KindItem,
    number: int,
    best: float,
    regions: tuple[str, ...],
) -> Part:
    # Relative to the best of its role: calibrated where it is, else by rank.
    calibrated = item.probability is not None and best > 0
    utility = (item.probability or 0.0) / best if calibrated else 1.0 - (item.rank - 1) / number
    part = Part(role, kind.name, item.id, item.title, utility, item.provider, item.region)
    if kind.name in FREE:
        return replace(part, owner="", cost=0.0, days=0.0, inside=True)
    if kind.own_table:
        cost, days, inside = _price(engine, item.id), None, _inside(item.region, regions)
    else:
        record = disclosed(index.records[kind.name][item.id], kind) or index.records[kind.name][item.id].model_copy(
            update={"attributes": {}}
        )
        form = as_achievement(record, kind)
        cost = form.price_min if form.price_min is not None else form.price_max
        days = _days(record, kind)
        inside = _inside(item.region, regions) or _covers(record, kind, regions)
    declares_days = any(one.against == "days" for one in kind.fields)
    unknown = [label for label, value in (("价格", cost), ("周期", days if declares_days else 0.0)) if value is None]
    way = kilometres(demand.region, item.region)
    note = f"{'、'.join(unknown)}未说明" if unknown else ""
    return replace(part, cost=cost, days=days, kilometres=way, inside=inside, note=note)


def _price(engine: Engine, record_id: str) -> float | None:
    """Return the least price that an achievement asks, in 万元; None where it states none."""
    known = engine.held("achievements", [record_id])
    if not len(known):
        return None
    card = known.cards.card(0, _MONEY)
    low = card["money_min"] if card["money_min"] is not None else card["money_max"]
    return None if low is None else float(low)


def _days(record: KindRecord, kind: KindDeclaration) -> float | None:
    """Return how long a record takes, by the field that its kind declares for it."""
    for one in kind.fields:
        value = record.attributes.get(one.name)
        if one.against == "days" and isinstance(value, int | float):
            return float(value)
    return None


def _inside(region: str | None, regions: tuple[str, ...]) -> bool:
    return not regions or any(region is not None and region.startswith(_stem(one)) for one in regions)


def _covers(record: KindRecord, kind: KindDeclaration, regions: tuple[str, ...]) -> bool:
    """Tell whether a record serves one of the regions, by the field that its kind declares for it."""
    for one in kind.fields:
        stated = record.attributes.get(one.name)
        if one.against == "region" and stated is not None and any(holds(one, stated, region) for region in regions):
            return True
    return False


def _stem(region: str) -> str:
    return region[:2] if region.endswith("0000") else region[:4] if region.endswith("00") else region
