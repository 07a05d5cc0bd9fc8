"""What to ask a firm about a vague demand: the question worth most, the firm's answer, and how the list changes by it."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from data.errors import InputError
from data.records import STORED, Demand
from data.store.clarifications import FILLED, Clarification, clarified
from data.store.database import translated_errors
from data.store.keys import AuditEntry
from data.store.store import Store
from data.store.tables import demands
from matcher.clarification.answers import MAX_ANSWER, UNCLEAR, clarification
from matcher.clarification.ask import ask, best_ids
from matcher.clarification.completeness import completeness, completeness_path, load_weights
from matcher.clarification.questions import Question
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.loading import stored_achievements
from matcher.recommendation import Match
from matcher.rescoring import candidate_pool, require_scorer
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import SignedIn
from serving.dashboard.page import Page, field, operator_of, see_other
from serving.dashboard.rendering import region, render
from serving.dashboard.tables import TableSpec
from serving.runtime.services import services_of

QUESTIONS = 3  # shown at once
FIELD_NAMES = {
    "region": "地区",
    "budget_max": "预算上限（万元）",
    "trl_min": "最低成熟度",
    "cooperation_modes": "合作方式",
    "deadline": "截止日期",
    "keywords": "关键词",
}


async def page(request: Request) -> Response:
    """Show what a demand lacks and what the firm answered; questions and lists come after the page."""
    services = services_of(request)
    demand, _, answers = await services.in_store(partial(_known, demand_id=request.query_params.get("id", "")))
    live = services.holder.live
    weights = load_weights(completeness_path(services.settings))
    work = partial(completeness, demand, live.engine.model.graph if live else None, weights)
    return render(
        request,
        "clarify.html",
        title=f"问企业什么：{demand.title}",
        active="health",
        demand=demand,
        judged=await services.engine_threads.run(work),
        answers=[(answer, _changes(answer)) for answer in reversed(answers)],
        ready=live is not None,
    )


async def questions_part(request: Request) -> Response:
    """Show the questions whose answers would change a demand's list most, with answers to click or to enter."""
    services = services_of(request)
    demand, _, answers = await services.in_store(partial(_known, demand_id=request.query_params.get("id", "")))
    questions, failure = await _questions(request, services.live().engine, demand, answers)
    return render(
        request,
        "clarify_questions.html",
        title="问企业什么",
        active="health",
        demand=demand,
        questions=questions,
        failure=failure,
        unclear=UNCLEAR,
        longest=MAX_ANSWER,
    )


async def list_part(request: Request) -> Response:
    """Show a demand's list as it is now beside the one before the last answer."""
    services = services_of(request)
    demand, written, answers = await services.in_store(partial(_known, demand_id=request.query_params.get("id", "")))
    before = clarified(written, answers[:-1]) if answers else None
    work = partial(_changed, services.live().engine, demand, before, services.withheld.offered("achievement"))
    return render(
        request,
        "clarify_list.html",
        title="推荐列表",
        active="health",
        demand=demand,
        rows=await services.engine_threads.run(work),
        last=answers[-1] if answers else None,
    )


async def _questions(
    request: Request, engine: Engine, demand: Demand, answers: list[Clarification]
) -> tuple[list[Question], str]:
    """Return the questions worth most; or none, and why there are none."""
    services = services_of(request)
    try:
        require_scorer(engine)
        pool = await services.engine_threads.run(partial(candidate_pool, engine, demand))
        records = await services.in_store(partial(stored_achievements, ids=best_ids(pool)))
        work = partial(ask, engine, demand, records, answers, pool)
        return (await services.engine_threads.run(work))[:QUESTIONS], ""
    except InputError:
        return [], "问题按排序模型对候选成果的判断来选：模型包里没有排序模型，或这条需求没有可用的文字。"


async def answer(request: Request) -> Response:
    """Keep the firm's answer: it fills the demand's structured part, whose texts stay as written."""
    services, who = services_of(request), operator_of(request)
    wanted, question = field(request, "id"), field(request, "question")
    answer_text = field(request, "answer").strip()
    demand = await services.in_store(lambda store: store.demand(wanted))
    if not answer_text:
        raise InputError("请点选一个回答，或填写企业的原话。")
    kept = clarification(demand, question, answer_text, who.actor, datetime.now(UTC))
    kept = kept.model_copy(update={"request_id": request.state.request_id})
    await services.in_store(partial(_keep, kept=kept, who=who))
    await services.in_store(services.live().catch_up)
    services.written()
    return see_other(request, "/health/ask", id=wanted, notice="answered")


def _known(store: Store, demand_id: str) -> tuple[Demand, Demand, list[Clarification]]:
    """Return a demand as it now reads, as it was written, and what was answered about it."""
    demand = store.demand(demand_id)
    query = sa.select(demands.c.record).where(demands.c.id == demand_id)
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        written = Demand.model_validate_json(connection.execute(query).scalar_one(), context=STORED)
    return demand, written, store.clarifications(demand_id)


def _keep(store: Store, kept: Clarification, who: SignedIn) -> None:
    store.clarify(kept)
    subject = f"{kept.demand_id} {kept.question_id}: {kept.answer}"[:500]
    store.api_keys.note(AuditEntry(kept.answered_at, who.actor, "demands.clarify", subject, kept.request_id))


def _changed(
    engine: Engine, demand: Demand, before: Demand | None, offered: Filters
) -> list[tuple[Match | None, Match | None]]:
    """Return the list as it is now beside the one before: (now, before) for each item, those that left at the end."""
    now = engine.recommend_achievements(demand, filters=offered).items
    then = [] if before is None else engine.recommend_achievements(before, filters=offered).items
    earlier = {match.id: match for match in then}
    rows: list[tuple[Match | None, Match | None]] = [(match, earlier.pop(match.id, None)) for match in now]
    return rows + [(None, match) for match in earlier.values()]


def _changes(kept: Clarification) -> list[tuple[str, str]]:
    """Return what an answer fills in: field and value, in words."""
    found: list[tuple[str, str]] = []
    for name in ("keywords", *FILLED):
        value: Any = getattr(kept.changes, name)
        if value not in (None, ()):
            answer_text = (
                "、".join(value) if isinstance(value, tuple) else region(value) if name == "region" else str(value)
            )
            found.append((FIELD_NAMES[name], answer_text))
    return found


PAGES = (
    Page("/health/ask", page),
    Page("/health/ask/questions", questions_part),
    Page("/health/ask/list", list_part),
    Page("/health/answer", answer, Role.REVIEWER, post=True),
)
TABLES: tuple[TableSpec, ...] = ()
