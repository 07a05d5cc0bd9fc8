"""What is known of a firm on a day, by the names of fields that criteria use: intervals, statements, lists of words."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from data.firms.facts import Figure, FirmFacts, Qualification, Series, Statement, Words
from knowledge_graph.criteria.units import in_base_unit

_ANY_RIGHT = ("invention", "utility_model", "design", "software", "ic_layout", "plant_variety", "copyright", "other")
_PATENTS = ("invention", "utility_model", "design")
_RIGHT_FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "granted_ip_any": (_ANY_RIGHT, ("granted", "valid")),
    "granted_patents": (_PATENTS, ("granted", "valid")),
    "valid_patents": (_PATENTS, ("valid",)),
    "valid_inventions": (("invention",), ("valid",)),
    "invention_applications": (("invention",), ("applied", "granted", "valid")),
    "invention": (("invention",), ("granted", "valid")),
    "utility_model": (("utility_model",), ("granted", "valid")),
    "design": (("design",), ("granted", "valid")),
    "software": (("software",), ("granted", "valid")),
    "ic_layout": (("ic_layout",), ("granted", "valid")),
    "utility_model+design+software": (("utility_model", "design", "software"), ("granted", "valid")),
    "trademarks": (("trademark",), ("granted", "valid")),
}
_MONEY = "元"


@dataclass(frozen=True, slots=True)
class Interval:
    """A number in base units that lies in [low, high]; infinite ends are open. `as_text` says what the facts hold."""

    low: float
    high: float
    unit: str
    as_text: str = ""

    @property
    def known(self) -> bool:
        """Whether anything is known."""
        return math.isfinite(self.low) or math.isfinite(self.high)


@dataclass(frozen=True, slots=True)
class Listed:
    """Words that hold of a firm; `complete` if no others do."""

    words: tuple[str, ...]
    complete: bool
    as_text: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A statement that is true or false."""

    value: bool
    as_text: str = ""


Known = Interval | Listed | Said


def _interval(figure: Figure, unit: str, name: str = "") -> Interval:
    """Return what a figure says, in base units; of money without a unit in 万元."""
    written = figure.unit or unit
    low = figure.low if figure.value is None else figure.value
    high = figure.high if figure.value is None else figure.value
    base = in_base_unit(1.0, written)[1]
    ends = [in_base_unit(end, written)[0] if end is not None else None for end in (low, high)]
    as_text = ""
    if ends != [None, None]:
        span = f"{low:g}" if low == high and low is not None else f"{_end(low)}~{_end(high)}"
        as_text = f"{name}{span}{written}{_origin(figure.source, figure.as_of)}"
    return Interval(-math.inf if ends[0] is None else ends[0], math.inf if ends[1] is None else ends[1], base, as_text)


def _end(value: float | None) -> str:
    return "…" if value is None else f"{value:g}"


def _origin(source: str, as_of: date | None) -> str:
    parts = [part for part in (source, f"截至{as_of}" if as_of else "") if part]
    return f"（{'，'.join(parts)}）" if parts else ""


def years_between(start: date, end: date) -> float:
    """Return full years from `start` to `end` and the share of the year begun; exactly n on the n-th anniversary."""
    years = end.year - start.year
    if _anniversary(start, years) > end:
        years -= 1
    last, following = _anniversary(start, years), _anniversary(start, years + 1)
    return years + (end - last).days / (following - last).days


def _anniversary(start: date, years: int) -> date:
    try:
        return start.replace(year=start.year + years)
    except ValueError:  # 29 February
        return date(start.year + years, 3, 1)


def _divided(one: Interval, other: Interval, as_text: str) -> Interval:
    """Return the ratio of two amounts that are not negative; unknown where the divisor may be 0."""
    if other.low <= 0 or one.low < 0 or not (one.known and other.known):
        return Interval(-math.inf, math.inf, "", as_text)
    high = one.high / other.low if math.isfinite(one.high) else math.inf
    low = one.low / other.high if math.isfinite(other.high) else 0.0
    return Interval(low, high, "", as_text)


