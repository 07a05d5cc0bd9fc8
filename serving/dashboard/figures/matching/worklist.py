"""The list of demands that work begins with: saved views, filters, and what each line says."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from data.dates import CHINA_STANDARD_TIME
from data.store.dashboard_tables import demand_progress
from data.store.store import Store
from data.store.tables import demands
from data.text.digits import without_separators
from data.work.match_state import MatchState
from matcher.collection.filters import OPEN_STATUSES
from serving.dashboard.figures.lists import among, day_of
from serving.dashboard.figures.today import DEADLINE_DAYS, UNANSWERED_DAYS

VIEWS = {
    "open": ("全部开放", "开放中、尚未截止的需求。"),
    "mine": ("我的", "有匹配分派给我、尚未结束的需求。"),
    "unanswered": ("无人响应", f"推荐满 {UNANSWERED_DAYS} 天仍没有联系、会面、洽谈或成交的开放需求。"),
    "soon": ("本周到期", f"{DEADLINE_DAYS} 天内截止的开放需求。"),
    "rich": ("高预算", "预算在开放需求中居前五分之一的。"),
    "all": ("含已结束", "全部需求，已结束和已截止的也在内。"),
}
SORTS = {
    "-published_at": "最新发布",
    "deadline": "最早截止",
    "-budget_max": "预算最高",
    "first_shown": "等得最久",
    "title": "名称",
}
# What a line may show beside the title and the deadline, as columns that its reader chooses.
SHOWABLE = {
    "budget_max": "预算",
    "enterprise": "企业",
    "region": "地区",
    "field": "领域",
    "published_at": "发布日期",
    "responses": "响应次数",
}
DEFAULT_COLUMNS = ("budget_max",)
NO_COLUMNS = "none"
RICHEST = 0.2
_ENDED = (MatchState.DEAL, MatchState.DECLINED)
_OPEN = demands.c.status.in_(OPEN_STATUSES) & ~demands.c.deleted


def conditions(store: Store, asked: Mapping[str, str], me: str, now: datetime) -> list[sa.ColumnElement[bool]]:
    """Return what an address asks of the demands: the saved view, field, region, least budget, latest deadline.

    What cannot be meant (a budget that is no number) is left out; `mistakes` names it.
    """
    today = now.astimezone(CHINA_STANDARD_TIME).date()
    progress, view = demand_progress, asked.get("view", "open")
    still = [_OPEN, sa.or_(demands.c.deadline.is_(None), demands.c.deadline >= today)]
    found: list[sa.ColumnElement[bool]] = [~demands.c.deleted] if view == "all" else still
    if view == "mine":
        found = [among(store.engine, demands.c.id, _mine(store, me)), ~demands.c.deleted]
    elif view == "unanswered":
        waited = now.replace(tzinfo=None) - timedelta(days=UNANSWERED_DAYS)
        found = [_OPEN, progress.c.first_shown <= waited, progress.c.responses == 0]
    elif view == "soon":
        found = [_OPEN, demands.c.deadline.between(today, today + timedelta(days=DEADLINE_DAYS))]
    elif view == "rich":
        found = [*still, demands.c.budget_max >= _rich(store, today)]
    if asked.get("field"):
        found.append(demands.c.field == asked["field"])
    if (place := asked.get("region", "")).isdecimal():
        found.append(demands.c.region.startswith(place))
    if (budget := number_of(asked.get("budget", ""))) is not None:
        found.append(demands.c.budget_max >= budget)
    if (until := day_of(asked.get("until", ""))) is not None:
        found.append(demands.c.deadline <= until)
    return found


def columns_of(asked: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns that an address asks for, by name and in their order; the usual ones where it names none."""
    chosen = asked.get("worklist_beside", "")
    named = tuple(name for name in SHOWABLE if name in chosen.split(","))
    return named if named or chosen == NO_COLUMNS else DEFAULT_COLUMNS


def toggled(columns: Sequence[str], name: str) -> str | None:
    """Return what an address says of columns once one is chosen or left out; None for the usual ones."""
    left = tuple(one for one in SHOWABLE if (one in columns) != (one == name))
    return None if left == DEFAULT_COLUMNS else ",".join(left) or NO_COLUMNS


def mistakes(asked: Mapping[str, str]) -> list[str]:
    """Return in Chinese which filters of an address cannot be meant and are left out."""
    found = []
    if asked.get("budget", "").strip() and number_of(asked["budget"]) is None:
        found.append(f"预算“{asked['budget'][:20]}”不是数字，未按预算筛选。")
    if asked.get("until", "") and day_of(asked["until"]) is None:
        found.append(f"截止日期“{asked['until'][:20]}”无法读懂（应如 2027-01-31），未按日期筛选。")
    if asked.get("region", "") and not asked["region"].isdecimal():
        found.append("地区无法读懂，未按地区筛选。")
    if asked.get("view", "open") not in VIEWS:
        found.append("没有这个视图，显示全部开放的需求。")
    return found


def number_of(text: str) -> float | None:
    """Return a number of 万元 that is at least 0, None for anything else."""
    try:
        value = float(without_separators(text.strip()))
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def offered(store: Store) -> tuple[list[str], list[str]]:
    """Return the fields and the provinces (two digits) of open demands, for filters."""
    with store.engine.connect() as connection:
        fields = connection.execute(
            sa.select(demands.c.field).where(_OPEN, demands.c.field != "").distinct().order_by(demands.c.field)
        ).scalars()
        province = sa.func.substr(demands.c.region, 1, 2)
        provinces = connection.execute(
            sa.select(province).where(_OPEN, demands.c.region.is_not(None)).distinct().order_by(province)
        ).scalars()
        return list(fields), [one for one in provinces if one]


def _mine(store: Store, me: str) -> list[str]:
    mine = (work.demand_id for work in store.matches.board() if work.assignee == me and work.state not in _ENDED)
    return list(dict.fromkeys(mine))


def _rich(store: Store, today: date) -> float:
    """Return the least budget of the richest fifth of open demands, in 万元."""
    known = sa.select(demands.c.budget_max).where(
        _OPEN,
        demands.c.budget_max.is_not(None),
        sa.or_(demands.c.deadline.is_(None), demands.c.deadline >= today),
    )
    with store.engine.connect() as connection:
        number = int(connection.execute(sa.select(sa.func.count()).select_from(known.subquery())).scalar_one())
        place = max(0, int(number * RICHEST) - 1)
        least = connection.execute(known.order_by(demands.c.budget_max.desc()).offset(place).limit(1)).scalar()
    return float("inf") if least is None else float(least)
