"""企业: the firms, one firm with its facts, what is unknown, what it is eligible for and what is one step away."""

from datetime import date
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.clocks import china_today
from data.firms.facts import Figure, FirmFacts, Qualification, Right, Sourced, Statement, Words
from data.firms.profile import unstated
from data.firms.stating import SHAPES, with_fact
from data.store.eligibility.firm_facts import KnownFirm
from data.store.keys import AuditEntry
from data.store.store import Store
from matcher.eligibility.assess import assess, eligibility_dict
from matcher.eligibility.diagnosis import RULES, diagnose
from matcher.eligibility.kept import parsed
from matcher.eligibility.labels import form_label
from matcher.eligibility.points import SOURCE, point_indicators
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.page import Page, field, operator_of, see_other
from serving.dashboard.rendering import region, render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.cards import findings_around
from serving.runtime.services import services_of

MOST_FIRMS = 5_000  # firms that the list shows
RIGHTS = {
    "invention": "发明专利", "utility_model": "实用新型", "design": "外观设计", "software": "软件著作权",
    "ic_layout": "集成电路布图设计", "trademark": "注册商标", "plant_variety": "植物新品种", "copyright": "作品著作权",
    "other": "其他知识产权",
}  # fmt: skip
STATES = {"applied": "申请中", "granted": "已授权", "valid": "有效", "expired": "失效"}
_GIVEN = ("value", "low", "high", "unit", "year", "type", "state", "until", "term", "complete", "source", "as_of")
_FORM = len([name for name in SHAPES if name != "name"])


