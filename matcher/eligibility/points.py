"""The indicators of 创新积分制 that a firm's facts tell, and those that are missing: a card of information, never a score.

Names follow the guideline of 2024 (“创新积分制”工作指引，全国试行版); weights differ by region and stage and are not applied.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from data.firms.facts import Figure, FirmFacts

SOURCE = "《“创新积分制”工作指引（全国试行版）》（2024）；各地权重和口径不同，以当地为准"
_TECHNOLOGY, _GROWTH, _AUXILIARY = "技术创新指标", "成长经营指标", "辅助指标"
_MONEY = {"": 1.0, "万元": 1.0, "元": 1e-4, "千元": 0.1, "亿元": 1e4}
Ends = tuple[float, float]  # lowest and highest that a figure may be, in 万元 or persons


@dataclass(frozen=True, slots=True)
class PointIndicator:
    """One indicator: its value in words with the facts that it rests on, or None where something is missing."""

    group: str
    label: str
    value: str | None
    rests_on: tuple[str, ...]
    missing: tuple[str, ...]


def point_indicators(facts: FirmFacts, as_of: date) -> list[PointIndicator]:
    """Return the indicators on a day: money of the last year before it, in the guideline's order."""
    year = as_of.year - 1
    cost, sales = _of_year(facts, "rd_cost", year), _of_year(facts, "sales", year)
    cost_before, sales_before = _of_year(facts, "rd_cost", year - 1), _of_year(facts, "sales", year - 1)
    profit = _of_year(facts, "profit", year)
    staff, rd_staff = _ends(facts.staff), _ends(facts.rd_staff)
    net = _ends(facts.net_assets)
    names = {
        "cost": f"{year}年研发费用", "cost_before": f"{year - 1}年研发费用", "sales": f"{year}年营业收入",
        "sales_before": f"{year - 1}年营业收入", "profit": f"{year}年利润", "staff": "职工人数", "rd_staff": "研发人员数",
        "net": "净资产",
    }  # fmt: skip
    known = {
        "cost": cost, "cost_before": cost_before, "sales": sales, "sales_before": sales_before, "profit": profit,
        "staff": staff, "rd_staff": rd_staff, "net": net,
    }  # fmt: skip

    def of(group: str, label: str, compute: Callable[..., str | None], *needs: str) -> PointIndicator:
        missing = tuple(names[name] for name in needs if known[name] is None)
        value = None if missing else compute(*(known[name] for name in needs))
        rests = tuple(f"{names[name]} {_shown(known[name])}" for name in needs if known[name] is not None)
        return PointIndicator(group, label, value, rests, missing or (() if value else ("上一年为零，无从计算",)))

    def stated(group: str, label: str, name: str) -> PointIndicator:
        fact = facts.other.get(name)
        ends = _ends(fact, money=False) if isinstance(fact, Figure) else None
        unit = fact.unit if isinstance(fact, Figure) else ""
        value = None if ends is None else f"{_shown(ends)} {unit}".rstrip()
        return PointIndicator(group, label, value, (f"{name} {value}",) if value else (), () if value else (name,))

    return [
        of(_TECHNOLOGY, "研发费用金额", _amount, "cost"),
        of(_TECHNOLOGY, "研发费用增速", _growth, "cost", "cost_before"),
        of(_TECHNOLOGY, "研发费用占营业收入比重", _share, "cost", "sales"),
        of(_TECHNOLOGY, "研发人员占职工总数比重", _share, "rd_staff", "staff"),
        _applications(facts),
        stated(_TECHNOLOGY, "与主营业务相关的PCT专利申请量", "PCT专利申请量"),
        stated(_TECHNOLOGY, "企业技术合同成交额", "技术合同成交额"),
        stated(_GROWTH, "高新技术产品收入", "高新技术产品收入"),
        of(_GROWTH, "营业收入增长率", _growth, "sales", "sales_before"),
        of(_GROWTH, "净资产利润率", _share, "profit", "net"),
        stated(_GROWTH, "研发费用加计扣除所得税减免额", "研发费用加计扣除所得税减免额"),
        stated(_AUXILIARY, "吸纳高校应届毕业生人数", "吸纳高校应届毕业生人数"),
        stated(_AUXILIARY, "承担建设省级及以上研发或创新平台数量", "省级及以上研发平台数"),
        stated(_AUXILIARY, "获得省级及以上科技奖励数量", "省级及以上科技奖励数"),
        stated(_AUXILIARY, "承担省级及以上科技计划项目数量", "省级及以上科技计划项目数"),
        stated(_AUXILIARY, "获得风险投资金额", "风险投资金额"),
    ]


def _applications(facts: FirmFacts) -> PointIndicator:
    label, needed = "与主营业务相关的发明专利申请量", "申请中的发明专利数"
    found = [one.count for one in facts.rights if one.type == "invention" and one.state == "applied"]
    if not found and not facts.rights_complete:
        return PointIndicator(_TECHNOLOGY, label, None, (), (needed,))
    value = f"{sum(found)} 件（是否与主营业务相关须核实）"
    return PointIndicator(_TECHNOLOGY, label, value, (f"{needed} {sum(found)} 件",), ())


def _of_year(facts: FirmFacts, series: str, year: int) -> Ends | None:
    figure = getattr(facts, series).get(year)
    return None if figure is None else _ends(figure)


def _ends(figure: Figure, *, money: bool = True) -> Ends | None:
    """Return the lowest and highest value; None for an open range, of which no ratio follows."""
    low, high = (figure.value, figure.value) if figure.value is not None else (figure.low, figure.high)
    if low is None or high is None:
        return None
    factor = _MONEY.get(figure.unit, 1.0) if money else 1.0
    return low * factor, high * factor


def _shown(ends: Ends | None, scale: float = 1.0) -> str:
    if ends is None:
        return ""
    low, high = (f"{end * scale:.4g}" for end in ends)
    return low if low == high else f"{low}–{high}"


def _amount(ends: Ends) -> str:
    return f"{_shown(ends)} 万元"


def _share(part: Ends, whole: Ends) -> str | None:
    if min(whole) <= 0:
        return None
    corners = [one / other for one in part for other in whole]
    return f"{_shown((min(corners), max(corners)), 100)}%"


def _growth(now: Ends, before: Ends) -> str | None:
    if min(before) <= 0:
        return None
    corners = [one / other - 1 for one in now for other in before]
    return f"{_shown((min(corners), max(corners)), 100)}%"