class Facts:
    """A firm's facts on the day `as_of`, looked up by the field names of criteria."""

    def __init__(self, firm: FirmFacts, as_of: date) -> None:
        self.firm = firm
        self.as_of = as_of
        self._last = as_of.year - 1
        self._found: dict[str, Known | None] = {}

    def look_up(self, field: str) -> Known | None:
        """Return what is known of a field, None if nothing is."""
        if field not in self._found:
            self._found[field] = self._looked_up(field)
        return self._found[field]

    def _looked_up(self, field: str) -> Known | None:
        own = self.firm.other.get(field)
        found = self._typed(field) if own is None else _other(own)
        return None if isinstance(found, Interval) and not found.known else found

    def qualification(self, name: str) -> Qualification | None:
        """Return the qualification that a criterion names, valid on the day; None if there is none."""
        wanted = _plain(name)
        for held in self.firm.qualifications:
            own = _plain(held.name)
            # 高新技术企业 is what 国家高新技术企业 names; 企业 alone names nothing
            shorter = len(own) >= max(4, len(wanted) / 2) and own in wanted
            if wanted and (wanted in own or shorter) and self._valid(held):
                return held
        return None

    def _valid(self, held: Qualification) -> bool:
        started = held.valid_from is None or held.valid_from <= self.as_of
        return started and (held.valid_until is None or self.as_of <= held.valid_until)

    def _typed(self, field: str) -> Known | None:
        firm = self.firm
        figures = {
            "staff": (firm.staff, "人", "职工"), "rd_staff": (firm.rd_staff, "人", "研发人员"),
            "registered_capital": (firm.registered_capital, "万元", "注册资本"),
            "total_assets": (firm.total_assets, "万元", "资产总额"), "net_assets": (firm.net_assets, "万元", "净资产"),
        }  # fmt: skip
        words = {
            "industry": firm.industry, "business": firm.business, "entity_type": firm.enterprise_type,
            "enterprise_type": firm.enterprise_type, "registered_zone": firm.zone,
        }  # fmt: skip
        found: Known | None
        if field in figures:
            found = _interval(*figures[field])
        elif field in words:
            found = _words(words[field])
        elif field in ("years_registered", "years_operating"):
            found = self._age()
        elif field in ("registered_province", "registered_city"):
            found = self._place(field)
        elif field == "legal_person":
            found = _said(firm.legal_person)
        elif field in _RIGHT_FIELDS:
            found = self._rights(field)
        elif field == "rd_staff_share":
            parts = _interval(firm.rd_staff, "人"), _interval(firm.staff, "人")
            found = _divided(*parts, f"研发人员{parts[0].as_text} ÷ 职工{parts[1].as_text}")
        else:
            found = self._by_year(field)
        return found

    def _age(self) -> Interval | None:
        founded = self.firm.founded_on
        if founded is None or founded > self.as_of:
            return None
        years = years_between(founded, self.as_of)
        as_text = f"成立于{founded}，至{self.as_of}满{math.floor(years)}年{self._from('founded_on')}"
        return Interval(years, years, "年", as_text)

    def _from(self, field: Literal["region", "founded_on"]) -> str:
        origin = self.firm.origins.get(field)
        return "" if origin is None else _origin(origin.source, origin.as_of)

    def _place(self, field: str) -> Listed | None:
        code = self.firm.region
        if code is None:
            return None
        city, province, as_text = f"{code[:4]}00", f"{code[:2]}0000", f"注册地{code}{self._from('region')}"
        if field == "registered_province":
            return Listed((province,), complete=True, as_text=as_text)
        municipal = code[:2] in ("11", "12", "31", "50")
        # 440000 tells the province only: of the city nothing is known
        if code == province and not municipal:
            return Listed((), complete=False, as_text=as_text)
        return Listed(tuple(dict.fromkeys((province if municipal else city, city, code))), True, as_text)

    def _rights(self, field: str) -> Interval:
        types, states = _RIGHT_FIELDS[field]
        held = [right for right in self.firm.rights if right.type in types and right.state in states]
        count = float(sum(right.count for right in held))
        high = count if self.firm.rights_complete else math.inf
        if not held and not self.firm.rights_complete:
            return Interval(-math.inf, math.inf, "件")
        return Interval(count, high, "件", f"{count:g}件" + ("" if self.firm.rights_complete else "（可能还有）"))

    def _year(self, series: Series, year: int, name: str) -> Interval:
        figure = series.get(year)
        return _interval(figure or Figure(), "万元", f"{year}年{name}")

    def _by_year(self, field: str) -> Interval | None:
        firm, last = self.firm, self._last
        single: dict[str, tuple[Series, str]] = {
            "sales_last_year": (firm.sales, "营业收入"), "revenue": (firm.sales, "营业收入"),
            "rd_last_year": (firm.rd_cost, "研发费用"), "profit_last_year": (firm.profit, "利润"),
            "tax_paid_last_year": (firm.tax, "纳税额"), "export_last_year": (firm.export, "出口额"),
            "import_export_last_year": (firm.export, "出口额"),
        }  # fmt: skip
        if field in single:
            found = self._year(single[field][0], last, single[field][1])
            # exports alone are a lower bound of imports and exports
            return (
                Interval(found.low, math.inf, found.unit, found.as_text)
                if field == "import_export_last_year"
                else found
            )
        if field in ("rd_to_sales_last_year", "rd_to_sales_same_period", "rd_share_of_revenue"):
            parts = self._year(firm.rd_cost, last, "研发费用"), self._year(firm.sales, last, "营业收入")
            return _divided(*parts, f"{parts[0].as_text} ÷ {parts[1].as_text}")
        years = [self._year(firm.sales, year, "营业收入") for year in (last - 2, last - 1, last)]
        as_text = "；".join(year.as_text for year in years if year.as_text)
        if field == "revenue_each_of_3y":
            return Interval(min(y.low for y in years), min(y.high for y in years), _MONEY, as_text)
        if field == "sales_any_of_3_years":
            return Interval(max(y.low for y in years), max(y.high for y in years), _MONEY, as_text)
        series = {"sales_growth": firm.sales, "profit_growth": firm.profit, "revenue_cagr_3y": firm.sales}.get(field)
        return None if series is None else self._growth(field, series)

    def _growth(self, field: str, series: Series) -> Interval:
        """Return the mean of the last two yearly growths, or the compound one, over three years' known figures."""
        years = [self._year(series, year, "") for year in (self._last - 2, self._last - 1, self._last)]
        as_text = "；".join(year.as_text for year in years if year.as_text)
        if field == "revenue_cagr_3y":
            whole = _divided(years[2], years[0], as_text)
            root = [end**0.5 if math.isfinite(end) and end >= 0 else end for end in (whole.low, whole.high)]
            return Interval(root[0] - 1, root[1] - 1, "", as_text)
        steps = [_divided(years[1], years[0], as_text), _divided(years[2], years[1], as_text)]
        return Interval(sum(s.low for s in steps) / 2 - 1, sum(s.high for s in steps) / 2 - 1, "", as_text)


def _other(fact: Figure | Statement | Words) -> Known | None:
    if isinstance(fact, Figure):
        return _interval(fact, "")
    return _said(fact) if isinstance(fact, Statement) else _words(fact)


def _said(fact: Statement) -> Said | None:
    as_text = ("是" if fact.value else "否") + _origin(fact.source, fact.as_of)
    return None if fact.value is None else Said(fact.value, as_text)


def _words(fact: Words) -> Listed | None:
    as_text = "、".join(fact.values) + _origin(fact.source, fact.as_of)
    return Listed(fact.values, fact.complete, as_text) if fact.values or fact.complete else None


def _plain(name: str) -> str:
    return "".join(char for char in name if char not in " 　“”\"'（）()《》").casefold()


def named_alike(wanted: str, held: Iterable[str]) -> str | None:
    """Return the first of `held` that names the same as `wanted`, the shorter name within the longer one; else None."""
    plain = _plain(wanted)
    for word in held:
        own = _plain(word)
        if len(own) >= 2 and len(plain) >= 2 and (own in plain or plain in own):
            return word
    return None
