"""操作记录: who did what, when."""

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from data.store.tables import audit
from serving.dashboard import wording
from serving.dashboard.accounts.access import Role
from serving.dashboard.page import Page
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, SelectedRows, Table, TableSpec, show
from serving.runtime.services import services_of


async def audit_table(request: Request) -> Table:
    """Return the table of the audit trail."""
    engine = await services_of(request).in_store(lambda store: store.engine)
    query = sa.select(audit.c.number, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject, audit.c.request_id)
    return Table(
        "audit",
        "操作记录",
        (
            Column("number", "序号", "number", "操作按发生的先后编号。", own=True),
            Column("at", "时间", "moment"),
            Column("actor", "操作者", "say", hint="仪表盘的操作员、接口密钥的名称、命令行或统一身份。"),
            Column("action", "操作", "say"),
            Column("subject", "对象"),
            Column("request_id", "请求编号", hint="与服务日志中的编号一致；命令行操作没有。"),
        ),
        SelectedRows(engine, query, audit.c.number),
        find=("actor", "subject"),
        choices={"action": list(wording.ACTION_NAMES.items())},
        sort="number",
        size=50,
    )


async def page(request: Request) -> Response:
    """Show the audit trail."""
    shown = await show(request, await audit_table(request))
    return render(request, "audit.html", title="操作记录", active="audit", shown=shown)


PAGES = (Page("/audit", page, Role.MANAGER),)
TABLES = (TableSpec("audit", audit_table, Role.MANAGER),)
