"""Each table alone: without its page, and as a file."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from serving.dashboard.exports import FORMATS, as_csv, as_xlsx
from serving.dashboard.page import Page, at_length, operator_of
from serving.dashboard.pages.registry import ALL_TABLES
from serving.dashboard.rendering import render
from serving.dashboard.tables import Table, show


async def table_alone(request: Request) -> Response:
    """Return a table without its page: for what sorts and pages without loading all again."""
    table = await _asked_table(request)
    return render(request, "table_alone.html", shown=await show(request, table))


async def export(request: Request) -> Response:
    """Return a table as a file, sorted and filtered as it is seen."""
    table = await _asked_table(request)
    kind = request.query_params.get("format", "csv")
    if kind not in FORMATS:
        raise HTTPException(400, "导出格式只有 csv 和 xlsx。")
    view = table.view(request.query_params)
    headers = {"Content-Disposition": f'attachment; filename="{table.name}.{kind}"'}
    if kind == "csv":
        return StreamingResponse(as_csv(table, view), media_type=FORMATS[kind], headers=headers)
    body = await at_length(request, lambda _: as_xlsx(table, view))
    return Response(body, media_type=FORMATS[kind], headers=headers)


async def _asked_table(request: Request) -> Table:
    spec = ALL_TABLES.get(request.path_params["name"])
    if spec is None:
        raise HTTPException(404)
    if not operator_of(request).role.covers(spec.needs):
        raise HTTPException(403, f"此表需要“{spec.needs.value}”角色。")
    return await spec.build(request)


PAGES = (
    Page("/tables/{name}", table_alone),
    Page("/tables/{name}/export", export),
)
