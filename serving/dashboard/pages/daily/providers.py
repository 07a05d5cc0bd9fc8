"""服务方: who is asleep, noticed or suspended and why, evaluations with interval, appeals, the daily review."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from data.errors import InputError, NotFoundError
from data.quality.ladder import LADDERS, PAUSE_DAYS, RULES, Action, Step, Subject, appealed, possible, state_of
from data.quality.ratings import SCALES, SHOWN_FROM, folded
from data.store.keys import AuditEntry
from data.store.store import Store
from data.store.trust.review import counted_by_provider, provider_rules
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.page import Page, at_length, field, operator_of, see_other
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.quality.providers import act, provider_state, review_all
from serving.runtime.services import services_of

ACTIONS: dict[Action, str] = {
    "confirm": "确认仍在服务",
    "appeal": "登记申诉",
    "uphold": "申诉成立，恢复正常",
    "reject": "驳回申诉",
    "reinstate": "恢复正常",
}
DECISIONS = ("uphold", "reject", "reinstate")
"""Actions of the platform: a manager's."""
STEP_NAMES = {"step": "通知", "appeal": "申诉", "rejected": "驳回申诉", "returned": "恢复", "confirmed": "确认"}
LEFT_OUT = {"self": "自评", "repeated": "30 天内重复", "burst": "集中刷评"}
REVIEWED = 40
"""Steps of a dry run that are shown."""


async def providers_table(request: Request) -> Table:
    """Return the table of all providers of records with their state."""
    rows = await at_length(request, _providers)
    columns = (
        Column("name", "服务方", "title", link=_provider_link),
        Column("state", "状态", hint="正常 → 提醒 → 观察 → 暂停 → 退出；暂停起其记录不再出现在推荐中。"),
        Column("appeal", "申诉", hint="有申诉待决定：决定之前不再往下走。"),
        Column("rule", "触发规则", hint="；".join(f"{name}：{RULES[name]}" for name in ("P1", "P2")) + "。"),
        Column("at", "最近一步", "moment"),
        Column("active", "最近活动", "moment", "更新记录、确认、成效或收到评价，以最近者计。"),
        Column("asleep", "沉睡", hint=f"连续 {PAUSE_DAYS['P1']} 天没有任何活动。"),
        Column("counted", "有效评价", "number", "计入的评价数：不含自评、30 天内重复和集中刷评。", link=_provider_link),
    )
    states = LADDERS["provider"].states
    choices = {"state": [(one, one) for one in states], "appeal": [("待决定", "待决定")], "asleep": [("是", "是")]}
    return Table("providers", "服务方", columns, MemoryRows(rows), find=("name",), choices=choices, sort="at")


def _provider_link(row: Row) -> tuple[str, dict[str, Any]]:
    return "/providers/one", {"name": row["name"]}


def _providers(store: Store) -> list[Row]:
    now = utc_now()
    counted = counted_by_provider(store.quality.evaluations())
    rules = provider_rules(store.quality, now)
    active = store.quality.last_active()
    histories = {name: steps for (_, _, name), steps in store.quality.histories("provider").items()}
    return [
        {
            "name": name,
            "state": state_of(steps),
            "appeal": "待决定" if appealed(steps) else "",
            "rule": steps[-1].rule if steps and state_of(steps) != "正常" else "",
            "at": steps[-1].at if steps else None,
            "active": active.get(name),
            "asleep": "是" if rules.get(name) == "P1" else "",
            "counted": len(counted.get(folded(name), ())),
        }
        for name in sorted({*active, *histories})
        for steps in [histories.get(name, [])]
    ]


async def stale_table(request: Request) -> Table:
    """Return the table of records that were asked about, hidden or archived."""
    kinds = services_of(request).kinds.kinds
    found = await services_of(request).in_store(lambda store: store.quality.histories("record"))
    rows = [
        {
            "id": name,
            "kind": kind,
            "label": kinds[kind].label if kind in kinds else kind,
            "state": steps[-1].state,
            "appeal": "待决定" if appealed(steps) else "",
            "at": steps[-1].at,
            "notice": steps[-1].notice,
        }
        for (_, kind, name), steps in found.items()
    ]
    columns = (
        Column("id", "编号", link=_record_link),
        Column("label", "种类"),
        Column("state", "状态", hint="正常 → 询问 → 隐藏 → 归档；隐藏起不再出现在推荐中。"),
        Column("appeal", "申诉"),
        Column("at", "最近一步", "moment"),
        Column("notice", "通知或理由", "title"),
    )
    choices = {"state": [(one, one) for one in LADDERS["record"].states]}
    return Table(
        "stale", "久未更新的记录", columns, MemoryRows(rows), find=("id", "notice"), choices=choices, sort="at"
    )


