"""What is recommended for a demand, an achievement or a text, and why; one pair; two models side by side."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.clocks import china_today
from data.errors import InputError, NotFoundError
from data.records import MAX_TEXT, UNSTORED, Achievement, Demand, UnstoredAchievement
from data.store.store import Store
from data.work.match_state import Action, MatchWork
from knowledge_graph.reading.paths import Path
from matcher.bundle import all_bundles as manifests
from matcher.collection.filters import OPEN_STATUSES, Filters
from matcher.engine import Engine
from matcher.recommendation import Match, Recommendation
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.figures.evidence import draw, highlighted, marks_of
from serving.dashboard.figures.matching.card import Card, cards_of, levels_of
from serving.dashboard.figures.matching.position import position_of
from serving.dashboard.figures.models import engine_of
from serving.dashboard.page import Page, field, see_other
from serving.dashboard.pages.records import SPECS
from serving.dashboard.rendering import render
from serving.dashboard.tables import TableSpec, show
from serving.runtime.services import Services, services_of

TOPS = (10, 20, 50)
MAX_PATHS = 4
SIDES = ("demands", "achievements")
MISTAKE = "筛选条件无法理解，以下未筛选：价格须为数字，地区须为行政区划代码（如 41 或 410100）。"


async def demand(request: Request) -> Response:
    """Show what is recommended for a stored demand."""
    services, wanted = services_of(request), request.query_params.get("id", "")
    record = await services.in_store(lambda store: store.demand(wanted))
    return await _list(request, record, "/browse/demand")


async def achievement(request: Request) -> Response:
    """Show the demands that a stored achievement answers."""
    services, wanted = services_of(request), request.query_params.get("id", "")
    record = await services.in_store(lambda store: store.achievement(wanted))
    return await _list(request, record, "/browse/achievement")


async def keep_text(request: Request) -> Response:
    """Keep a text that was pasted and show its list, at an address that can be shared and opened again."""
    asked_text, side = field(request, "text").strip(), field(request, "side")
    if not asked_text or len(asked_text) > MAX_TEXT:
        raise InputError(f"the text has {len(asked_text)} characters; it must be 1 to {MAX_TEXT}")
    side = side if side in SIDES else SIDES[0]
    name = await services_of(request).in_store(lambda store: store.asked_texts.keep(asked_text, side, utc_now()))
    return see_other(request, "/browse/text", id=name)


async def text(request: Request) -> Response:
    """Show what is recommended for a text that was pasted."""
    name = request.query_params.get("id", "")
    asked_text, side = await services_of(request).in_store(lambda store: store.asked_texts.read(name))
    return await _list(request, record_of_text(asked_text, side), "")


def record_of_text(asked_text: str, side: str) -> Demand | Achievement:
    """Return the record that a pasted text states."""
    wanted = Demand.of_text(asked_text)
    if side == "achievements":
        return UnstoredAchievement(title=wanted.title, content=wanted.content)
    return wanted


async def _list(request: Request, record: Demand | Achievement, path: str) -> Response:
    listed = await list_of(request, record)
    return render(request, "ranked.html", title=record.title, active="browse", path=path, **listed)


async def list_of(request: Request, record: Demand | Achievement) -> dict[str, Any]:
    """Return what a list shows: the answer to a record, its cards, the work on its matches, the filters."""
    services = services_of(request)
    live = services.live()
    asked = Asked.of(request)
    others = "achievement" if isinstance(record, Demand) else "demand"
    asked = replace(asked, filters=services.withheld.left_out(asked.filters, others))
    answer = await services.engine_threads.run(partial(recommend, live.engine, record, asked))
    stored = record.record_id != UNSTORED
    work: dict[str, MatchWork] = {}
    if stored and isinstance(record, Demand):
        known = await services.in_store(lambda store: store.matches.of_demand(record.record_id))
        work = {item.id: known.get(item.id) or MatchWork(record.record_id, item.id) for item in answer.items}
    pairs = await services.in_store(partial(_pairs, record=record, items=answer.items))
    return {
        "record": record,
        "is_demand": isinstance(record, Demand),
        "stored": stored,
        "work": work,
        "answer": answer,
        "cards": cards_of(answer.items, pairs, levels_of(live.engine)),
        "strongest": strongest_weight(answer.items),
        "versions": [manifest.version for manifest in manifests(services.settings.bundles)],
        "filters": asked,
        "fields": sorted({*map(str, set(_cards_of(live.engine, record).fields.tolist()))} - {""}),
    }


def _pairs(store: Store, record: Demand | Achievement, items: list[Match]) -> list[tuple[Demand, Achievement] | None]:
    """Return the records of each match of a list, None where one was deleted since."""
    found: list[tuple[Demand, Achievement] | None] = []
    for item in items:
        try:
            pair = (
                (record, store.achievement(item.id)) if isinstance(record, Demand) else (store.demand(item.id), record)
            )
        except NotFoundError:
            found.append(None)
        else:
            found.append(pair)
    return found


@dataclass(frozen=True)
class Asked:
    """What the filters of a list say."""

    filters: Filters
    top: int
    field: str = ""
    region: str = ""
    budget: str = ""
    trl: str = ""
    closed: bool = False
    mistake: str = ""

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Read the address; where it cannot be meant nothing is filtered, and `mistake` says so."""
        asked = request.query_params
        names = ("field", "region", "budget", "trl")
        given = {name: asked.get(name, "").strip() for name in names}
        closed = asked.get("closed", "") == "1"
        top = int(asked["top"]) if asked.get("top", "") in map(str, TOPS) else TOPS[0]
        try:
            filters = Filters(
                fields=(given["field"],) if given["field"] else (),
                regions=(given["region"].ljust(6, "0"),) if given["region"] else (),
                budget=float(given["budget"]) if given["budget"] else None,
                trl_at_least=int(given["trl"]) if given["trl"] else None,
                statuses=() if closed else OPEN_STATUSES,
            )
        except (ValidationError, ValueError):
            unfiltered = Filters(statuses=() if closed else OPEN_STATUSES)
            return cls(unfiltered, top, closed=closed, mistake=MISTAKE, **given)
        return cls(filters, top, closed=closed, **given)


