"""模型: versions with their figures and lineage, decisions of the gate, promotion and rollback, running experiments."""

import asyncio
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.errors import InputError
from data.settings import Settings
from data.store.keys import AuditEntry
from eval.online.versions import Candidate, Decision
from matcher.bundle import BUILT, CHALLENGER, CURRENT, PREVIOUS, all_bundles, pointed
from matcher.served import rollback_targets
from serving.dashboard import promotion
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.figures.trained import decisions, shown_interval, trained_versions
from serving.dashboard.page import Page, field, operator_of, see_other
from serving.dashboard.pages.experiments import experiments_table
from serving.dashboard.pages.records import version_link
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Table, TableSpec, show
from serving.runtime.services import services_of

POINTER_NAMES = {CURRENT: "在役", PREVIOUS: "上一版", CHALLENGER: "候选", BUILT: "最新构建"}
OUTCOMES = {"promoted": "通过", "refused": "未通过", "forced": "强制晋级", "": "未评审"}
STATES = {
    promotion.RUNNING: "正在进行",
    promotion.DONE: "已完成",
    promotion.REFUSED: "门禁未通过",
    promotion.FAILED: "失败",
}
MAX_WHY = 300


def roles_of(settings: Settings, version: str) -> list[str]:
    """Return what a version is now: in service, the one before it, a candidate, the latest build."""
    return [name for pointer, name in POINTER_NAMES.items() if pointed(settings.bundles, pointer) == version]


async def versions_table(request: Request) -> Table:
    """Return the table of all bundles."""
    rows = await asyncio.to_thread(_version_rows, services_of(request).settings)
    return Table(
        "versions",
        "版本",
        (
            Column("version", "版本", "code", link=version_link),
            Column(
                "role",
                "角色",
                hint="在役：正在服务；上一版：回退的目标；候选：训练后未晋级；最新构建：训练的起点。",
            ),
            Column("created_at", "生成时间", "moment"),
            Column("achievements", "成果", "number", "模型包里的成果项数。", link=version_link),
            Column("demands", "需求", "number", "模型包里的需求条数。", link=version_link),
            Column("pairs", "训练对数", "number", "训练用到的配对数；0 表示没有排序模型。", link=version_link),
            Column("ndcg10", "NDCG@10", "code", hint="留出需求上的排序质量，附 95% 区间。", sortable=False),
            Column(
                "auc2", "AUC（较强以上）", "code", hint="留出需求上区分好坏配对的能力，附 95% 区间。", sortable=False
            ),
            Column("calibration", "校准误差", "decimal", "预测概率与实际比例的平均差距，越小越好。", link=version_link),
            Column("latency_ms", "单次耗时（毫秒）", "number", "一次请求的 CPU 时间中位数。", link=version_link),
            Column("decision", "门禁"),
        ),
        MemoryRows(rows),
        find=("version", "role"),
        sort="version",
        empty="还没有模型包。先运行 gongxu build，再运行 gongxu train。",
    )


def _version_rows(settings: Settings) -> list[dict[str, Any]]:
    trained = {version.version: version for version in trained_versions(settings.home)}
    rows = []
    for manifest in all_bundles(settings.bundles):
        known = trained.get(manifest.version)
        rows.append(
            {
                "version": manifest.version,
                "role": "、".join(roles_of(settings, manifest.version)),
                "created_at": manifest.created_at,
                "achievements": manifest.achievements,
                "demands": manifest.demands,
                "pairs": manifest.training_pairs,
                "ndcg10": shown_interval(known.figures.get("ndcg10")) if known else "–",
                "auc2": shown_interval(known.figures.get("auc2")) if known else "–",
                "calibration": known.calibration_error if known else None,
                "latency_ms": known.latency_ms if known else None,
                "decision": OUTCOMES.get(known.decision, known.decision) if known else "–",
            }
        )
    return rows


async def decisions_table(request: Request) -> Table:
    """Return the table of all decisions."""
    found = await asyncio.to_thread(decisions, services_of(request).settings.home)
    rows = [
        {
            "at": decision.at,
            "action": "回退" if decision.action == "rollback" else "晋级",
            "version": decision.candidate,
            "champion": decision.champion,
            "outcome": outcome_of(decision),
            "failed": "；".join(check.message for check in decision.checks if not check.passed),
            "who": decision.who,
            "why": decision.why,
        }
        for decision in found
    ]
    return Table(
        "decisions",
        "门禁决定",
        (
            Column("at", "时间", "moment"),
            Column("action", "操作"),
            Column("version", "版本", "code", link=version_link),
            Column("champion", "当时在役", "code"),
            Column("outcome", "结果"),
            Column("failed", "未通过的检查", "title"),
            Column("who", "谁"),
            Column("why", "理由"),
        ),
        MemoryRows(rows),
        find=("version", "who", "why"),
        sort="at",
        empty="还没有晋级或回退。",
    )