def _record_link(row: Row) -> tuple[str, dict[str, Any]]:
    return "/providers/one", {"subject": "record", "kind": row["kind"], "name": row["id"]}


async def page(request: Request) -> Response:
    """Show all providers and stale records; with `review` what a review would do now, which changes nothing."""
    steps: list[Step] | None = None
    if request.query_params.get("review"):
        entry = AuditEntry(utc_now(), operator_of(request).actor, "providers.review", "", request.state.request_id)
        steps = await at_length(request, partial(review_all, now=entry.at, entry=entry, write=False))
    return render(
        request, "providers/providers.html", title="服务方", active="providers", steps=steps, reviewed=REVIEWED,
        rules=RULES, providers=await show(request, await providers_table(request)),
        stale=await show(request, await stale_table(request)),
    )  # fmt: skip


async def one(request: Request) -> Response:
    """Show a provider, or a stale record: state, evaluations with interval, history, and what can be done."""
    subject, kind, name = _subject(request.query_params.get)
    if not name:
        raise NotFoundError("no provider is named", chinese="没有写明服务方")

    def work(store: Store) -> dict[str, Any]:
        if subject == "record":
            history = store.quality.history(subject, kind, name)
            return {"history": history, "found": None}
        found = provider_state(store, name, utc_now())
        return {"history": found.history, "found": found}

    state = await services_of(request).in_store(work)
    role = operator_of(request).role
    can = [(one, ACTIONS[one]) for one in possible(state["history"]) if role.covers(_needed(one))]
    return render(
        request, "providers/one.html", title=name, active="providers", subject=subject, kind=kind, name=name,
        state_now=state_of(state["history"]), waits=appealed(state["history"]), can=can, rules=RULES, scales=SCALES,
        step_names=STEP_NAMES, left_out=LEFT_OUT, shown_from=SHOWN_FROM, kinds=services_of(request).kinds.kinds, **state,
    )  # fmt: skip


async def take(request: Request) -> Response:
    """Confirm, appeal, decide an appeal, reinstate."""
    who, services = operator_of(request), services_of(request)
    subject, kind, name = _subject(lambda key: field(request, key))
    action = next((one for one in ACTIONS if one == field(request, "step")), None)
    reason = field(request, "reason").strip().replace("\0", "")[:1000]
    if action is None or not name:
        raise InputError("页面已过期，请刷新后重试。")
    if not who.role.covers(_needed(action)):
        raise InputError(f"{action} is a manager's", f"“{ACTIONS[action]}”须由管理角色进行")
    if action != "confirm" and not reason:
        raise InputError(f"{action} needs a reason", f"“{ACTIONS[action]}”须写明理由")
    entry = AuditEntry(utc_now(), who.actor, f"providers.{action}", "", request.state.request_id)
    await services.in_store(lambda store: act(store, subject, kind, name, action, reason, entry))
    await services.in_store(services.withheld.refresh)
    services.written()
    query = {"subject": subject, "kind": kind} if subject == "record" else {}
    return see_other(request, "/providers/one", name=name, notice="saved", **query)


async def review(request: Request) -> Response:
    """Review all providers and records for real: at most one step each."""
    services = services_of(request)
    if field(request, "sure") != "1":
        raise InputError("请先勾选确认。")
    entry = AuditEntry(utc_now(), operator_of(request).actor, "providers.review", "", request.state.request_id)
    steps = await at_length(request, partial(review_all, now=entry.at, entry=entry, write=True))
    await services.in_store(services.withheld.refresh)
    services.written()
    return see_other(request, "/providers", notice="reviewed" if steps else "nothing")


def _needed(action: Action) -> Role:
    return Role.MANAGER if action in DECISIONS else Role.REVIEWER


def _subject(value: Any) -> tuple[Subject, str, str]:
    """Return subject, kind and name that an address or a form names."""
    subject: Subject = "record" if value("subject") == "record" else "provider"
    return subject, (value("kind") or "")[:40] if subject == "record" else "", (value("name") or "").strip()[:500]


PAGES = (
    Page("/providers", page),
    Page("/providers/one", one),
    Page("/providers/act", take, Role.REVIEWER, post=True),
    Page("/providers/review", review, Role.MANAGER, post=True),
)
TABLES = (TableSpec("providers", providers_table), TableSpec("stale", stale_table))
