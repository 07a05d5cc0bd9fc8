"""The gate before all routes but health and documentation: authentication, rate limits, and per-route scopes."""

from contextvars import ContextVar
from math import ceil
from typing import Protocol

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access import roles
from serving.access.credentials import LOCAL, KeyRing, Principal
from serving.access.rates import Allowance, RateLimit
from serving.problems import FORBIDDEN, RATE_LIMITED, STORE_UNAVAILABLE, UNAUTHORISED, ApiError, problem_response
from serving.telemetry.metrics import RATE_LIMITED_TOTAL, REFUSED

MCP_PATH = "/mcp"
GUARDED = ("/v1/", "/metrics", MCP_PATH)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "[::1]"})
# What proxies add; one of these and the request does not come from this machine.
FORWARDED = ("forwarded", "via", "x-real-ip", "x-client-ip", "x-original-host", "true-client-ip", "cf-connecting-ip")
FORWARDED_PREFIX = "x-forwarded-"
FAILURE_RATE = 5.0  # refused requests a second and address before refusals turn into 429
NO_KEY = "尚未创建密钥，只接受本机请求；请用 gongxu keys add 名称 --role 角色 创建"
NEED_KEY = "请以 Authorization: Bearer 密钥 的形式发送有效的密钥"


PREPAID: ContextVar[bool] = ContextVar("PREPAID", default=False)
"""Whether a call is made on behalf of a message that took a token of the key's rate already."""


class HoldsKeys(Protocol):
    """What the gate asks of an application's services."""

    @property
    def keys(self) -> KeyRing:
        """The keys that are known now."""
        ...


class Gate:
    """ASGI middleware: refuses before a byte of the body is read."""

    def __init__(self, app: ASGIApp, rate: float) -> None:
        self._app = app
        self._rates = RateLimit(rate)
        self._failures = RateLimit(FAILURE_RATE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"].startswith(GUARDED):
            answer = send
            try:
                allowance = self._admit(scope)
            except ApiError as error:
                response = problem_response(
                    error.problem,
                    error.detail,
                    instance=scope["path"],
                    request_id=scope["state"]["request_id"],
                    headers=error.headers,
                )
                await response(scope, receive, send)
                return

            async def send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], *allowance.headers()]
                await answer(message)

        await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> Allowance:
        services: HoldsKeys = scope["app"].state.services
        address = scope["client"][0] if scope.get("client") else ""
        try:
            principal = identify(services.keys, Headers(scope=scope), address, scope["http_version"])
        except ApiError:
            REFUSED.inc()
            self._limit(self._failures, address)
            raise
        scope["state"]["principal"] = principal
        scope["state"]["key_name"] = principal.name
        name = address if principal is LOCAL else principal.name
        if PREPAID.get():
            return self._rates.take(name, cost=0.0)
        scope["state"]["prepaid"] = scope["path"] == MCP_PATH  # the route that the message asks for is paid with it
        return self._limit(self._rates, name)

    def _limit(self, rates: RateLimit, name: str) -> Allowance:
        allowance = rates.take(name)
        if not allowance.allowed:
            RATE_LIMITED_TOTAL.inc()
            response_headers = {key.decode(): value.decode() for key, value in allowance.headers()}
            response_headers["Retry-After"] = str(max(1, ceil(min(allowance.wait, 60.0))))
            raise ApiError(RATE_LIMITED, "请求过于频繁；请放慢速度", response_headers)
        return allowance


def identify(keys: KeyRing, headers: Headers, address: str, http_version: str = "1.1") -> Principal:
    """Return who sends a request with these headers from this address.

    Raises:
        ApiError: nobody may be served on such a request (401), or the keys could not be read yet (503).

    """
    if not keys.known:
        raise ApiError(STORE_UNAVAILABLE, "暂时无法读取密钥；请稍后再试")
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (principal := keys.principal(key.strip())):
        return principal
    if keys.empty:
        if is_local(headers, address, http_version):
            return LOCAL
        raise ApiError(UNAUTHORISED, NO_KEY)
    raise ApiError(UNAUTHORISED, NEED_KEY)


def is_local(headers: Headers, address: str, http_version: str = "1.1") -> bool:
    """Tell whether a request comes from this machine itself, neither through a proxy nor from a page in a browser.

    A proxy without further settings speaks HTTP/1.0, as nobody at the keyboard does, and names itself as host. One that
    is set to speak 1.1 and to hide whom it speaks for cannot be distinguished: hence what `LOCAL` may not do.
    """
    host = headers.get("host", "").lower()
    host = host if host in LOOPBACK else host.rpartition(":")[0]
    origin = headers.get("origin")
    same_origin = origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower()
    forwarded = any(name in FORWARDED or name.startswith(FORWARDED_PREFIX) for name in headers)
    spoken = http_version != "1.0"
    return address in LOOPBACK and host in LOOPBACK and same_origin and spoken and not forwarded


class Needs:
    """Dependency of a route: the key's role must hold the scope."""

    def __init__(self, scope: roles.Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Principal:
        """Return the caller; ApiError (403) if they may not."""
        principal: Principal = request.state.principal
        if self.scope not in principal.scopes:
            REFUSED.inc()
            if principal is LOCAL:
                raise ApiError(FORBIDDEN, f"{NO_KEY}；没有密钥时不能使用 {self.scope.value}")
            raise ApiError(FORBIDDEN, f"角色 {principal.role.value} 没有权限 {self.scope.value}")
        return principal