def firm_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its firm."""
    return "/firm", {"id": row.get("firm_id") or row["id"]}


def asked_day(request: Request) -> date:
    """Return the day that the address names, else today in China; HTTPException (400) if it is none."""
    text = request.query_params.get("as_of", "")
    try:
        day = date.fromisoformat(text) if text else china_today()
    except ValueError as error:
        raise HTTPException(400, f"“{text}”不是日期，请填写如 2024-06-30。") from error
    if not 1950 <= day.year <= 2100:
        raise HTTPException(400, f"“{text}”须在 1950 至 2100 年之间。")
    return day


async def firms_table(request: Request) -> Table:
    """Return the table of firms."""
    found = await services_of(request).in_store(lambda store: store.firms.page(limit=MOST_FIRMS))
    rows = [_row(firm) for firm in found]
    columns = (
        Column("id", "编号", link=firm_link),
        Column("title", "企业名称", "title", link=firm_link),
        Column("region", "注册地", "region"),
        Column("known", "已知事实", "percent", "事实表中已有内容的项目所占的比例。", own=True),
        Column("unknown", "未知项", "number", "事实表中还没有内容的项目数。", own=True),
        Column("stated_by", "最后登记人"),
        Column("stated_at", "登记时间", "moment"),
    )
    return Table("firms", "企业", columns, MemoryRows(rows), find=("id", "title"), sort="id", descending=False, size=50)


def _row(firm: KnownFirm) -> Row:
    facts = firm.facts
    unknown = len(unstated(facts))
    return {
        "id": firm.firm_id, "title": firm.title, "region": facts.region, "unknown": unknown,
        "known": max(0.0, 1 - unknown / _FORM), "stated_by": firm.stated.written_by if firm.stated else "",
        "stated_at": firm.stated.written_at if firm.stated else None,
    }  # fmt: skip


async def firms_page(request: Request) -> Response:
    """Show the firms."""
    shown = await show(request, await firms_table(request))
    return render(request, "kinds/firms.html", title="企业", active="kinds", shown=shown)


async def firm_page(request: Request) -> Response:
    """Show a firm: facts with source and date, unknown ones, verdicts on a day, what is one step away."""
    services, wanted, day = services_of(request), request.query_params.get("id", ""), asked_day(request)
    firm, policies = await services.in_store(
        lambda store: (store.firms.get(wanted), parsed(store.policy_criteria.latest()))
    )
    found = await services.engine_threads.run(partial(assess, firm.facts, policies, day))
    body = eligibility_dict(found)
    return render(
        request, "kinds/firm.html", title=firm.title, active="kinds", firm=firm, day=day,
        facts=[(name, form_label(name), lines(firm.facts, name)) for name in SHAPES if name != "name"],
        other=[(name, _line(fact)) for name, fact in firm.facts.other.items()], shapes=SHAPES, label=form_label,
        unknown=[(name, form_label(name)) for name in unstated(firm.facts)], rights=RIGHTS, states=STATES,
        results=body["results"], counts=body["counts"], question=body["question"], rules=RULES,
        findings=[*diagnose(firm.firm_id, firm.facts, found.results, day), *await findings_around(services, firm, day)],
        points=point_indicators(firm.facts, day), points_source=SOURCE, chosen=request.query_params.get("fact", ""),
    )  # fmt: skip


def lines(facts: FirmFacts, name: str) -> list[tuple[str, str]]:
    """Return what is known of a fact of the form: texts with source and date; nothing where it is unknown."""
    if name in unstated(facts):
        return []
    value = getattr(facts, name)
    if name == "region":
        return [(region(value), _origin(facts.origins.get("region")))]
    if name == "founded_on":
        return [(value.isoformat(), _origin(facts.origins.get("founded_on")))]
    if isinstance(value, dict):
        return [(f"{year}年 {_amount(figure, '万元')}", _origin(figure)) for year, figure in sorted(value.items())]
    if isinstance(value, tuple):
        return [(_counted(one), _origin(one)) for one in value]
    return [_line(value)]


def _line(fact: Any) -> tuple[str, str]:
    if isinstance(fact, Figure):
        return _amount(fact, ""), _origin(fact)
    if isinstance(fact, Words):
        return "、".join(fact.values) + ("（没有其他）" if fact.complete else ""), _origin(fact)
    if isinstance(fact, Statement):
        return "是" if fact.value else "否" if fact.value is False else "–", _origin(fact)
    parts = (
        f"{fact.amount:g} 万元" if fact.amount is not None else "",
        f"{fact.term_months} 个月" if fact.term_months is not None else "",
        "、".join(fact.guarantees),
    )
    return "，".join(part for part in parts if part), _origin(fact)


def _counted(one: Right | Qualification) -> str:
    if isinstance(one, Right):
        return f"{RIGHTS[one.type]} {STATES[one.state]} {one.count} 件"
    return one.name + (f"（有效期至 {one.valid_until}）" if one.valid_until else "")


def _amount(figure: Figure, unit: str) -> str:
    unit = figure.unit or unit
    if figure.value is not None:
        return f"{figure.value:g} {unit}".rstrip()
    ends = ["…" if end is None else f"{end:g}" for end in (figure.low, figure.high)]
    return f"{ends[0]}–{ends[1]} {unit}".rstrip()


def _origin(origin: Sourced | None) -> str:
    if origin is None:
        return ""
    return "，".join(part for part in (origin.source, f"截至 {origin.as_of}" if origin.as_of else "") if part)


async def state_fact(request: Request) -> Response:
    """State one fact of a firm, as a form gives it."""
    who = operator_of(request)
    firm_id, name = field(request, "id").strip()[:128], field(request, "fact").strip()[:200]
    if not firm_id or not name:
        raise HTTPException(400, "请填写企业编号和要登记的事实。")
    given = {key: field(request, key)[:1_000] for key in _GIVEN}
    entry = AuditEntry(utc_now(), who.actor, "firms.state", f"{firm_id}: {name}"[:500], request.state.request_id)
    await services_of(request).in_store(
        partial(_state, firm_id=firm_id, name=name, given=given, by=who.name, entry=entry)
    )
    return see_other(request, "/firm", id=firm_id, notice="saved")


def _state(store: Store, firm_id: str, name: str, given: dict[str, str], by: str, entry: AuditEntry) -> None:
    if store.firms.change(firm_id, lambda facts: with_fact(facts, name, given), by, entry.at) != "unchanged":
        store.api_keys.note(entry)


PAGES = (
    Page("/firms", firms_page),
    Page("/firm", firm_page),
    Page("/firm/state", state_fact, Role.REVIEWER, post=True),
)
TABLES = (TableSpec("firms", firms_table),)
