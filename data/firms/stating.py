"""One fact of a firm, stated by a form or a command: added to what is known, never beside it twice."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import ValidationError

from data.errors import InputError
from data.firms.facts import FirmFacts, Qualification, Right, Sourced
from data.text.digits import SeparatorError, without_separators

Shape = Literal[
    "figure", "yearly", "words", "statement", "region", "day", "right", "qualification", "financing", "name"
]
# How each fact of the form is stated, in the form's order.
SHAPES: dict[str, Shape] = {
    "name": "name",
    "region": "region",
    "founded_on": "day",
    "legal_person": "statement",
    "enterprise_type": "words",
    "zone": "words",
    "industry": "words",
    "business": "words",
    "staff": "figure",
    "rd_staff": "figure",
    "registered_capital": "figure",
    "total_assets": "figure",
    "net_assets": "figure",
    "sales": "yearly",
    "rd_cost": "yearly",
    "profit": "yearly",
    "tax": "yearly",
    "export": "yearly",
    "rights": "right",
    "qualifications": "qualification",
    "credit_records": "figure",
    "financing": "financing",
}
_YES = {"是": True, "有": True, "否": False, "无": False, "没有": False}


def with_fact(facts: FirmFacts, field: str, given: Mapping[str, str]) -> FirmFacts:
    """Return the facts with one more: `given` has its texts (value, low, high, unit, year, type, state, until, source …).

    What is stated takes the place of what was stated of the same thing before. A field that is none of the form's is a
    fact under the name that a criterion gives it.

    Raises:
        InputError: a text cannot be read, or the fact is impossible.

    """
    texts = {name: text.strip() for name, text in given.items() if text and text.strip()}
    try:
        origin = {"source": texts.get("source", ""), "as_of": _day(texts.get("as_of"))}
        whole = {name: getattr(facts, name) for name in FirmFacts.model_fields}
        return FirmFacts.model_validate(whole | _changed(facts, field, texts, origin))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"the fact {field!r} cannot be stated: {first['msg']}", f"这项事实无法登记：{first['msg']}"
        ) from error


def _changed(facts: FirmFacts, field: str, texts: Mapping[str, str], origin: dict[str, Any]) -> dict[str, Any]:
    """Return what changes of the facts, read but not yet checked."""
    shape, value = SHAPES.get(field), texts.get("value")
    update: dict[str, Any]
    if shape in ("name", "region", "day"):
        stated = _day(value) if shape == "day" else value
        update = {field: stated, "origins": facts.origins | {field: Sourced(**origin)}}
    elif shape == "yearly":
        update = {field: getattr(facts, field) | {_year(texts.get("year", "")): _figure(texts, origin)}}
    elif shape == "right":
        one = Right.model_validate(
            {"type": texts.get("type"), "state": texts.get("state", "granted"), "count": value} | origin
        )
        kept = tuple(other for other in facts.rights if (other.type, other.state) != (one.type, one.state))
        update = {"rights": (*kept, one)}
    elif shape == "qualification":
        held = Qualification.model_validate({"name": value, "valid_until": _day(texts.get("until"))} | origin)
        update = {"qualifications": (*(other for other in facts.qualifications if other.name != held.name), held)}
    elif shape == "financing":
        wanted = facts.financing.model_dump() | origin | {"amount": value}
        update = {"financing": wanted | ({"term_months": texts["term"]} if "term" in texts else {})}
    elif shape is not None:
        update = {field: {"figure": _figure, "words": _words, "statement": _statement}[shape](texts, origin)}
    else:
        numeric = bool({"low", "high"} & texts.keys()) or _is_number(value or "")
        read = _statement if value in _YES else _figure if numeric else _words
        update = {"other": facts.other | {field: read(texts, origin)}}
    return update


def _year(text: str) -> int:
    if not (text.isdecimal() and len(text) == 4):
        raise InputError(f"the year is {text!r}; give one such as 2023", f"年度“{text}”无法识别，请填写如 2023")
    return int(text)


def _figure(texts: Mapping[str, str], origin: dict[str, Any]) -> dict[str, Any]:
    try:
        ends = {name: without_separators(texts[name]) for name in ("value", "low", "high") if name in texts}
    except SeparatorError as error:
        raise InputError(
            "a separator parts no thousands; write 1200 or 1.5", f"{error}；请填写如 1200 或 1.5"
        ) from error
    wrong = next((text for text in ends.values() if not _is_number(text)), None)
    if wrong is not None:
        raise InputError(f"{wrong!r} is no number", f"“{wrong}”不是数字；范围请填写下限和上限")
    return {name: float(text) for name, text in ends.items()} | {"unit": texts.get("unit", "")} | origin


def _words(texts: Mapping[str, str], origin: dict[str, Any]) -> dict[str, Any]:
    parts = (
        texts.get("value", "").replace("；", "，").replace(";", "，").replace("、", "，").replace(",", "，").split("，")
    )
    values = [part.strip() for part in parts if part.strip()]
    return {"values": values, "complete": texts.get("complete") == "1"} | origin


def _statement(texts: Mapping[str, str], origin: dict[str, Any]) -> dict[str, Any]:
    value = texts.get("value", "")
    if value and value not in _YES:
        raise InputError(f"{value!r} is neither 是 nor 否", f"“{value}”不是“是”或“否”")
    return {"value": _YES.get(value)} | origin


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _day(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is no day; give one as 2024-06-30", f"“{text}”不是日期，请填写如 2024-06-30"
        ) from error
