"""审核队列: pairs that teach most, judged by keyboard; judgements become events that training uses."""

import secrets
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import Response

from data.errors import BundleError, InputError, NotFoundError
from data.store.judging import UNDO, submit
from data.store.keys import AuditEntry
from data.store.reviews import MAX_NOTE, SECOND_OPINION, STRATA, QueuedPair, Review
from data.store.store import Store
from matcher.bundle import all_bundles as manifests
from matcher.opinions.second import judged_pairs, opinions
from serving.dashboard import wording
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import SignedIn, utc_now
from serving.dashboard.figures.models import engine_of
from serving.dashboard.figures.review import agreement, choose, model_agreement
from serving.dashboard.page import Page, field, fields, operator_of, see_other
from serving.dashboard.pages.browse import evidence_of
from serving.dashboard.pages.records import pair_link
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Table, TableSpec, show
from serving.runtime.services import Services, services_of

MAX_SECONDS = 3600.0
MODEL_LEVEL = "大模型读两边文字后给的等级，只在有人判断之后显示，不进入训练。"
# One letter each, none of which is used for anything else on the page.
REASON_KEYS = dict(zip(wording.REVIEW_REASONS, "qwertasdfgh", strict=True))

log = structlog.get_logger("gongxu.dashboard")


async def page(request: Request) -> Response:
    """Show the next pair, how many wait, and how far judges agree."""
    services, who = services_of(request), operator_of(request)
    stratum = request.query_params.get("stratum", "")
    stratum = stratum if stratum in (*STRATA, SECOND_OPINION) else ""
    skipped = request.query_params.get("skip", "0")
    skip = min(int(skipped), 10_000) if skipped.isdecimal() and len(skipped) < 6 else 0
    model = services.second_opinions.model
    state = await services.in_store(partial(_state, who=who, stratum=stratum, skip=skip, model=model))
    live = services.holder.live
    evidence: dict[str, Any] = {"demand_texts": [], "achievement_texts": []}
    if state["pair"] is not None and live is not None:
        work = partial(evidence_of, live.engine, state["demand"], state["achievement"])
        evidence = await services.engine_threads.run(work)
    return render(
        request,
        "review.html",
        title="审核队列",
        active="review",
        stratum=stratum,
        skip=skip,
        ready=live is not None,
        reason_keys=REASON_KEYS,
        undo_minutes=int(UNDO.total_seconds() // 60),
        demand_texts=evidence["demand_texts"],
        achievement_texts=evidence["achievement_texts"],
        chips=evidence["card"].chips
        if "card" in evidence
        else (),  # facts alone: the model's word would lead the judge
        **state,
        shown=await show(request, await reviews_table(request)),
    )


def _state(store: Store, who: SignedIn, stratum: str, skip: int, model: str) -> dict[str, Any]:
    """Return what the page shows of the store; of a model's opinions their agreement with people, if there is a model."""
    reviews = store.reviews.all()
    twice, kappa = agreement(reviews)
    given = opinions(store, model, judged_pairs(reviews)) if model else []
    mine = [review for review in reviews if review.reviewer == who.name]
    state: dict[str, Any] = {
        "waiting": store.reviews.waiting()
        | {SECOND_OPINION: len(store.reviews.next_pairs(who.name, 1000, SECOND_OPINION))},
        "twice": twice,
        "kappa": kappa,
        "model": model,
        "model_agreement": model_agreement(given),
        "mine": len(mine),
        "mine_pending": sum(review.event_id is None for review in mine),
        "everybody": len(reviews),
        "pair": None,
        "demand": None,
        "achievement": None,
    }
    for pair in store.reviews.next_pairs(who.name, skip + 20, stratum)[skip:]:
        try:
            return state | {
                "pair": pair,
                "demand": store.demand(pair.demand_id),
                "achievement": store.achievement(pair.achievement_id),
            }
        except NotFoundError:
            store.reviews.drop(pair.demand_id, pair.achievement_id)  # deleted since it was queued
    return state


async def judge(request: Request) -> Response:
    """Store a judgement and go on to the next pair."""
    who, services = operator_of(request), services_of(request)
    level = field(request, "level")
    if level not in ("1", "2", "3", "4"):
        raise InputError(f"level {level!r} is none of 1, 2, 3, 4")
    try:
        seconds = min(MAX_SECONDS, max(0.0, float(field(request, "seconds") or 0)))
    except ValueError:
        seconds = 0.0
    pair = field(request, "demand"), field(request, "achievement")
    stratum = field(request, "stratum")
    given = Review(
        *pair,
        reviewer=who.name,
        level=int(level),
        reasons=tuple(dict.fromkeys(fields(request, "reason"))),
        note=field(request, "note").strip()[:MAX_NOTE],
        stratum=SECOND_OPINION,
        probability=None,
        bundle_version="",
        seconds=seconds,
        reviewed_at=utc_now(),
    )
    await services.in_store(partial(_judge, given=given, who=who, request_id=request.state.request_id))
    if query := field(request, "query"):
        return see_other(request, "/browse", **{**dict(parse_qsl(query[1:])), "notice": "judged"})
    return see_other(request, "/review", stratum=stratum if stratum in wording.STRATUM_NAMES else "")


def _judge(store: Store, given: Review, who: SignedIn, request_id: str) -> None:
    store.demand(given.demand_id)
    store.achievement(given.achievement_id)
    queued = store.reviews.queued(given.demand_id, given.achievement_id)
    if queued is not None:
        values = {"stratum": queued.stratum, "probability": queued.probability, "bundle_version": queued.bundle_version}
        given = Review(**(vars(given) | values))
    store.reviews.judge(given)
    subject = f"{given.demand_id} × {given.achievement_id}: {given.level} {','.join(given.reasons)}"[:500]
    store.api_keys.note(AuditEntry(given.reviewed_at, who.actor, "reviews.judge", subject, request_id))


async def ask_model(request: Request) -> Response:
    """Have the chat model level judged pairs, in the background."""
    who, services = operator_of(request), services_of(request)
    began = services.second_opinions.ask()
    if began:
        entry = AuditEntry(
            utc_now(), who.actor, "reviews.opinions", services.second_opinions.model, request.state.request_id
        )
        await services.in_store(lambda store: store.api_keys.note(entry))
    return see_other(request, "/review", notice="levelling" if began else "nothing")


async def undo(request: Request) -> Response:
    """Take the latest judgement back."""
    who, services = operator_of(request), services_of(request)
    work = partial(_undo, who=who, now=utc_now(), request_id=request.state.request_id)
    done = await services.in_store(work)
    return see_other(request, "/review", notice="undone" if done else "nothing", stratum=field(request, "stratum"))


def _undo(store: Store, who: SignedIn, now: datetime, request_id: str) -> bool:
    try:
        review = store.reviews.undo(who.name, now)
    except NotFoundError:
        return False
    subject = f"{review.demand_id} × {review.achievement_id}: {review.level}"
    store.api_keys.note(AuditEntry(now, who.actor, "reviews.undo", subject, request_id))
    return True


async def submit_mine(request: Request) -> Response:
    """Make the operator's judgements events now."""
    who, services = operator_of(request), services_of(request)
    now, request_id = utc_now(), request.state.request_id

    def work(store: Store) -> int:
        number = submit(store, now, who.name)
        if number:
            store.api_keys.note(AuditEntry(now, who.actor, "reviews.submit", f"{number}", request_id))
        return number

    number = await services.in_store(work)
    return see_other(request, "/review", notice="submitted" if number else "nothing")


async def fill(request: Request) -> Response:
    """Put more pairs into the queue."""
    who, services = operator_of(request), services_of(request)
    now, request_id = utc_now(), request.state.request_id
    pairs = await services.engine_threads.run(partial(_choose, services))

    def work(store: Store) -> int:
        number = store.reviews.queue(pairs, now)
        store.api_keys.note(AuditEntry(now, who.actor, "reviews.fill", f"{number}", request_id))
        return number

    number = await services.in_store(work)
    return see_other(request, "/review", notice="filled" if number else "nothing")


def _choose(services: Services) -> list[QueuedPair]:
    engine = services.live().engine
    other = None
    for manifest in manifests(services.settings.bundles):
        if manifest.version != engine.model.version and manifest.feature_names:
            try:
                other = engine_of(services, manifest.version)
            except BundleError as error:
                log.warning("no second model for the review queue", reason=str(error))
            break
    offered = services.withheld.offered("achievement")
    return choose(services.access.store(), engine, other, secrets.randbits(32), offered)


async def reviews_table(request: Request) -> Table:
    """Return the table of all judgements."""
    services = services_of(request)
    model = services.second_opinions.model
    found, levels = await services.in_store(partial(_judgements, model=model))
    rows = [
        {
            "number": review.number,
            "at": review.reviewed_at,
            "reviewer": review.reviewer,
            "demand_id": review.demand_id,
            "achievement_id": review.achievement_id,
            "level": wording.LEVEL_NAMES[review.level],
            "reasons": "、".join(wording.REVIEW_REASONS[reason] for reason in review.reasons),
            "note": review.note,
            "stratum": review.stratum,
            "seconds": review.seconds,
            "state": "已成为事件" if review.event_id else "可撤销",
            "model_level": wording.LEVEL_NAMES.get(levels.get((review.demand_id, review.achievement_id), 0), ""),
        }
        for review in found
    ]
    return Table(
        "reviews",
        "判断记录",
        (
            Column("number", "序号", "number", "判断按先后编号。", own=True),
            Column("at", "时间", "moment"),
            Column("reviewer", "审核人"),
            Column("demand_id", "需求", link=pair_link),
            Column("achievement_id", "成果", link=pair_link),
            Column("level", "判断"),
            Column("reasons", "理由"),
            Column("note", "备注"),
            Column("stratum", "入选原因", "say"),
            Column("seconds", "用时（秒）", "number", "从页面打开到按下判断键。", own=True),
            Column("state", "状态", hint="判断在十分钟内可撤销，之后（或点“立即提交”）成为训练使用的评分事件。"),
            *((Column("model_level", "模型评级（AI 生成）", hint=MODEL_LEVEL),) if model else ()),
        ),
        MemoryRows(rows),
        find=("reviewer", "demand_id", "achievement_id", "note"),
        sort="number",
        empty="还没有判断。",
    )


def _judgements(store: Store, model: str) -> tuple[list[Review], dict[tuple[str, str], int]]:
    """Return the judgements in force, and a model's levels of their pairs."""
    found = store.reviews.all()
    given = opinions(store, model, judged_pairs(found)) if model else []
    return found, {one.pair: one.model.level for one in given}


PAGES = (
    Page("/review", page, Role.REVIEWER),
    Page("/review/opinions", ask_model, Role.REVIEWER, post=True),
    Page("/review/judge", judge, Role.REVIEWER, post=True),
    Page("/review/undo", undo, Role.REVIEWER, post=True),
    Page("/review/submit", submit_mine, Role.REVIEWER, post=True),
    Page("/review/fill", fill, Role.REVIEWER, post=True),
)
TABLES = (TableSpec("reviews", reviews_table, Role.REVIEWER),)
