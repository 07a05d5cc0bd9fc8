"""What a subject requires of a record, against what the record states: met, missed, or unknown where it states nothing."""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from data.kinds.declaration import FieldDeclaration, FieldType, KindDeclaration
from data.kinds.record import KindRecord, Value
from data.records import Demand
from data.taxonomy.regions import region_code
from knowledge_graph.taxonomy.regions import load_regions
from matcher.kinds.answer import KindRequirement

Wanted = Mapping[str, Value]
EVERYWHERE = frozenset({"全国", "全国各地", "不限", "全国范围"})
MAX_NUMBER = 1e15
_MOST_SHOWN = 60
_RANK = {"missed": 0, "unknown": 1, "not_comparable": 1, "met": 2}


def implied(demand: Demand, kind: KindDeclaration, records: Iterable[KindRecord]) -> dict[str, Value]:
    """Return what a demand requires of a kind's fields: its budget and region, and labels of `records` that its text names.

    A label counts only as a whole word: CMA of “出具CMA报告”, not of “CMAX”.
    """
    wanted: dict[str, Value] = {}
    text = f"{demand.title}\n{demand.content}\n{demand.kpis}"
    for field in kind.fields:
        if field.against == "budget" and demand.budget_max is not None:
            wanted[field.name] = demand.budget_max
        elif field.against == "region" and demand.region is not None:
            wanted[field.name] = demand.region
    named = [field for field in kind.fields if field.filtered and field.type is FieldType.LABELS]
    for field in named:
        known = {str(value) for record in records for value in _items(record.attributes.get(field.name))}
        found = tuple(sorted(label for label in known if _names(text, label)))
        if found:
            wanted[field.name] = found
    return wanted


def _names(text: str, label: str) -> bool:
    if len(label) < 2:
        return False
    if label.isascii():
        return bool(re.search(rf"(?<![A-Za-z0-9]){re.escape(label)}(?![A-Za-z0-9])", text, re.IGNORECASE))
    return label in text


def check(record: KindRecord, kind: KindDeclaration, wanted: Wanted, on: date) -> tuple[KindRequirement, ...]:
    """Return each requirement with its verdict on a day, what is missed first."""
    ended = {
        field.ends: day
        for field in kind.fields
        if field.ends and isinstance(day := record.attributes.get(field.name), str) and date.fromisoformat(day) < on
    }
    found = []
    for name, value in wanted.items():
        field = kind.by_name[name]
        stated = record.attributes.get(name)
        if name in ended and stated is not None:
            text = f"{field.label}{_shown(field, stated)}已于{ended[name]}到期，要求{_shown(field, value)}"
            found.append(KindRequirement(field=name, label=field.label, status="missed", text=text))
            continue
        status = "unknown" if stated is None else "met" if holds(field, stated, value) else "missed"
        sign = {"met": "满足", "missed": "不满足", "unknown": "未说明"}[status]
        said = "" if stated is None else _shown(field, stated)
        asked = f"要求{'不超过' if _bounded(field, value) else ''}{_shown(field, value)}"
        if field.against == "region":
            asked = f"要求覆盖{place_name(str(value))}"
        text = f"{field.label}{said}：{sign}（{asked}）"
        found.append(KindRequirement(field=name, label=field.label, status=status, text=text))
    return tuple(sorted(found, key=lambda one: _RANK[one.status]))


def holds(field: FieldDeclaration, stated: Value, wanted: Value) -> bool:
    """Tell whether a stated value fits: a number is at most the one wanted, all labels wanted are there, a place is covered."""
    if field.against == "region":
        return any(_covers(str(place), str(wanted)) for place in _items(stated))
    if isinstance(stated, bool) or isinstance(wanted, bool):
        return stated is wanted
    if _bounded(field, wanted) and isinstance(stated, int | float) and isinstance(wanted, int | float):
        return stated <= wanted
    have = {str(one).casefold() for one in _items(stated)}
    return {str(one).casefold() for one in _items(wanted)} <= have


def place_name(region: str) -> str:
    """Return the name of a region's code, or what was given where it is none."""
    return (load_regions().full_name(int(region)) if re.fullmatch(r"[0-9]{6}", region) else "") or region[:_MOST_SHOWN]


def _covers(place: str, region: str) -> bool:
    if place.strip() in EVERYWHERE:
        return True
    code = place.strip() if re.fullmatch(r"[0-9]{6}", place.strip()) else region_code(place)
    if code is None:
        return False
    return region.startswith(code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code)


def _bounded(field: FieldDeclaration, wanted: Value) -> bool:
    return (
        field.type in (FieldType.NUMBER, FieldType.INTEGER, FieldType.MONEY)
        and isinstance(wanted, int | float)
        and not isinstance(wanted, bool)
    )


def _items(value: Value | None) -> tuple[Value, ...]:
    return () if value is None else value if isinstance(value, tuple) else (value,)


def _shown(field: FieldDeclaration, value: Value) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, tuple):
        return "、".join(map(str, value))
    if isinstance(value, int | float):
        # An integer of hundreds of digits is no float.
        return f"{min(max(value, -MAX_NUMBER), MAX_NUMBER):g} {field.unit}".rstrip()
    return value[:_MOST_SHOWN]
