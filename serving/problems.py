"""Errors as RFC 9457 problem details: stable types, Chinese and English titles, one line of detail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from data.errors import BundleError, ConflictError, GongxuError, InputError, NotFoundError, StoreError

MEDIA_TYPE = "application/problem+json"
MAX_LISTED = 50  # faults of one request that are spelled out


@dataclass(frozen=True)
class ProblemType:
    """A kind of error: its name never changes, so that clients may branch on it."""

    name: str
    status: int
    title: str
    title_en: str
    retry_after: int | None = None

    @property
    def uri(self) -> str:
        """The stable `type` of RFC 9457."""
        return f"urn:gongxu:problem:{self.name}"


INVALID_REQUEST = ProblemType("invalid-request", 422, "请求内容不合要求", "The request is not valid")
UNAUTHORISED = ProblemType("unauthorised", 401, "缺少有效的密钥", "A valid API key is needed")
FORBIDDEN = ProblemType("forbidden", 403, "该密钥无此权限", "The API key does not allow this")
NOT_FOUND = ProblemType("not-found", 404, "没有这条记录", "There is no such record")
NO_SUCH_PATH = ProblemType("no-such-path", 404, "没有这个接口", "There is no such endpoint")
CONFLICT = ProblemType("conflict", 409, "他人已先处理", "Somebody else acted first")
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", 405, "该接口不支持此方法", "The method is not allowed here")
BODY_TIMEOUT = ProblemType("body-timeout", 408, "请求内容接收超时", "The request's body took too long to arrive")
BODY_TOO_LARGE = ProblemType("body-too-large", 413, "请求内容过大", "The request's body is too large")
UNSUPPORTED_MEDIA = ProblemType("unsupported-media-type", 415, "不支持的内容类型", "The content type is not supported")
RATE_LIMITED = ProblemType("rate-limited", 429, "请求过于频繁", "Too many requests", 1)
INTERNAL = ProblemType("internal-error", 500, "服务内部错误", "Internal error")
OVERLOADED = ProblemType("overloaded", 503, "服务繁忙", "The server is busy", 1)
NO_BUNDLE = ProblemType("no-bundle", 503, "尚无可用的模型包", "No bundle is loaded", 10)
NO_GRAPH = ProblemType("no-graph", 503, "尚无知识图谱", "No knowledge graph is loaded", 30)
STORE_UNAVAILABLE = ProblemType("store-unavailable", 503, "数据库暂不可用", "The store cannot be used right now", 2)
TIMEOUT = ProblemType("timeout", 504, "处理超时", "The request took too long", 2)
MALFORMED = ProblemType("malformed-request", 400, "请求内容无法读取", "The request cannot be read")

_BY_STATUS = {
    404: NO_SUCH_PATH,
    405: METHOD_NOT_ALLOWED,
    408: BODY_TIMEOUT,
    413: BODY_TOO_LARGE,
    415: UNSUPPORTED_MEDIA,
}


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(frozen=True)

    where: str = Field(description="Path to the value, such as body.filters.budget", examples=["body.top_k"])
    message: str = Field(examples=["Input should be less than or equal to 200"])


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=[NOT_FOUND.uri])
    title: str = Field(examples=[NOT_FOUND.title])
    title_en: str = Field(examples=[NOT_FOUND.title_en])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no demand with id 'D9'; nearest ids: D000009, D000019"])
    instance: str = Field(description="Path of the request", examples=["/v1/recommendations/achievements"])
    request_id: str = Field(examples=["0f4c6a52d1b04f7d8e2f0a1b2c3d4e5f"])
    errors: list[Fault] | None = Field(None, description="What is wrong with the request, value by value")
    nearest_ids: list[str] | None = Field(None, description="Existing ids that look like the one asked for")


class ApiError(Exception):
    """Raised where a request has to end with a problem of a certain type."""

    def __init__(self, problem: ProblemType, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.headers = dict(headers or {})


def problem_body(
    problem: ProblemType,
    detail: str,
    *,
    instance: str,
    request_id: str,
    status: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a problem as JSON will show it; `extra` are members of `Problem` beyond the usual ones."""
    return {
        "type": problem.uri,
        "title": problem.title,
        "title_en": problem.title_en,
        "status": status or problem.status,
        "detail": detail,
        "instance": instance,
        "request_id": request_id,
        **(extra or {}),
    }


