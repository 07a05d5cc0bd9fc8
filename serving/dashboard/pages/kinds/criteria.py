"""条件核准: what the texts of policies and finance products state as criteria, for an operator to approve."""

from dataclasses import replace
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.errors import ModelUnavailableError, NotFoundError
from data.kinds.disclosure import PUBLIC
from data.kinds.record import KindRecord
from data.store.keys import AuditEntry
from data.store.store import Store
from matcher.eligibility.cards import STATED_KINDS, Draft, card_of, draft_of
from matcher.eligibility.kept import document_of, parsed
from matcher.eligibility.model_quotes import ProposedQuotes, ask_quotes, extended
from matcher.eligibility.policy import StatedPolicy
from matcher.eligibility.wording import rule_text
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.page import Page, at_length, field, fields, operator_of, see_other
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.services import Services, services_of
from serving.telemetry.metrics import DEGRADED

MOST = 2_000  # policies and products that the list shows of each kind
STATES = {"open": "待核准", "changed": "原文已变", "approved": "已核准"}


def draft_link(row: Row) -> tuple[str, dict[str, Any]] | None:
    """Lead from a row to its criteria."""
    return "/criteria/policy", {"kind": row["kind"], "id": row["id"]}


async def criteria_table(request: Request) -> Table:
    """Return the table of policies and products with how far their criteria are approved."""
    rows = await at_length(request, _rows)
    columns = (
        Column("id", "编号", link=draft_link),
        Column("title", "名称", "title", link=draft_link),
        Column("label", "种类"),
        Column("state", "状态", hint="原文已变：核准之后，记录的条件原文改过。"),
        Column("criteria", "条件", "number", "从原文读出的条件数；已核准而没有记录的，为核准的条件数。", own=True),
        Column("valid_until", "有效期至", "day"),
    )
    return Table(
        "criteria", "政策与产品", columns, MemoryRows(rows), find=("id", "title"),
        choices={"state": [(text, text) for text in STATES.values()]}, sort="state", size=50,
        empty="还没有政策或金融产品：在“数据导入”上传政策清单。",
    )  # fmt: skip


def _rows(store: Store) -> list[Row]:
    approved = {one.policy_id: one for one in parsed(store.policy_criteria.latest())}
    found = {}
    for kind in STATED_KINDS:
        for record in store.kinds.page(kind, limit=MOST):
            draft = draft_of(record, approved)
            found[record.id] = _row(record.id, record.title, kind, draft.state, draft.proposed)
    for policy_id, policy in approved.items():
        if policy_id not in found:
            found[policy_id] = _row(policy_id, policy.name, policy.kind, "approved", policy)
    return list(found.values())


def _row(policy_id: str, title: str, kind: str, state: str, policy: StatedPolicy) -> Row:
    return {
        "id": policy_id, "title": title, "kind": kind, "label": "金融产品" if kind == "finance_product" else "政策",
        "state": STATES[state], "criteria": len(policy.criteria), "valid_until": policy.valid_until,
    }  # fmt: skip


async def criteria_page(request: Request) -> Response:
    """Show the policies and products."""
    shown = await show(request, await criteria_table(request))
    return render(request, "kinds/criteria.html", title="条件核准", active="kinds", shown=shown)


async def policy_page(request: Request) -> Response:
    """Show the criteria that a text states, quoted, beside those approved, with what differs."""
    kind, wanted = request.query_params.get("kind", ""), request.query_params.get("id", "")
    services = services_of(request)
    draft, approved = await services.in_store(partial(_draft, kind=kind, wanted=wanted))
    # What not everybody may see is sent to no model.
    is_open = draft is not None and draft.record.visibility == PUBLIC
    may_ask = services.chat is not None and is_open and operator_of(request).role.covers(Role.REVIEWER)
    asked = may_ask and request.query_params.get("model") == "1"
    quotes = await _quotes(services, draft) if asked and draft else None
    more = extended(card_of(draft.record), draft.proposed, quotes) if draft and quotes else None
    if draft and more:
        draft = replace(draft, proposed=more.policy)
    shown = draft.proposed if draft else approved
    if shown is None:
        raise HTTPException(404, f"没有编号为“{wanted}”的政策或金融产品。")
    return render(
        request, "kinds/policy.html", title=shown.name or wanted, active="kinds", draft=draft, approved=approved,
        kind=kind, policy=shown, pieces=_pieces(draft) if draft else [], state=STATES[draft.state if draft else "approved"],
        tests=[rule_text(one.rule) for one in shown.criteria], may_ask=may_ask, asked=asked,
        more=more, silent=asked and quotes is None,
    )  # fmt: skip


