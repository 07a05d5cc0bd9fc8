"""The dashboard's application, mounted under `/dashboard` of the server's."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from data.errors import BundleError, ConflictError, GongxuError, InputError, NotFoundError, StoreError
from serving.dashboard.accounts.guard import Guard
from serving.dashboard.page import Page
from serving.dashboard.pages import sign_in, tables
from serving.dashboard.pages.registry import ALL_PAGES
from serving.dashboard.rendering import render
from serving.problems import NO_BUNDLE, OVERLOADED, ApiError

STATIC = Path(__file__).with_name("static")
PAGES: tuple[Page, ...] = (*sign_in.PAGES, *ALL_PAGES, *tables.PAGES)


class _Static(StaticFiles):
    """Files whose address changes with their content: a browser need never ask twice."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_dashboard() -> Starlette:
    """Return the application; `state.services` has to be set before the first request."""
    return Starlette(
        routes=[*(page.route() for page in PAGES), Mount("/static", _Static(directory=STATIC), name="static")],
        middleware=[Middleware(Guard)],
        exception_handlers={
            HTTPException: _http_error,
            GongxuError: _gongxu_error,
            ApiError: _api_error,
        },
    )


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    text = {404: "没有这个页面。", 405: "此页面不支持这种请求。"}.get(status, detail)
    return _error(request, status, text)


async def _gongxu_error(request: Request, error: Exception) -> Response:
    if isinstance(error, NotFoundError):
        return _error(request, 404, "没有找到。", error.chinese or str(error))
    if isinstance(error, ConflictError):
        return _error(request, 409, "他人已先处理，请刷新后再看。", error.chinese or str(error))
    if isinstance(error, InputError):
        return _error(request, 422, "输入有误。", error.chinese or str(error))
    request.state.failure = str(error)  # may name folders and hosts: for the log alone
    if isinstance(error, StoreError):
        return _error(request, 503, "数据库暂不可用，请稍后重试。")
    if isinstance(error, BundleError):
        return _error(request, 503, "模型包暂不可用，请稍后重试。")
    return _error(request, 500, "服务内部错误。")


async def _api_error(request: Request, error: Exception) -> Response:
    problem = error.problem if isinstance(error, ApiError) else None
    if problem is NO_BUNDLE:
        return _error(
            request, 503, "尚无可用的模型包。", "在服务器上依次运行 gongxu import、gongxu build、gongxu train。"
        )
    if problem is OVERLOADED:
        return _error(request, 503, "服务繁忙，请过一秒重试。")
    return _error(request, problem.status if problem else 500, problem.title if problem else "服务内部错误。")


def _error(request: Request, status: int, text: str, detail: str = "") -> Response:
    return render(request, "error.html", status=status, text=text, detail=detail)
