"""A firm's facts from its record, as a table of firms brought it, and facts that were stated, which come before those."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from data.firms.facts import (
    MAX_ENTRIES,
    Figure,
    Financing,
    FirmFacts,
    Qualification,
    Right,
    RightState,
    RightType,
    Sourced,
    Statement,
    Words,
)
from data.kinds.declaration import folded
from data.kinds.record import KindRecord
from data.kinds.registry import load_kinds
from data.text.digits import SeparatorError, without_separators

FROM_RECORD = "企业档案"
MAX_WORDS = 200  # characters of one word or name
MAX_AMOUNT = 1e15
# Attributes of the kind `firm` by the facts that they state.
_FIGURES = {
    "staff": ("staff", "人"),
    "rd_staff": ("rd_staff", "人"),
    "registered_capital": ("registered_capital", "万元"),
    "total_assets": ("total_assets", "万元"),
    "net_assets": ("net_assets", "万元"),
    "credit_records": ("bad_records", "条"),
}
_RIGHTS: dict[str, tuple[RightType, RightState]] = {
    "valid_inventions": ("invention", "valid"),
    "inventions": ("invention", "granted"),
    "utility_models": ("utility_model", "granted"),
    "designs": ("design", "granted"),
    "software": ("software", "granted"),
}
# What columns by year are called, without year, unit and marks.
_YEARLY = {
    "sales": "营业收入 销售收入 主营业务收入 营收 销售额 销售",
    "rd_cost": "研发费用 研发投入 研究开发费用 研发经费 研发",
    "profit": "利润 利润总额 净利润",
    "tax": "纳税额 纳税 纳税总额 上缴税金 缴税",
    "export": "出口额 出口 出口总额",
}
_SERIES = {word: name for name, words in _YEARLY.items() for word in words.split()}
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)年?度?")
_MONEY = frozenset({"元", "千元", "万元", "亿元"})
_SHORT = frozenset({"千", "万", "亿"})  # of money: 1000万 is 1000万元
_COUNTS = frozenset({"人", "名", "件", "项", "条", "次", "个"})
_UNIT = re.compile(r"(?<![百千万亿])(?:亿元|万元|千元|元)")
_MARKS = re.compile(r"[\s（）()\[\]【】_\-—：:,，/]+")
_NUMBER = r"-?\d[\d,，]*(?:\.\d+)?"
_CELL = re.compile(
    rf"约?\s*(?P<low>{_NUMBER})\s*(?P<own>[^\d\s~\-—–至到]{{0,3}})\s*"
    rf"(?:[~\-—–至到]+\s*(?P<high>{_NUMBER})\s*(?P<unit>[^\d\s~\-]{{0,3}}))?"
)


# Words of a bound: those before the number, those behind it, and 余 or 多 between number and unit.
_AT_LEAST = re.compile(
    r"^(?:>=|≥|>|＞|不低于|不少于|至少|最低|高于|大于|超过|多于)\s*|\s*(?:及?以上|起|\+)$|(?<=\d)\s*[余多](?=\s*[百千万亿元人名件项条]*$)"
)
_AT_MOST = re.compile(r"^(?:<=|≤|<|＜|不高于|不超过|不多于|至多|最高|低于|小于|少于)\s*|\s*(?:及?以下|以内|之内)$")


def is_bound(cell: str) -> bool:
    """Tell whether a cell names the least or the most of a number, not the number itself."""
    return bool(_AT_LEAST.search(cell.strip()) or _AT_MOST.search(cell.strip()))


def facts_of(record: KindRecord) -> FirmFacts:
    """Return what a firm's record states, in the form of facts; what a column does not say stays unknown."""
    own, source = record.attributes, record.source or FROM_RECORD
    sourced: dict[str, Any] = {"source": source, "as_of": record.published_at}
    found: dict[str, Any] = {"firm_id": record.id, "name": record.title}
    origin = Sourced(**sourced)
    founded = own.get("founded_on")
    found["region"] = record.region
    found["founded_on"] = date.fromisoformat(founded) if isinstance(founded, str) else None
    found["origins"] = {name: origin for name in ("region", "founded_on") if found[name] is not None}
    aside = {folded(header): cell for header, cell in record.extra.items()}
    for fact, (name, unit) in _FIGURES.items():
        figure = Figure(value=own[name], unit=unit) if isinstance(own.get(name), int | float) else None
        # The cell of a range is kept aside, because a column holds one number.
        written = next((aside[header] for header in _headers()[name] if header in aside), None)
        if written is not None:
            figure = _amount(written, unit)
        if figure is not None:
            found[fact] = figure.model_copy(update=sourced)
    words = {
        "enterprise_type": (own.get("enterprise_type"),),
        "zone": (own.get("zone"),),
        "industry": (*record.industries, record.field),
        "business": (own.get("main_products"),),
    }
    for fact, values in words.items():
        kept = tuple(str(value).strip()[:MAX_WORDS] for value in values if value and str(value).strip())
        if kept:
            found[fact] = Words(values=kept, **sourced)
    found["rights"] = tuple(
        Right(type=kind, state=state, count=count, **sourced)
        for name, (kind, state) in _RIGHTS.items()
        if isinstance(count := own.get(name), int) and 0 <= count <= 1_000_000
    )
    held = own.get("qualifications")
    found["qualifications"] = tuple(
        Qualification(name=str(name)[:MAX_WORDS], **sourced)
        for name in (held if isinstance(held, tuple) else ())[:MAX_ENTRIES]
    )
    return FirmFacts(**(found | _by_year(record.extra, source)))


