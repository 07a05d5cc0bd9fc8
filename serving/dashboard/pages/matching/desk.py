"""匹配 in three panes: demands to work on, what is recommended for one of them, and one pair with all that can be done."""

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from data.dates import CHINA_STANDARD_TIME
from data.errors import InputError
from data.store.database import translated_errors
from data.store.store import Store
from data.store.tables import achievements as achievement_rows
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.figures.matching.worklist import (
    SHOWABLE,
    SORTS,
    VIEWS,
    columns_of,
    conditions,
    mistakes,
    offered,
    toggled,
)
from serving.dashboard.page import Page, field, operator_of, see_other
from serving.dashboard.pages.browse import list_of, pair_of
from serving.dashboard.pages.records import SPECS, listed_demands
from serving.dashboard.rendering import render
from serving.dashboard.tables import Table, TableSpec, show
from serving.runtime.services import services_of

FILTERS = ("field", "region", "budget", "until")
DEFAULT_SORT = "-published_at"
VIEW_PARTS = ("view", *FILTERS, "worklist_find", "worklist_sort", "worklist_beside")


async def page(request: Request) -> Response:
    """Show the demands, the list of the chosen one or else of the first, and the pair with a chosen achievement."""
    asked, services, who = request.query_params, services_of(request), operator_of(request)
    table = await worklist_table(request)
    shown = await show(request, table)
    fields, provinces = await services.in_store(offered)
    counts = await services.in_store(lambda store: store.counts())
    listed: dict[str, Any] | None = None
    pair: dict[str, Any] | None = None
    first = shown.rows[0]["id"] if shown.rows and services.holder.live is not None else ""
    if chosen := asked.get("demand") or first:
        record = await services.in_store(lambda store: store.demand(chosen))
        listed = await list_of(request, record)
        if asked.get("demand") and asked.get("achievement"):
            sought = await services.in_store(partial(achievement_named, name=asked["achievement"]))
            pair = await pair_of(request, chosen, sought)
    today = utc_now().astimezone(CHINA_STANDARD_TIME).date()
    days = {row["id"]: (row["deadline"] - today).days for row in shown.rows if row["deadline"] is not None}
    view, columns = asked.get("view", "open"), columns_of(asked)
    saved = await services.in_store(lambda store: store.saved_views.of(who.name, "browse"))
    here = view_query(request)
    return render(
        request,
        "desk.html",
        title=listed["record"].title if listed and asked.get("demand") else "匹配",
        active="browse",
        views=VIEWS,
        view=view if view in VIEWS else "open",
        sorts=SORTS,
        showable=SHOWABLE,
        columns=columns,
        choices={name: toggled(columns, name) for name in SHOWABLE},
        saved=saved,
        here=here,
        sorting=("-" if shown.view.descending else "") + shown.view.sort,
        mistakes=mistakes(asked),
        narrowed=sum(bool(asked.get(name)) for name in FILTERS),
        all_fields=fields,
        provinces=provinces,
        shown=shown,
        days=days,
        empty=not counts.demands,
        list=listed,
        pair=pair,
        level="pair" if pair else "demand" if asked.get("demand") else "start",
        judged=next((one.level for one in pair["reviews"] if one.reviewer == who.name), None) if pair else None,
    )


def achievement_named(store: Store, name: str) -> str:
    """Return the id of the achievement of that id, else of one whose title holds the words; the name itself if none does."""
    columns = achievement_rows.c
    by_title = columns.title.icontains(name.strip(), autoescape=True)
    query = sa.select(columns.id).where(~columns.deleted, (columns.id == name) | by_title)
    first = query.order_by(columns.id != name, sa.func.length(columns.title)).limit(1)
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        return str(connection.execute(first).scalar() or name)


def view_query(request: Request) -> str:
    """Return what of an address makes its view: all but the place in it and what is open."""
    return urlencode([(name, value) for name, value in request.query_params.items() if name in VIEW_PARTS and value])


async def save_view(request: Request) -> Response:
    """Keep the view that is shown under a name of the operator's own; the same name again changes it."""
    who, name = operator_of(request), field(request, "name").strip()
    query = urlencode([(key, value) for key, value in parse_qsl(field(request, "query")) if key in VIEW_PARTS])
    if not name:
        raise InputError("请给视图起个名字。")
    await services_of(request).in_store(lambda store: store.saved_views.keep(who.name, "browse", name, query))
    return see_other(request, "/browse", **{**dict(parse_qsl(query)), "notice": "view_saved"})


async def drop_view(request: Request) -> Response:
    """Forget a view of the operator's own."""
    who, name = operator_of(request), field(request, "name")
    await services_of(request).in_store(lambda store: store.saved_views.drop(who.name, "browse", name))
    return see_other(request, "/browse", notice="view_dropped")


async def worklist_table(request: Request) -> Table:
    """Return the demands that the address asks for."""
    who = operator_of(request)

    def build(store: Store) -> Table:
        wanted = conditions(store, request.query_params, who.name, utc_now())
        return replace(listed_demands("worklist", store.engine, wanted), sort=DEFAULT_SORT.removeprefix("-"))

    return await services_of(request).in_store(build)


async def achievements(request: Request) -> Response:
    """Offer the achievements to start from."""
    shown = await show(request, await SPECS["achievements"].build(request))
    return render(request, "start_achievements.html", title="从成果开始", active="browse", shown=shown)


PAGES = (
    Page("/browse", page),
    Page("/browse/achievements", achievements),
    Page("/browse/views/save", save_view, post=True),
    Page("/browse/views/drop", drop_view, post=True),
)
TABLES = (TableSpec("worklist", worklist_table),)