async def _quotes(services: Services, draft: Draft) -> ProposedQuotes | None:
    """Return what the chat model takes for conditions in a record's text, None if it gives no usable answer in time."""
    if services.chat is None or draft.record.visibility != PUBLIC:
        return None
    try:
        return await services.model_threads.run(partial(ask_quotes, services.chat, card_of(draft.record)))
    except ModelUnavailableError:
        DEGRADED.labels("chat").inc()
        return None


def _draft(store: Store, kind: str, wanted: str) -> tuple[Draft | None, StatedPolicy | None]:
    approved = {one.policy_id: one for one in parsed(store.policy_criteria.latest(wanted))}
    record = _record(store, kind, wanted)
    return (draft_of(record, approved) if record else None), approved.get(wanted)


def _record(store: Store, kind: str, wanted: str) -> KindRecord | None:
    """Return the record of a policy or product, None where only its approval is known."""
    if kind not in STATED_KINDS:
        return None
    try:
        return store.kinds.get(kind, wanted)
    except NotFoundError:
        return None


def _pieces(draft: Draft) -> list[tuple[str, int]]:
    """Return the text in pieces, each with the number of the criterion that quotes it, 0 for none."""
    spans = sorted(
        (one.start, one.end, one.number)
        for one in draft.proposed.criteria
        if one.quote_from == draft.source and one.start is not None and one.end is not None
    )
    pieces, place = [], 0
    for start, end, number in spans:
        if start < place:
            continue  # quoted by the criterion before
        pieces += [(draft.text[place:start], 0), (draft.text[start:end], number)]
        place = end
    return [piece for piece in (*pieces, (draft.text[place:], 0)) if piece[0]]


async def approve(request: Request) -> Response:
    """Approve the criteria that the form keeps, with the kind of test that it gives each; or end the approval."""
    who = operator_of(request)
    kind, wanted = field(request, "kind"), field(request, "id")
    quotes = None
    if field(request, "model") == "1" and field(request, "act") != "withdraw":
        draft, _ = await services_of(request).in_store(partial(_draft, kind=kind, wanted=wanted))
        quotes = await _quotes(services_of(request), draft) if draft else None
        if quotes is None:
            raise HTTPException(503, "模型没有给出可用的回答，不能核准它补充的条件；请稍后再试，或不用模型再核准。")
    kept = {int(one) for one in fields(request, "keep") if one.isdecimal() and len(one) < 6}
    judged = {int(one) for one in fields(request, "judgement") if one.isdecimal() and len(one) < 6}
    withdrawn = field(request, "act") == "withdraw"
    action = "policies.withdraw" if withdrawn else "policies.approve"
    entry = AuditEntry(utc_now(), who.actor, action, wanted[:500], request.state.request_id)
    work = partial(
        _decide, kind=kind, wanted=wanted, seen=field(request, "digest"), kept=kept, judged=judged,
        withdrawn=withdrawn, by=who.name, entry=entry, quotes=quotes,
    )  # fmt: skip
    await services_of(request).in_store(work)
    return see_other(request, "/criteria/policy", kind=kind, id=wanted, notice="withdrawn" if withdrawn else "approved")


def _decide(
    store: Store,
    kind: str,
    wanted: str,
    seen: str,
    kept: set[int],
    judged: set[int],
    withdrawn: bool,
    by: str,
    entry: AuditEntry,
    quotes: ProposedQuotes | None,
) -> None:
    draft, approved = _draft(store, kind, wanted)
    if draft and quotes:
        draft = replace(draft, proposed=extended(card_of(draft.record), draft.proposed, quotes).policy)
    chosen = approved if withdrawn else draft.proposed if draft else None
    if chosen is None:
        raise HTTPException(404, f"没有可核准或撤回的“{wanted}”。")
    if not withdrawn:
        if chosen.text_digest != seen:
            raise HTTPException(409, "原文已被改过，请刷新后重新查看。")
        criteria = tuple(
            one.model_copy(update={"kind": "judgement" if one.number in judged else "hard"})
            for one in chosen.criteria
            if one.number in kept
        )
        chosen = chosen.model_copy(update={"criteria": criteria})
    store.policy_criteria.append([document_of(chosen, by, entry.at, withdrawn=withdrawn)])
    store.api_keys.note(entry)


PAGES = (
    Page("/criteria", criteria_page),
    Page("/criteria/policy", policy_page),
    Page("/criteria/approve", approve, Role.REVIEWER, post=True),
)
TABLES = (TableSpec("criteria", criteria_table),)
