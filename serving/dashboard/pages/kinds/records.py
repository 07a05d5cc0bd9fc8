"""资源库: the kinds, the records of one, one record; what a text or a demand finds among several kinds."""

from datetime import date
from functools import partial
from typing import Any

import orjson
import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.clocks import china_today
from data.kinds.declaration import FieldDeclaration, FieldType, KindDeclaration, Role
from data.kinds.record import RecordStatus
from data.records import MAX_TEXT, Demand
from data.store.tables import records
from matcher.kinds.answer import KindsAnswer
from matcher.kinds.candidates import KindsQuery
from matcher.kinds.recommend import recommend_kinds
from serving.dashboard.page import Page, see_other
from serving.dashboard.pages.kinds.firms import asked_day
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Row, SelectedRows, Table, TableSpec, show
from serving.runtime.services import Services, services_of

SHOWN = 5  # records of a kind in an answer over several
BESIDE = 3  # beside a demand's matches
ROLES = {Role.SUPPLY: "供给", Role.ASK: "需求", Role.PROFILE: "档案", Role.STAFF: "人员"}
_KINDS_OF_CELL = {FieldType.NUMBER: "decimal", FieldType.INTEGER: "number", FieldType.MONEY: "decimal"}
# Kinds whose records, and whose lists, have a page of their own.
_PAGES = {"firm": "/firm", "achievement": "/browse/achievement", "demand": "/browse/demand"}
_LISTS = {"firm": "/firms", "achievement": "/records/achievements", "demand": "/records/demands"}


