"""查找: anything by name or number, from every page."""

from functools import partial
from typing import Any

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from data.store.database import translated_errors
from data.store.store import Store
from data.store.tables import achievements, demands
from serving.dashboard.page import Page, operator_of
from serving.dashboard.rendering import MENU, render
from serving.dashboard.tables import MAX_FIND, TableSpec
from serving.runtime.services import services_of

SHOWN = 6  # of each sort


async def page(request: Request) -> Response:
    """Show the pages, demands, achievements and firms or holders whose name or number holds what was typed."""
    wanted = request.query_params.get("q", "").strip()[:MAX_FIND]
    who = operator_of(request)
    pages = [entry for entry in MENU if wanted and wanted in entry[1] and who.role.covers(entry[3])]
    nothing: dict[str, list[Any]] = {"demands": [], "achievements": [], "holders": []}
    found = await services_of(request).in_store(partial(_records, wanted=wanted)) if wanted else nothing
    return render(
        request,
        "find.html",
        title="查找",
        wanted=wanted,
        pages=pages,
        demands=found["demands"],
        achievements=found["achievements"],
        holders=found["holders"],
    )


def _records(store: Store, wanted: str) -> dict[str, list[Any]]:
    def like(*columns: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        return sa.or_(*(column.icontains(wanted, autoescape=True) for column in columns))

    queries = {
        "demands": sa.select(demands.c.id, demands.c.title, demands.c.enterprise.label("owner")).where(
            ~demands.c.deleted, like(demands.c.id, demands.c.title, demands.c.enterprise)
        ),
        "achievements": sa.select(achievements.c.id, achievements.c.title, achievements.c.holder.label("owner")).where(
            ~achievements.c.deleted, like(achievements.c.id, achievements.c.title)
        ),
        "holders": sa.select(achievements.c.holder.label("owner"), sa.func.count().label("number"))
        .where(~achievements.c.deleted, like(achievements.c.holder))
        .group_by(achievements.c.holder)
        .order_by(sa.func.count().desc()),
    }
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        return {name: list(connection.execute(query.limit(SHOWN)).mappings()) for name, query in queries.items()}


PAGES = (Page("/find", page),)
TABLES: tuple[TableSpec, ...] = ()
