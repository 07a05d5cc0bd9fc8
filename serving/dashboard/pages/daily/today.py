"""今日待办: what waits for an operator, and the matches that nobody has acted on yet."""

from datetime import date
from functools import partial
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from data.dates import CHINA_STANDARD_TIME
from data.errors import NotFoundError
from data.store.store import Store
from data.work.match_state import MatchWork
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.recommendation import Match
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.figures.today import queues
from serving.dashboard.page import Page, operator_of
from serving.dashboard.rendering import render
from serving.dashboard.tables import TableSpec
from serving.runtime.services import services_of

ASKED = 24  # open demands, the newest ones, whose best match is looked up for the page
SHOWN = 8


async def page(request: Request) -> Response:
    """Show the queues; the new matches come after, as the engine has to be asked."""
    who, services = operator_of(request), services_of(request)
    found, counts = await services.in_store(lambda store: (queues(store, who.name, utc_now()), store.counts()))
    empty = not counts.achievements and not counts.demands
    return render(request, "today.html", title="今日待办", active="today", queues=found, empty=empty, today=utc_now())


async def new_matches(request: Request) -> Response:
    """Show the good matches of the newest open demands that nobody has acted on."""
    services = services_of(request)
    live = services.holder.live
    today = utc_now().astimezone(CHINA_STANDARD_TIME).date()
    found: list[dict[str, Any]] = []
    if live is not None:
        offered = services.withheld.offered("achievement")
        work = partial(untouched, live.engine, services.access.store(), today, offered)
        found = await services.engine_threads.run(work)
    published = [one["demand"].published_at for one in found if one["demand"].published_at is not None]
    return render(
        request,
        "today_matches.html",
        title="新的好匹配",
        active="today",
        found=found[:SHOWN],
        number=len(found),
        oldest=(today - min(published)).days if published else None,
        asked=ASKED,
        ready=live is not None,
    )


def untouched(engine: Engine, store: Store, today: date, offered: Filters | None = None) -> list[dict[str, Any]]:
    """Return demands with their best match, where that is good enough to be shown as an answer and nobody acted on it.

    `offered` leaves out achievements that are withheld.
    """
    cards = engine.model.demands.base.cards
    open_rows = np.flatnonzero(Filters().allowed(cards))
    newest = open_rows[np.argsort(-np.nan_to_num(cards.published[open_rows], nan=-np.inf), kind="stable")][:ASKED]
    found: list[dict[str, Any]] = []
    for row in newest.tolist():
        try:
            demand = store.demand(cards.ids[row])
        except NotFoundError:
            continue
        if demand.deadline is not None and demand.deadline < today:
            continue
        answer = engine.recommend_achievements(demand, top=3, filters=offered)
        if not answer.answered or not answer.items:
            continue
        work: dict[str, MatchWork] = store.matches.of_demand(demand.demand_id)
        fresh: list[Match] = [item for item in answer.items if item.id not in work]
        if fresh:
            found.append({"demand": demand, "match": fresh[0]})
    return found


PAGES = (Page("/", page), Page("/today/matches", new_matches))
TABLES: tuple[TableSpec, ...] = ()