def problem_response(
    problem: ProblemType,
    detail: str,
    *,
    instance: str,
    request_id: str,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """Return the response for a problem."""
    body = problem_body(problem, detail, instance=instance, request_id=request_id, status=status, extra=extra)
    sent = dict(headers or {})
    if problem.retry_after is not None:
        sent.setdefault("Retry-After", str(problem.retry_after))
    if problem is UNAUTHORISED:
        sent.setdefault("WWW-Authenticate", "Bearer")
    return Response(orjson.dumps(body), status or problem.status, sent, MEDIA_TYPE)


def problem_of(error: GongxuError) -> tuple[ProblemType, dict[str, Any]]:
    """Return the type that fits an error made on purpose, and what more is known of it."""
    if isinstance(error, NotFoundError):
        return NOT_FOUND, {"nearest_ids": list(error.nearest)}
    if isinstance(error, ConflictError):
        return CONFLICT, {}
    if isinstance(error, InputError):
        return INVALID_REQUEST, {}
    if isinstance(error, StoreError):
        return STORE_UNAVAILABLE, {}
    if isinstance(error, BundleError):
        return NO_BUNDLE, {}
    return INTERNAL, {}


def faults_of(errors: list[Any]) -> list[dict[str, str]]:
    """Return what Pydantic found wrong, without repeating the values that were sent."""
    faults = []
    for error in errors[:MAX_LISTED]:
        where = ".".join(str(part) for part in error["loc"])
        faults.append(
            {
                "where": where.encode(errors="replace").decode(),
                "message": _printable(error["msg"].removeprefix("Value error, ")),
            }
        )
    return faults


def add_handlers(app: FastAPI) -> None:
    """Let every error of a route become a problem."""

    @app.exception_handler(ApiError)
    async def _api_problem(request: Request, error: ApiError) -> Response:
        return _answer(request, error.problem, error.detail, headers=error.headers)

    @app.exception_handler(GongxuError)
    async def _gongxu_error(request: Request, error: GongxuError) -> Response:
        problem, extra = problem_of(error)
        # What is no fault of the client's may name folders and hosts: that belongs in the log, not in an answer.
        if isinstance(error, InputError):
            return _answer(request, problem, str(error), extra=extra)
        request.state.failure = str(error)
        return _answer(request, problem, f"{problem.title_en}; try again later")

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        faults = faults_of(list(error.errors()))
        detail = "; ".join(f"{fault['where']}: {fault['message']}" for fault in faults[:3])
        return _answer(request, INVALID_REQUEST, detail, extra={"errors": faults})

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> Response:
        problem = _BY_STATUS.get(error.status_code, MALFORMED)
        return _answer(request, problem, str(error.detail), status=error.status_code, headers=error.headers)


def _answer(
    request: Request,
    problem: ProblemType,
    detail: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    return problem_response(
        problem,
        _printable(detail),
        instance=request.url.path,
        request_id=request.state.request_id,
        status=status,
        headers=headers,
        extra=extra,
    )


def _printable(text: str) -> str:
    return text.encode(errors="replace").decode()


def responses(*problems: ProblemType, ok: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI descriptions of a route's problems, one per status, and of its success if `ok` is given."""
    documented: dict[int | str, dict[str, Any]] = {200: ok} if ok else {}
    schema = {"$ref": "#/components/schemas/Problem"}
    for problem in problems:
        example = {
            "summary": problem.title_en,
            "value": {
                "type": problem.uri,
                "title": problem.title,
                "title_en": problem.title_en,
                "status": problem.status,
                "detail": problem.title_en,
                "instance": "/v1/…",
                "request_id": "0f4c6a52d1b04f7d8e2f0a1b2c3d4e5f",
            },
        }
        entry = documented.setdefault(
            problem.status,
            {"description": problem.title_en, "content": {MEDIA_TYPE: {"schema": schema, "examples": {}}}},
        )
        entry["content"][MEDIA_TYPE]["examples"][problem.name] = example
        if problem.retry_after is not None:
            entry["headers"] = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
    return documented


# What any route under /v1 may answer.
COMMON = (
    MALFORMED,
    UNAUTHORISED,
    FORBIDDEN,
    BODY_TIMEOUT,
    BODY_TOO_LARGE,
    INVALID_REQUEST,
    RATE_LIMITED,
    INTERNAL,
    OVERLOADED,
    STORE_UNAVAILABLE,
    TIMEOUT,
)
