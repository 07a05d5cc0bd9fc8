"""The gate before all routes but health and documentation: who asks, how often, and (per route) what they may do."""

from math import ceil
from typing import Protocol

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.access import roles
from serving.access.credentials import LOCAL, KeyRing, Principal
from serving.access.rates import RateLimit
from serving.problems import FORBIDDEN, RATE_LIMITED, STORE_UNAVAILABLE, UNAUTHORISED, ApiError, problem_response
from serving.telemetry.metrics import RATE_LIMITED_TOTAL, REFUSED

GUARDED = ("/v1/", "/metrics")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "[::1]"})
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
FAILURE_RATE = 5.0  # refused requests a second and address before refusals turn into 429
NO_KEY = "no key exists yet, so only this machine is served; make one with `gongxu keys add NAME --role ROLE`"
NEED_KEY = "send a valid key as `Authorization: Bearer KEY`"


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
            try:
                self._admit(scope)
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
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        services: HoldsKeys = scope["app"].state.services
        address = scope["client"][0] if scope.get("client") else ""
        try:
            principal = identify(services.keys, Headers(scope=scope), address)
        except ApiError:
            REFUSED.inc()
            self._limit(self._failures, address)
            raise
        scope["state"]["principal"] = principal
        scope["state"]["key_name"] = principal.name
        self._limit(self._rates, address if principal is LOCAL else principal.name)

    def _limit(self, rates: RateLimit, name: str) -> None:
        seconds = rates.wait(name)
        if seconds > 0:
            RATE_LIMITED_TOTAL.inc()
            raise ApiError(
                RATE_LIMITED, "too many requests; slow down", {"Retry-After": str(max(1, ceil(min(seconds, 60.0))))}
            )


def identify(keys: KeyRing, headers: Headers, address: str) -> Principal:
    """Return who sends a request with these headers from this address.

    Raises:
        ApiError: nobody may be served on such a request (401), or the keys could not be read yet (503).

    """
    if not keys.known:
        raise ApiError(STORE_UNAVAILABLE, "the API keys cannot be read yet; try again later")
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (principal := keys.principal(key.strip())):
        return principal
    if keys.empty:
        if is_local(headers, address):
            return LOCAL
        raise ApiError(UNAUTHORISED, NO_KEY)
    raise ApiError(UNAUTHORISED, NEED_KEY)


def is_local(headers: Headers, address: str) -> bool:
    """Tell whether a request comes from this machine itself, neither through a proxy nor from a page in a browser."""
    host = headers.get("host", "").lower()
    host = host if host in LOOPBACK else host.rpartition(":")[0]
    origin = headers.get("origin")
    same_origin = origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower()
    forwarded = any(name in headers for name in FORWARDED)
    return address in LOOPBACK and host in LOOPBACK and same_origin and not forwarded


class Needs:
    """Dependency of a route: the key's role must hold the scope."""

    def __init__(self, scope: roles.Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Principal:
        """Return who asks; ApiError (403) if they may not."""
        principal: Principal = request.state.principal
        if self.scope not in roles.SCOPES[principal.role]:
            REFUSED.inc()
            raise ApiError(FORBIDDEN, f"role {principal.role.value!r} does not hold {self.scope.value!r}")
        return principal