def recommend(engine: Engine, record: Demand | Achievement, asked: Asked) -> Recommendation:
    """Return the ranked list for a record of either side, with all reasons."""
    if isinstance(record, Demand):
        return engine.recommend_achievements(
            record, top=asked.top, filters=asked.filters.on(china_today()), explain=True
        )
    return engine.recommend_demands(record, top=asked.top, filters=asked.filters.on(china_today()), explain=True)


def strongest_weight(items: list[Match]) -> float:
    """Return the greatest absolute contribution of any reason: bars are drawn in proportion to it."""
    return max((abs(reason.weight) for item in items for reason in item.reasons), default=1.0) or 1.0


def _cards_of(engine: Engine, record: Demand | Achievement) -> Any:
    """Return the cards of the other side, from which a list for `record` is made."""
    side = engine.model.achievements if isinstance(record, Demand) else engine.model.demands
    return side.base.cards


async def pair(request: Request) -> Response:
    """Show everything known of one pair; as a fragment, only the evidence."""
    wanted = request.query_params.get("demand", ""), request.query_params.get("achievement", "")
    if "x-fragment" in request.headers:
        services = services_of(request)
        sought, offered = await services.in_store(partial(_pair, wanted=wanted))
        evidence = await services.engine_threads.run(partial(evidence_of, services.live().engine, sought, offered))
        return render(request, "evidence.html", **evidence)
    known = await pair_of(request, *wanted)
    shown = await show(request, await SPECS["events"].build(request))
    title = f"{known['demand'].title} × {known['achievement'].title}"
    return render(request, "pair.html", title=title, active="browse", shown=shown, **known)


async def pair_of(request: Request, demand_id: str, achievement_id: str) -> dict[str, Any]:
    """Return what is known of a pair: card, evidence, work and its history, judgements."""
    services, wanted = services_of(request), (demand_id, achievement_id)
    sought, offered = await services.in_store(partial(_pair, wanted=wanted))
    live = services.live()
    evidence = await services.engine_threads.run(partial(evidence_of, live.engine, sought, offered))
    found = await services.in_store(lambda store: store.reviews.all(*wanted))
    work, history = await services.in_store(partial(_work, wanted=wanted))
    others = services.withheld.offered("achievement")
    position = await services.engine_threads.run(partial(position_of, live.engine, sought, offered, others))
    return {
        "position": position,
        "demand": sought,
        "achievement": offered,
        "reviews": found,
        "work": work,
        "history": history,
        "version": live.manifest.version,
        **evidence,
    }


