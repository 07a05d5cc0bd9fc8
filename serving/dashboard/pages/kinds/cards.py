"""成熟度、市场与风险: the three cards of an achievement."""

from starlette.requests import Request
from starlette.responses import Response

from serving.dashboard.page import Page
from serving.dashboard.pages.kinds.firms import asked_day
from serving.dashboard.rendering import render
from serving.dashboard.tables import TableSpec
from serving.runtime.cards import cards_of
from serving.runtime.services import services_of

STATUSES = {
    "stated": "记录所述",
    "estimated": "估计",
    "computed": "由库中记录算出",
    "warning": "注意",
    "unknown": "未知",
}
FIELDS = {
    "title": "名称", "content": "简介", "indicators": "技术指标", "ip": "知识产权", "trl": "技术成熟度", "stage": "成熟阶段",
    "holder": "完成单位", "holder_type": "单位类型", "form": "成果形式", "transfer_modes": "转化方式", "region": "地区",
    "budget_max": "预算上限", "published_at": "发布日期", "updated_at": "更新日期",
}  # fmt: skip


async def cards_page(request: Request) -> Response:
    """Show the cards of a stored achievement."""
    services, wanted, day = services_of(request), request.query_params.get("id", ""), asked_day(request)
    record = await services.in_store(lambda store: store.achievement(wanted))
    found = await cards_of(services, wanted, day)
    return render(
        request, "kinds/cards.html", title=f"成熟度、市场与风险：{record.title}", active="browse", record=record,
        found=found, day=day, statuses=STATUSES, fields=FIELDS,
    )  # fmt: skip


PAGES = (Page("/browse/cards", cards_page),)
TABLES: tuple[TableSpec, ...] = ()
