"""政策适配: firms against policies on a day, what is unknown first, what ends soon before what does not."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from data.store.store import Store
from matcher.eligibility.assess import VERDICTS, PolicyResult, miss_text, verdicts
from matcher.eligibility.kept import parsed
from matcher.eligibility.known import Facts
from matcher.eligibility.labels import label_of
from matcher.eligibility.logic import fact_of
from serving.dashboard.page import Page
from serving.dashboard.pages.kinds.firms import asked_day, firm_link
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.services import services_of

MOST_FIRMS = 30  # firms that one board compares: each costs about as long as a request
# What needs somebody comes first: facts to ask for, then judgement, then what can be applied for.
ORDER = {"needs facts": 0, "needs judgement": 1, "eligible": 2, "not eligible": 3}
UNENDING = 100_000


def policy_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its policy's criteria."""
    return "/criteria/policy", {"kind": row["kind"], "id": row["policy_id"]}


async def board_table(request: Request) -> Table:
    """Return the table of firms × policies for the day and the firms that the address names."""
    services, asked, day = services_of(request), request.query_params, asked_day(request)
    after, only = asked.get("after", ""), asked.get("firm", "")
    rows = await services.engine_threads.run(partial(_rows, services.access.store(), after, only, day))
    columns = (
        Column("title", "企业", link=firm_link),
        Column("policy", "政策或产品", "title", link=policy_link),
        Column("verdict", "结论"),
        Column("unknown", "未知项", "number", "还不知道的硬性条件数。", own=True),
        Column("asks", "先补什么", hint="第一项未知的事实。"),
        Column("nearest", "最接近的差距"),
        Column("days_left", "剩余天数", "number", "距政策截止的天数；不知道截止日的为 –。", own=True),
        Column("amount", "最高金额（万元）", "number", "政策原文中的最高金额。", own=True),
        Column("order", "次序", "number", "未知的在前，快截止的在前。", own=True),
    )
    return Table(
        "eligibility_board", "企业 × 政策", columns, MemoryRows(rows), find=("title", "policy", "asks"),
        choices={"verdict": [(text, text) for text in VERDICTS.values()]}, sort="order", descending=False, size=50,
        empty="没有企业或没有已核准的政策。",
    )  # fmt: skip


def _rows(store: Store, after: str, only: str, day: Any) -> list[Row]:
    firms = store.firms.many([only]) if only else store.firms.page(after, MOST_FIRMS)
    policies = parsed(store.policy_criteria.latest())
    found = []
    for firm in firms:
        for result in verdicts(Facts(firm.facts, day), policies):
            found.append(_row(result) | {"firm_id": firm.firm_id, "title": firm.title})
    found.sort(key=lambda row: (ORDER[row["code"]], row["days_left"] if row["days_left"] is not None else UNENDING))
    return [row | {"order": place} for place, row in enumerate(found, start=1)]


def _row(result: PolicyResult) -> dict[str, Any]:
    unknown = [
        outcome
        for one in result.criteria
        if one.status == "unknown" and one.criterion.kind == "hard" and one.criterion.role == "requirement"
        for outcome in one.outcomes
        if outcome.status == "unknown"
    ]
    return {
        "policy_id": result.policy.policy_id, "policy": result.policy.name or result.policy.policy_id,
        "kind": result.policy.kind, "code": result.verdict, "verdict": VERDICTS[result.verdict],
        "unknown": len(unknown), "asks": label_of(fact_of(unknown[0].leaf)) if unknown else "",
        "nearest": miss_text(result.nearest) if result.nearest else "", "days_left": result.days_left,
        "amount": result.policy.amount.max_wan,
    }  # fmt: skip


async def board(request: Request) -> Response:
    """Show the board."""
    day, shown = asked_day(request), await show(request, await board_table(request))
    firms = await services_of(request).in_store(
        lambda store: store.firms.page(request.query_params.get("after", ""), MOST_FIRMS + 1)
    )
    following = firms[MOST_FIRMS - 1].firm_id if len(firms) > MOST_FIRMS else ""
    return render(
        request, "kinds/eligibility.html", title="政策适配", active="kinds", shown=shown, day=day, following=following,
        only=request.query_params.get("firm", ""), most=MOST_FIRMS,
    )  # fmt: skip


PAGES = (Page("/eligibility", board),)
TABLES = (TableSpec("eligibility_board", board_table),)
