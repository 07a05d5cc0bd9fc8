"""What a page is: a path, who may see it, and a handler; and what a handler works with."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from data.store.store import Store
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import SignedIn
from serving.runtime.services import services_of

Handler = Callable[[Request], Awaitable[Response]]
MAX_FIELDS = 200
MAX_FILES = 50
_T = TypeVar("_T")


@dataclass(frozen=True)
class Page:
    """A path under `/dashboard`; `needs` is the least role that may use it, None only for signing in.

    The form of a page that takes `files` may hold some; they are gone when its handler returns.
    """

    path: str
    handler: Handler
    needs: Role | None = Role.VIEWER
    post: bool = False
    files: bool = False

    def route(self) -> Route:
        """Return the route: it admits nobody below the role, and no form without the session's token."""

        async def endpoint(request: Request) -> Response:
            if self.needs is not None:  # before a byte of the form is read
                who = operator_of(request)
                if not who.role.covers(self.needs):
                    raise HTTPException(403, f"此操作需要“{self.needs.value}”角色，你的角色是“{who.role.value}”。")
            if not self.post:
                return await self.handler(request)
            if self.files:
                async with request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS) as form:
                    request.state.form = {
                        name: [value for value in form.getlist(name) if isinstance(value, str)] for name in form
                    }
                    request.state.files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
                    return await self._answer(request)
            request.state.form = await _read_form(request)
            return await self._answer(request)

        return Route(self.path, endpoint, methods=["POST"] if self.post else ["GET"])

    async def _answer(self, request: Request) -> Response:
        """Answer a form that carries the session's token."""
        sent = field(request, "csrf").encode()
        if self.needs is not None and not hmac.compare_digest(sent, operator_of(request).csrf.encode()):
            raise HTTPException(403, "页面已过期，请刷新后重试。")
        return await self.handler(request)


async def _read_form(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form; HTTPException (400) if it is none or has too many."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(400, "表单格式不正确。")
    try:
        return parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise HTTPException(400, "表单内容无法读取。") from error


def field(request: Request, name: str) -> str:
    """Return a field of the form that was sent, "" if it is not there."""
    values: list[str] = request.state.form.get(name) or [""]
    return values[0]


def fields(request: Request, name: str) -> list[str]:
    """Return all values of a field of the form that was sent."""
    values: list[str] = request.state.form.get(name, [])
    return values


def operator_of(request: Request) -> SignedIn:
    """Return who sends the request; every page but those for signing in has somebody."""
    who: SignedIn | None = request.state.operator
    if who is None:
        raise HTTPException(401, "请先登录。")
    return who


async def at_length(request: Request, work: Callable[[Store], _T]) -> _T:
    """Run `work` with the store in a thread, however long it takes: what the store's own threads would give up."""
    return await asyncio.to_thread(work, services_of(request).access.store())


def address(request: Request, path: str, **query: object) -> str:
    """Return the address of a page, with its query; None and "" are left out."""
    given = {name: value for name, value in query.items() if value is not None and value != ""}
    root: str = request.scope["root_path"]
    return root + path + (f"?{urlencode(given, doseq=True)}" if given else "")


def see_other(request: Request, path: str, **query: object) -> Response:
    """Return the answer to a form that was accepted: look there."""
    return RedirectResponse(address(request, path, **query), 303)