def outcome_of(decision: Decision) -> str:
    """Return how a decision ended."""
    if decision.action == "rollback":
        return "已回退"
    return "强制晋级" if decision.forced else "通过，已晋级" if decision.promoted else "未通过"


async def page(request: Request) -> Response:
    """Show versions, decisions, experiments."""
    services = services_of(request)
    settings = services.settings
    live = services.holder.live
    versions, decided = (
        await show(request, await versions_table(request)),
        await show(request, await decisions_table(request)),
    )
    return render(
        request,
        "models.html",
        title="模型",
        active="models",
        versions=versions,
        decided=decided,
        serving=live.manifest.version if live else "",
        pointers={name: pointed(settings.bundles, pointer) for pointer, name in POINTER_NAMES.items()},
        rejected=services.holder.rejected,
        experiments=await show(request, await experiments_table(request)),
        requests=await asyncio.to_thread(promotion.requests, settings.home),
        states=STATES,
    )


async def requests_part(request: Request) -> Response:
    """Show how far promotions are that were asked for."""
    found = await asyncio.to_thread(promotion.requests, services_of(request).settings.home)
    return render(
        request, "promotion_requests.html", title="晋级与回退", active="models", requests=found, states=STATES
    )


async def version(request: Request) -> Response:
    """Show one version: lineage, figures, what the gate said."""
    settings, wanted = services_of(request).settings, request.query_params.get("version", "")
    manifest = next(
        (one for one in await asyncio.to_thread(all_bundles, settings.bundles) if one.version == wanted), None
    )
    if manifest is None:
        raise HTTPException(404, f"没有版本 {wanted[:100]}。")
    known: Candidate | None = next((one for one in trained_versions(settings.home) if one.version == wanted), None)
    return render(
        request,
        "version.html",
        title=f"模型 {wanted}",
        active="models",
        manifest=manifest,
        known=known,
        roles=roles_of(settings, wanted),
        previous=pointed(settings.bundles, PREVIOUS),
        decided=[decision for decision in decisions(settings.home) if decision.candidate == wanted],
        outcome_of=outcome_of,
        interval=shown_interval,
    )


async def promote(request: Request) -> Response:
    """Ask the gate about a version; it serves if it passes, or if it is forced with a reason."""
    settings, force = services_of(request).settings, field(request, "force") == "1"
    wanted, why = field(request, "version"), field(request, "why").strip()[:MAX_WHY]
    if wanted not in {one.version for one in await asyncio.to_thread(all_bundles, settings.bundles)}:
        raise HTTPException(404, f"没有版本 {wanted[:100]}。")
    if force and not why:
        raise InputError("强制晋级必须写明理由。")
    return await _begin(request, "promote", wanted, why, force)


async def rollback(request: Request) -> Response:
    """Serve the version before the current one again."""
    settings = services_of(request).settings
    targets = rollback_targets(settings.home, settings.bundles)
    if not targets:
        raise InputError("没有可以回退到的上一版。")
    return await _begin(request, "rollback", targets[0], field(request, "why").strip()[:MAX_WHY], force=False)


async def _begin(request: Request, action: str, wanted: str, why: str, force: bool) -> Response:
    services, who, now = services_of(request), operator_of(request), utc_now()
    if field(request, "sure") != "1":
        raise InputError("请先勾选确认。")
    if any(one.state == promotion.RUNNING for one in promotion.requests(services.settings.home)[:1]):
        raise InputError("已有一项晋级或回退正在进行，请等它完成。")
    entry = AuditEntry(
        now, who.actor, f"models.{action}", f"{wanted}{'（强制）' if force else ''}：{why}", request.state.request_id
    )
    await services.in_store(partial(_note, entry=entry))
    promotion.begin(services.settings, action=action, version=wanted, who=who.actor, why=why, force=force, now=now)
    return see_other(request, "/models", notice="asked")


def _note(store: Any, entry: AuditEntry) -> None:
    store.api_keys.note(entry)


PAGES = (
    Page("/models", page),
    Page("/models/version", version),
    Page("/models/requests", requests_part),
    Page("/models/promote", promote, Role.MANAGER, post=True),
    Page("/models/rollback", rollback, Role.MANAGER, post=True),
)
TABLES = (TableSpec("versions", versions_table), TableSpec("decisions", decisions_table))