@cache
def _headers() -> dict[str, tuple[str, ...]]:
    """Return the headers of the kind firm's own fields, folded."""
    kind = load_kinds()["firm"]
    return {name: tuple(map(folded, kind.headers()[name])) for name in kind.by_name}


def _by_year(columns: Mapping[str, str], source: str) -> dict[str, dict[int, Figure]]:
    """Return the series that columns such as 2023年营业收入（万元） state; money without a unit is in 万元."""
    found: dict[str, dict[int, Figure]] = {}
    for header, cell in columns.items():
        year, unit = _YEAR.search(header), _UNIT.search(header)
        if year is None:
            continue
        plain = _MARKS.sub("", _UNIT.sub("", _YEAR.sub("", header)))
        series, figure = _SERIES.get(plain), _amount(cell, unit.group() if unit else "万元")
        if series is not None and figure is not None:
            dated = {"source": source, "as_of": date(int(year[1]), 12, 31)}
            found.setdefault(series, {})[int(year[1])] = figure.model_copy(update=dated)
    return found


def _amount(cell: str, unit: str) -> Figure | None:
    """Return the amount, range or bound that a cell states, in `unit` unless it names its own; None where it states none.

    A bound (500万元以上, 不超过300万元, 80余人) is a range of which one end is open.
    """
    text = cell.strip()
    at_least, at_most = _AT_LEAST.search(text), _AT_MOST.search(text)
    bound = at_least or at_most
    match = _CELL.fullmatch(_AT_MOST.sub("", _AT_LEAST.sub("", text)).strip() if bound else text)
    if match is None or (at_least and at_most) or (bound and match["high"]):
        return None
    written = match["unit"] or match["own"] or unit
    written += "元" if unit in _MONEY and written in _SHORT else ""
    if not any({written, unit} <= family for family in (_MONEY, _COUNTS)):
        return None
    ends = _ends(match)
    if not ends or any(abs(end) > MAX_AMOUNT for end in ends) or ends[0] > ends[-1]:
        return None
    if bound:
        return Figure(low=ends[0], unit=written) if at_least else Figure(high=ends[0], unit=written)
    if len(ends) == 1:
        return Figure(value=ends[0], unit=written)
    return Figure(low=ends[0], high=ends[1], unit=written)


def _ends(match: re.Match[str]) -> list[float]:
    """Return the one or two numbers of an amount; [] where it is unclear which they are (1,5)."""
    try:
        return [float(without_separators(text)) for text in (match["low"], match["high"]) if text]
    except SeparatorError:
        return []


def joined(recorded: FirmFacts, stated: FirmFacts) -> FirmFacts:
    """Return all that is known: facts that were stated, and those of the record where nothing was."""
    both: dict[str, Any] = {}
    for name, field in FirmFacts.model_fields.items():
        first, second = getattr(stated, name), getattr(recorded, name)
        both[name] = first if _says(first, field.get_default(call_default_factory=True)) else second
    for name in _YEARLY:
        both[name] = getattr(recorded, name) | getattr(stated, name)
    both["origins"] = {
        name: origin
        for facts in (recorded, stated)
        for name, origin in facts.origins.items()
        if getattr(facts, name) == both[name]
    }
    both["rights"], both["qualifications"] = stated.rights, stated.qualifications
    if not stated.rights_complete:
        spoken = {(right.type, right.state) for right in stated.rights}
        kept = tuple(right for right in recorded.rights if (right.type, right.state) not in spoken)
        both["rights"] = (*stated.rights, *kept)[:MAX_ENTRIES]
    if not stated.qualifications_complete:
        named = {held.name for held in stated.qualifications}
        held = tuple(one for one in recorded.qualifications if one.name not in named)
        both["qualifications"] = (*stated.qualifications, *held)[:MAX_ENTRIES]
    both["other"] = recorded.other | stated.other
    return FirmFacts(**both)


def known_of(record: KindRecord | None, stated: FirmFacts | None) -> FirmFacts:
    """Return all that is known of a firm from its record and from stated facts, either of which may be missing."""
    facts = stated or FirmFacts()
    return facts if record is None else joined(facts_of(record), facts)


def unstated(facts: FirmFacts) -> list[str]:
    """Return the names of the form's facts of which nothing is known, in the form's order."""
    return [
        name
        for name, field in FirmFacts.model_fields.items()
        if name not in _NO_FACTS and not _says(getattr(facts, name), field.get_default(call_default_factory=True))
    ]


_NO_FACTS = frozenset({"firm_id", "name", "origins", "rights_complete", "qualifications_complete", "other"})


def _says(value: object, nothing: object) -> bool:
    """Tell whether a fact says more than where it would come from."""
    if isinstance(value, Figure):
        return any(end is not None for end in (value.value, value.low, value.high))
    if isinstance(value, Statement):
        return value.value is not None
    if isinstance(value, Words):
        return bool(value.values) or value.complete
    if isinstance(value, Financing):
        return value.amount is not None or value.term_months is not None or bool(value.guarantees)
    return value != nothing
