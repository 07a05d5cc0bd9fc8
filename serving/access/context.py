"""What surrounds every request: its id, security headers, limits, one log line, its metrics, and the last resort."""

import asyncio
from collections.abc import Callable
from functools import cache
from secrets import token_hex
from time import perf_counter

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import BODY_TIMEOUT, BODY_TOO_LARGE, INTERNAL, TIMEOUT, ProblemType, problem_response
from serving.telemetry.metrics import REQUEST_SECONDS, REQUESTS
from serving.telemetry.tracing import request_span

log = structlog.get_logger("gongxu.access")

BODY_PAUSE = 15.0  # seconds that a client may pause while it sends a body
SLOW_PATHS = (":bulk", "/export")  # exempt from the time limit, with a larger body
UPLOAD_PATH = "/dashboard/imports/upload"  # the same, with the largest body: it is looked at while the browser waits
PATIENT_PATHS = (UPLOAD_PATH, "/dashboard/imports/table", "/dashboard/imports/undo")
DOCS = ("/docs", "/static-offline-docs")
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
# The documentation page is a script of our own origin with its start-up code inline.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)


_SENT, _SENT_WITH_DOCS = (
    [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    for headers in (SECURITY_HEADERS, SECURITY_HEADERS | {"Content-Security-Policy": DOCS_POLICY})
)
# To look a metric's child up costs more than to count; routes, methods and statuses are few.
_requests = cache(REQUESTS.labels)
_request_seconds = cache(REQUEST_SECONDS.labels)


class _RefusedError(HTTPException):
    """The body is too large or too slow; FastAPI lets an HTTPException pass through its reading of the body."""

    def __init__(self, problem: ProblemType, detail: str) -> None:
        super().__init__(problem.status, detail)
        self.problem = problem


class RequestContext:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, *, timeout: float, max_body: int, max_bulk_body: int, max_upload: int) -> None:
        self._app = app
        self._timeout = timeout
        self._max_body = max_body
        self._max_bulk_body = max_bulk_body
        self._max_upload = max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _headers(message["headers"], request_id, scope["path"])
            await send(message)

        failure: BaseException | None = None
        try:
            with request_span(scope["method"], Headers(scope=scope)) as span:
                failure = await self._guarded(scope, receive, answer, lambda: status != 0)
                if span is not None:
                    span.update_name(f"{scope['method']} {getattr(scope.get('route'), 'path', 'other')}")
                    span.set_attributes({"http.response.status_code": status, "gongxu.request_id": request_id})
        finally:
            self._record(scope, status, perf_counter() - started, failure)

    async def _guarded(
        self, scope: Scope, receive: Receive, send: Send, begun: Callable[[], bool]
    ) -> BaseException | None:
        """Run the app within its limits; return the error that nobody expected, if there was one."""
        path = scope["path"]
        slow = path.endswith(SLOW_PATHS)
        limit = self._max_upload if path == UPLOAD_PATH else self._max_bulk_body if slow else self._max_body
        problem: ProblemType
        failure: BaseException | None = None
        try:
            limited = self._limited(scope, receive, limit)
            async with asyncio.timeout(None if slow or path in PATIENT_PATHS else self._timeout):
                await self._app(scope, limited, send)
        except _RefusedError as refused:
            problem, detail = refused.problem, refused.detail
        except TimeoutError:
            problem, detail = TIMEOUT, f"{self._timeout:g} 秒内没有完成；请减少内容或稍后再试"
        except Exception as error:  # the client gets no stack trace; the log does
            problem, detail, failure = INTERNAL, "服务内部出错；日志中以此 request_id 记录", error
        else:
            return None
        if begun():
            return failure
        response = problem_response(
            problem,
            detail,
            instance=scope["path"],
            request_id=scope["state"]["request_id"],
            # What is left of the body is not read: the connection cannot be used again.
            headers={"Connection": "close"},
        )
        await response(scope, receive, send)
        return failure

    def _limited(self, scope: Scope, receive: Receive, limit: int) -> Receive:
        declared = Headers(scope=scope).get("content-length", "0")
        too_large = _RefusedError(BODY_TOO_LARGE, f"请求内容最多 {limit} 字节；请分批发送")
        if declared.isdecimal() and int(declared) > limit:
            raise too_large
        received = 0
        complete = False

        async def limited() -> Message:
            nonlocal received, complete
            if complete:  # now only the client's leaving can come, which may take as long as it likes
                return await receive()
            try:
                async with asyncio.timeout(BODY_PAUSE):
                    message = await receive()
            except TimeoutError:
                raise _RefusedError(BODY_TIMEOUT, f"{BODY_PAUSE:g} 秒内没有收到内容") from None
            received += len(message.get("body", b""))
            if received > limit:
                raise too_large
            complete = not message.get("more_body", False)
            return message

        return limited

    def _record(self, scope: Scope, status: int, seconds: float, failure: BaseException | None) -> None:
        route = scope.get("route")
        path = getattr(route, "path", "other")
        _requests(path, scope["method"] if path != "other" else "other", str(status)).inc()
        _request_seconds(path).observe(seconds)
        state = scope["state"]
        facts = {
            "request_id": state["request_id"],
            "method": scope["method"],
            "route": path,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "key": state.get("key_name", ""),
        }
        if failure is not None:
            log.error("request failed", **facts, exc_info=failure)
        elif "failure" in state:
            log.warning("request", **facts, reason=state["failure"])
        else:
            log.info("request", **facts)


def _headers(given: list[tuple[bytes, bytes]], request_id: str, path: str) -> list[tuple[bytes, bytes]]:
    """Return a response's headers with the request's id and, where the route says nothing else, the security headers."""
    named = {name.lower() for name, _ in given}
    added = _SENT_WITH_DOCS if path.startswith(DOCS) else _SENT
    return [*given, (b"x-request-id", request_id.encode()), *(pair for pair in added if pair[0] not in named)]