def record_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its record."""
    kind = str(row["kind"])
    return (_PAGES[kind], {"id": row["id"]}) if kind in _PAGES else ("/kinds/record", {"kind": kind, "id": row["id"]})


def declared(request: Request, name: str) -> KindDeclaration:
    """Return the kind of a name; HTTPException (404) if there is none."""
    kind = services_of(request).kinds.kinds.get(name)
    if kind is None:
        raise HTTPException(404, f"没有种类“{name}”。")
    return kind


async def kinds_table(request: Request) -> Table:
    """Return the table of kinds with the number of their records."""
    services = services_of(request)
    counts = await services.in_store(lambda store: store.kinds.counts())
    own = await services.in_store(lambda store: store.counts())
    counts |= {"achievement": own.achievements, "demand": own.demands}
    rows = [
        {"kind": kind.name, "label": kind.label, "role": ROLES[kind.role], "records": counts.get(kind.name, 0)}
        for kind in services.kinds.kinds.values()
    ]

    def leads(row: Row) -> tuple[str, dict[str, Any]]:
        kind = str(row["kind"])
        return (_LISTS[kind], {}) if kind in _LISTS else ("/kinds/records", {"kind": kind})

    columns = (
        Column("label", "种类", link=leads),
        Column("role", "角色"),
        Column("records", "记录", "number", "库中这一种类的记录数。", link=leads),
        Column("kind", "代码", "code"),
    )
    return Table("kinds", "种类", columns, MemoryRows(rows), find=("label", "kind"), sort="", size=50)


async def records_table(request: Request) -> Table:
    """Return the table of the records of the kind that the address names, services if it names none."""
    kind = declared(request, request.query_params.get("kind") or "service")
    if kind.own_table:
        raise HTTPException(404, f"{kind.label}有自己的清单。")
    engine = await services_of(request).in_store(lambda store: store.engine)
    c = records.c
    query = sa.select(c.kind, c.id, c.title, c.provider, c.region, c.status, c.valid_until, c.record).where(
        c.kind == kind.name, ~c.deleted
    )
    own = [field for field in kind.fields if field.type is not FieldType.TEXT]
    columns = (
        Column("id", "编号", link=record_link),
        Column("title", kind.label_of("title"), "title", link=record_link),
        Column("provider", kind.label_of("provider")),
        Column("region", kind.label_of("region"), "region"),
        *(_column(field) for field in own),
        Column("status", "状态"),
        Column("valid_until", kind.label_of("valid_until"), "day"),
    )

    def finish(row: Row) -> Row:
        values = orjson.loads(row["record"]).get("attributes", {})
        return dict(row) | {field.name: cell_of(field, values.get(field.name)) for field in own}

    return Table(
        "records_of_kind",
        kind.label,
        columns,
        SelectedRows(engine, query, c.id, finish=finish),
        find=("id", "title", "provider"),
        choices={"status": [(status.value, status.value) for status in RecordStatus]},
        sort="id",
        descending=False,
        size=50,
    )


def _column(field: FieldDeclaration) -> Column:
    label = f"{field.label}（{field.unit}）" if field.unit else field.label
    hint = f"记录所述的{label}。"
    return Column(field.name, label, _KINDS_OF_CELL.get(field.type, "text"), hint, sortable=False, own=True)


def cell_of(field: FieldDeclaration, value: Any) -> Any:
    """Return a value as a table shows it."""
    if value is None or field.type in _KINDS_OF_CELL:
        return value
    if field.type is FieldType.FLAG:
        return "是" if value else "否"
    return "、".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


async def kinds_page(request: Request) -> Response:
    """Show the kinds, and what the text or demand that the address gives finds among those that meet needs."""
    services, asked = services_of(request), request.query_params
    text, demand_id = asked.get("text", "").strip()[:MAX_TEXT], asked.get("demand", "").strip()
    supply = services.kinds.kinds.of_role(Role.SUPPLY)
    chosen = [kind for kind in supply if kind.name in asked.getlist("kind")] or supply
    answer, demand, day = None, None, asked_day(request)
    if demand_id:
        demand = await services.in_store(lambda store: store.demand(demand_id))
    elif text:
        demand = Demand.of_text(text)
    if demand is not None:
        work = partial(found_for, services, demand, [kind.name for kind in chosen], day)
        answer = await services.engine_threads.run(work)
    shown = await show(request, await kinds_table(request))
    return render(
        request, "kinds/kinds.html", title="资源库", active="kinds", shown=shown, answer=answer, supply=supply,
        chosen={kind.name for kind in chosen}, text=text, day=day, demand=demand if demand_id else None,
    )  # fmt: skip


async def beside_matches(request: Request) -> Response:
    """Show the best of the kinds beside achievements for a demand; of kinds without records, or good ones, nothing."""
    services, wanted = services_of(request), request.query_params.get("demand", "")
    demand = await services.in_store(lambda store: store.demand(wanted))
    counts = await services.in_store(lambda store: store.kinds.counts())
    supply = services.kinds.kinds.of_role(Role.SUPPLY)
    names = [kind.name for kind in supply if not kind.own_table and counts.get(kind.name)]
    answer = None
    if names and services.holder.live is not None:
        work = partial(found_for, services, demand, names, china_today(), BESIDE)
        answer = await services.engine_threads.run(work)
    return render(
        request, "kinds/beside.html", title="其他资源", active="browse", demand=demand,
        kinds=[kind for kind in answer.kinds if kind.items] if answer else [],
    )  # fmt: skip


def found_for(services: Services, demand: Demand, names: list[str], day: date, top: int = SHOWN) -> KindsAnswer:
    """Return the best records of some kinds for a demand, without withheld ones."""
    live = services.live()
    index = services.kinds.index(live.engine, services.access.store())
    wanted = dict.fromkeys(names[:8], top)
    return recommend_kinds(live.engine, index, demand, KindsQuery(wanted, day, withheld=services.withheld.ids))


async def records_page(request: Request) -> Response:
    """Show the records of a kind."""
    table = await records_table(request)
    return render(request, "kinds/records.html", title=table.title, active="kinds", shown=await show(request, table))


async def record_page(request: Request) -> Response:
    """Show one record with all its fields."""
    kind = declared(request, request.query_params.get("kind", ""))
    wanted = request.query_params.get("id", "")
    if kind.name in _PAGES:
        return see_other(request, _PAGES[kind.name], id=wanted)
    record = await services_of(request).in_store(lambda store: store.kinds.get(kind.name, wanted))
    own = [
        (field.label, field.unit, cell_of(field, record.attributes.get(field.name)), field.type is FieldType.TEXT)
        for field in kind.fields
    ]
    return render(
        request, "kinds/record.html", title=record.title, active="kinds", kind=kind, record=record, own=own,
        offered=record.offered(china_today(), kind),
    )  # fmt: skip


PAGES = (
    Page("/kinds", kinds_page),
    Page("/kinds/beside", beside_matches),
    Page("/kinds/records", records_page),
    Page("/kinds/record", record_page),
)
TABLES = (TableSpec("kinds", kinds_table), TableSpec("records_of_kind", records_table))
