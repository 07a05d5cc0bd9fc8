"""The guard before every page: nobody gets past it but to the login page and its static files."""

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.dashboard.accounts.sessions import COOKIE, signed_in, utc_now

if TYPE_CHECKING:
    from serving.runtime.services import Services

LOGIN = "/login"
OPEN_PATHS = (LOGIN, "/static/")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAX_COOKIE = 200


class Guard:
    """ASGI middleware of the dashboard: who is it, does the form come from our own page, what may the page load."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["Referrer-Policy"] = "same-origin"
            await send(message)

        request = Request(scope)
        refusal = await self._refusal(request)
        await (refusal or self._app)(scope, receive, answer)

    async def _refusal(self, request: Request) -> Response | None:
        path = request.scope["path"].removeprefix(request.scope["root_path"])
        request.state.operator = None
        if path.startswith("/static/"):
            return None
        if request.method not in ("GET", "HEAD") and not from_own_page(request):
            return PlainTextResponse("此请求不是从本站页面发出的。", 403)
        cookie = request.cookies.get(COOKIE, "")
        if cookie and len(cookie) <= MAX_COOKIE:
            services: Services = request.app.state.services
            who = await services.in_store(partial(signed_in, cookie=cookie, now=utc_now()))
            request.state.operator = who
            if who is not None:
                request.state.key_name = who.actor  # for the access log
        if request.state.operator is not None or path.startswith(OPEN_PATHS):
            return None
        if request.method != "GET" or "x-fragment" in request.headers:
            return PlainTextResponse("请先登录。", 401)
        wanted = request.scope["root_path"] + path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{request.scope['root_path']}{LOGIN}?{urlencode({'next': wanted})}", 303)


def from_own_page(request: Request) -> bool:
    """Tell whether a browser says that a request comes from a page of ours; without any such word it is not believed."""
    headers: Headers = request.headers
    site = headers.get("sec-fetch-site")
    if site is not None:  # no page can forge it, and a proxy may well have changed the host
        return site == "same-origin"
    origin = headers.get("origin") or headers.get("referer") or ""
    return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
