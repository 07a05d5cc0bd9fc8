"""What waits for an operator today: queues with their number, their oldest age, and where to go."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from data.dates import CHINA_STANDARD_TIME
from data.quality.ladder import appealed
from data.store.dashboard_tables import demand_progress
from data.store.imports.log import ImportEntry
from data.store.store import Store
from data.store.tables import demands, events, revisions
from data.store.work.orders import MAX_LISTED
from data.work.match_state import MatchState
from data.work.order_state import OrderState
from matcher.collection.filters import OPEN_STATUSES
from serving.runtime.dispatching import overdue, unplaced

UNANSWERED_DAYS = 7
DEADLINE_DAYS = 7
STALE_DAYS = 14
REJECTED_DAYS = 14
_OPEN = demands.c.status.in_(OPEN_STATUSES) & ~demands.c.deleted
_DONE = (MatchState.DEAL, MatchState.DECLINED)


@dataclass(frozen=True)
class Queue:
    """Things of one sort that wait. `age` is in days, None where it has none; `path` and `query` lead to them."""

    key: str
    title: str
    number: int
    age: int | None
    button: str
    path: str
    query: dict[str, Any]
    hint: str


def queues(store: Store, me: str, now: datetime) -> list[Queue]:
    """Return the queues of an operator at a moment, empty ones too, in the order of urgency."""
    today = now.astimezone(CHINA_STANDARD_TIME).date()
    with store.engine.connect() as connection:
        soon = _soon(connection, today)
        unanswered, overdue = _unanswered(connection, now), _overdue(connection, today)
        latest = connection.execute(sa.select(sa.func.max(events.c.occurred_at))).scalar()
        filled = connection.execute(sa.select(revisions.c.value)).scalar() or 0
    board = store.matches.board()
    due = [work for work in board if work.next_date and work.next_date <= today and work.state not in _DONE]
    mine = [work for work in board if work.assignee == me and work.state not in _DONE]
    waiting = store.reviews.waiting()
    found = [
        Queue(
            "due",
            "今天到期或逾期的跟进",
            len(due),
            max(((today - work.next_date).days for work in due if work.next_date), default=None),
            "去跟进",
            "/matches",
            {"due": "1"},
            "下次跟进日期已到、尚未成交或放弃的匹配；天数为逾期最久的一条。",
        ),
        Queue(
            "mine",
            "分派给我的匹配",
            len(mine),
            max(((now - work.changed_at).days for work in mine if work.changed_at), default=None),
            "去处理",
            "/matches",
            {"assignee": me},
            "负责人是你、尚未结束的匹配；天数为最久没有进展的一条。",
        ),
        _assignments(store, now),
        _orders(store, now),
        _appeals(store, now),
        Queue(
            "soon",
            f"{DEADLINE_DAYS} 天内截止的需求",
            soon,
            None,
            "去推荐",
            "/browse",
            {"view": "soon", "worklist_sort": "deadline"},
            "开放需求中截止日期在一周内的条数。",
        ),
        Queue(
            "unanswered",
            f"{UNANSWERED_DAYS} 天以上无人响应的需求",
            unanswered[0],
            unanswered[1],
            "去联系",
            "/browse",
            {"view": "unanswered", "worklist_sort": "first_shown"},
            f"已推荐满 {UNANSWERED_DAYS} 天、没有联系、会面、洽谈或成交的开放需求；天数为等得最久的一条。",
        ),
        Queue(
            "review",
            "等待判断的配对",
            sum(waiting.values()),
            None,
            "去判断",
            "/review",
            {},
            "审核队列中的配对：判断一对，模型就多学一点。",
        ),
        Queue(
            "mend",
            "过了截止日期仍开放的需求",
            overdue[0],
            overdue[1],
            "去订正",
            "/records/demands",
            {"state": "expired"},
            "请企业延期或关闭：过期的需求不再得到推荐。天数为过期最久的一条。",
        ),
    ]
    if (rejected := _rejected(store, now)) is not None:
        found.append(rejected)
    age = (now.replace(tzinfo=None) - latest).days if latest is not None else None
    if filled and (age is None or age >= STALE_DAYS):
        found.append(
            Queue(
                "stale",
                "没有结果事件" if age is None else f"结果数据已 {age} 天未更新",
                1,
                age,
                "看数据健康",
                "/health",
                {},
                "最近一条结果事件距今的天数；超过两周，模型学不到新情况。",
            )
        )
    return found


def _orders(store: Store, now: datetime) -> Queue:
    waiting = store.orders.listed((OrderState.ORDERED,), limit=MAX_LISTED)
    return Queue(
        "orders",
        "等服务方答复的订单",
        len(waiting),
        max(((now - one.changed_at).days for one in waiting if one.changed_at), default=None),
        "去催办",
        "/orders",
        {"orders_state": OrderState.ORDERED.value},
        "已下单、服务方还没有接单或拒单的订单；天数为等得最久的一张。",
    )


def _appeals(store: Store, now: datetime) -> Queue:
    waiting = [steps[-1] for steps in store.quality.histories("provider").values() if appealed(steps)]
    return Queue(
        "appeals",
        "等待决定的申诉",
        len(waiting),
        max(((now - step.at).days for step in waiting), default=None),
        "去决定",
        "/providers",
        {"providers_appeal": "待决定"},
        "服务方的申诉：决定之前不再往下走；天数为等得最久的一个。",
    )


def _assignments(store: Store, now: datetime) -> Queue:
    """Return the assignments that are late or that nobody took."""
    late, untaken = overdue(store, now), unplaced(store)
    days = [(now - one.due_at).days for one, _ in late if one.due_at is not None]
    days += [(now - one.ended.changed_at).days for one in untaken if one.ended is not None]
    return Queue(
        "assignments",
        "逾期或无人接手的派单",
        len(late) + len(untaken),
        max(days, default=None),
        "去派单",
        "/dispatch",
        {},
        "下一步已过期限的派单，加上被拒或超时后没有人接的需求；天数为最久的一条。",
    )


def _rejected(store: Store, now: datetime) -> Queue | None:
    """Return the rows that the latest import of each file refused lately, None if there are none."""
    seen: set[str] = set()
    wrong: list[tuple[ImportEntry, int]] = []
    for entry in store.imports.latest():
        files: Counter[str] = Counter()
        for table in entry.report:
            files[Path(str(table.get("path", ""))).name] += int(table.get("rejected", 0))
        rows = sum(number for name, number in files.items() if name not in seen)
        seen |= files.keys() if entry.undone_at is None else set()
        if entry.undone_at is None and rows and (now - entry.started_at).days < REJECTED_DAYS:
            wrong.append((entry, rows))
    if not wrong:
        return None
    newest, oldest = wrong[0][0], wrong[-1][0]
    return Queue(
        "rejected",
        "导入时被拒绝的行",
        sum(rows for _, rows in wrong),
        (now - oldest.started_at).days,
        "看报告",
        "/imports/report" if len(wrong) == 1 else "/imports",
        {"number": newest.number} if len(wrong) == 1 else {},
        f"最近 {REJECTED_DAYS} 天的导入中没有进库的行；文件改好后重新导入（同名文件以最后一次为准）就不再列出。",
    )


def _soon(connection: sa.Connection, today: date) -> int:
    within = demands.c.deadline.between(today, today + timedelta(days=DEADLINE_DAYS))
    return int(connection.execute(sa.select(sa.func.count()).select_from(demands).where(_OPEN, within)).scalar_one())


def _unanswered(connection: sa.Connection, now: datetime) -> tuple[int, int | None]:
    """Return how many open demands were shown a week ago or earlier without a response, and the longest wait in days."""
    progress = demand_progress
    limit = now.replace(tzinfo=None) - timedelta(days=UNANSWERED_DAYS)
    query = (
        sa.select(sa.func.count(), sa.func.min(progress.c.first_shown))
        .select_from(demands.join(progress, progress.c.demand_id == demands.c.id))
        .where(_OPEN, progress.c.first_shown <= limit, progress.c.responses == 0)
    )
    number, first = connection.execute(query).one()
    return int(number), None if first is None else (now.replace(tzinfo=None) - first).days


def _overdue(connection: sa.Connection, today: date) -> tuple[int, int | None]:
    """Return how many open demands are past their deadline, and the days since the earliest."""
    query = sa.select(sa.func.count(), sa.func.min(demands.c.deadline)).where(_OPEN, demands.c.deadline < today)
    number, first = connection.execute(query).one()
    return int(number), None if first is None else (today - first).days