def evidence_of(engine: Engine, sought: Demand, offered: Achievement) -> dict[str, Any]:
    """Return what a pair's page shows of its match: reasons, marked texts, the drawing of its paths."""
    match = engine.match(sought, offered)
    paths = paths_of(engine, sought, offered)
    marks = marks_of(match, paths)
    card: Card = cards_of([match], [(sought, offered)], levels_of(engine))[0]
    return {
        "match": match,
        "card": card,
        "strongest": strongest_weight([match]),
        "paths": paths,
        "drawing": draw(paths),
        "demand_texts": _texts(
            ("", sought.title), ("需求内容", sought.content), ("考核指标", sought.kpis), marks=marks.demand
        ),
        "achievement_texts": _texts(
            ("", offered.title),
            ("成果简介", offered.content),
            ("技术指标", offered.indicators),
            marks=marks.achievement,
        ),
    }


def paths_of(engine: Engine, sought: Demand, offered: Achievement) -> list[Path]:
    """Return the strongest paths between two records as they are now, none without a graph."""
    return engine.paths(sought, offered, MAX_PATHS)


def _texts(*parts: tuple[str, str], marks: tuple[tuple[str, str], ...]) -> list[tuple[str, Any]]:
    return [(name, highlighted(asked_text, marks)) for name, asked_text in parts if asked_text]


def _pair(store: Store, wanted: tuple[str, str]) -> tuple[Demand, Achievement]:
    return store.demand(wanted[0]), store.achievement(wanted[1])


def _work(store: Store, wanted: tuple[str, str]) -> tuple[MatchWork, list[Action]]:
    return store.matches.work(*wanted), store.matches.history(*wanted)


async def compare(request: Request) -> Response:
    """Show the lists of two models for the same demand side by side."""
    services, asked = services_of(request), request.query_params
    record = await services.in_store(lambda store: store.demand(asked.get("id", "")))
    known = [manifest.version for manifest in manifests(services.settings.bundles)]
    serving = services.live().manifest.version
    left = asked.get("left") or serving
    right = asked.get("right") or next((version for version in known if version != left), left)
    for version in (left, right):
        if version not in known:
            raise HTTPException(404, f"没有版本 {version}。")
    lists = await services.engine_threads.run(partial(_compare, services, record, (left, right)))
    return render(
        request,
        "compare.html",
        title=f"两个模型对比：{record.title}",
        active="browse",
        record=record,
        left=left,
        right=right,
        serving=serving,
        versions=known,
        lists=lists,
    )


def _compare(services: Services, record: Demand, versions: tuple[str, str]) -> list[dict[str, Any]]:
    """Return for both models the list, with each item's place and probability in the other's."""
    offered = services.withheld.offered("achievement")
    asked, wider = Asked(offered, TOPS[0]), Asked(offered, TOPS[-1])
    answers = [recommend_plain(engine_of(services, version), record, wider) for version in versions]
    places = [{item.id: item for item in answer.items} for answer in answers]
    return [
        {
            "answer": answers[number],
            "items": [(item, places[1 - number].get(item.id)) for item in answers[number].items[: asked.top]],
        }
        for number in (0, 1)
    ]


def recommend_plain(engine: Engine, record: Demand, asked: Asked) -> Recommendation:
    """Return a demand's list without reasons."""
    return engine.recommend_achievements(record, top=asked.top, filters=asked.filters.on(china_today()))


PAGES = (
    Page("/browse/demand", demand),
    Page("/browse/achievement", achievement),
    Page("/browse/text", text),
    Page("/browse/text", keep_text, post=True),
    Page("/browse/pair", pair),
    Page("/browse/compare", compare),
)
TABLES: tuple[TableSpec, ...] = ()
