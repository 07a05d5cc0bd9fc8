"""Errors as RFC 9457 problem details: stable types, Chinese and English titles, one line of detail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from data.errors import (
    BundleError,
    ClusterError,
    ConflictError,
    EncoderError,
    GongxuError,
    InputError,
    ModelUnavailableError,
    NotFoundError,
    ShardedError,
    StoreError,
)
from data.locks import BusyError
from serving.faults import faults_of, is_chinese

MEDIA_TYPE = "application/problem+json"
MAX_INSTANCE = 500  # characters of a path that are repeated


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
BUSY = ProblemType("busy", 409, "另一项操作正在进行", "Another operation is in progress", 10)
NOT_PROMOTED = ProblemType("not-promoted", 409, "该版本未经晋级", "This version was not promoted")
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
MODEL_UNAVAILABLE = ProblemType("model-unavailable", 503, "外部模型暂不可用", "A model cannot be reached", 5)
SHARDS_SILENT = ProblemType("shards-silent", 503, "检索分片暂未应答", "No shard answered in time", 1)
NOT_ON_SHARDS = ProblemType("not-on-shards", 501, "分片服务不提供此项功能", "A sharded server does not offer this")
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

    where: str = Field(
        description="Path to the value, such as body.filters.budget, or list.2.kind in a list of events",
        examples=["body.top_k"],
    )
    message: str = Field(examples=["“500”：须不大于 200"])


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=[NOT_FOUND.uri])
    title: str = Field(examples=[NOT_FOUND.title])
    title_en: str = Field(examples=[NOT_FOUND.title_en])
    status: int = Field(examples=[404])
    detail: str = Field(description="In Chinese", examples=["没有编号为“D9”的需求；相近的编号：D000009、D000019"])
    instance: str = Field(description="Path of the request", examples=["/v1/recommendations/achievements"])
    request_id: str = Field(examples=["0f4c6a52d1b04f7d8e2f0a1b2c3d4e5f"])
    errors: list[Fault] | None = Field(None, description="What is wrong with the request, value by value")
    nearest_ids: list[str] | None = Field(None, description="Existing ids that look like the one asked for")
    added: int | None = Field(None, description="Of a list of events: how many of the others were added, see `results`")
    known: int | None = None
    conflicting: int | None = None
    rejected: int | None = None
    results: list[dict[str, Any]] | None = Field(None, description="Of a list of events: the outcome of each")


class ApiError(Exception):
    """Raised where a request has to end with a problem of a certain type."""

    def __init__(self, problem: ProblemType, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.headers = dict(headers or {})


def detail_of(error: GongxuError, problem: ProblemType) -> str:
    """Return in Chinese what an error says."""
    reason_text = str(error)
    return error.chinese or (reason_text if is_chinese(reason_text) else f"{problem.title}：{reason_text}")


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
        "instance": instance[:MAX_INSTANCE],
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


# The first that fits: NotFoundError and ConflictError are InputErrors too.
_BY_ERROR: tuple[tuple[type[GongxuError], ProblemType], ...] = (
    (NotFoundError, NOT_FOUND),
    (ConflictError, CONFLICT),
    (InputError, INVALID_REQUEST),
    (StoreError, STORE_UNAVAILABLE),
    (BundleError, NO_BUNDLE),
    (ModelUnavailableError, MODEL_UNAVAILABLE),
    (ShardedError, NOT_ON_SHARDS),
    (ClusterError, SHARDS_SILENT),
    (EncoderError, MODEL_UNAVAILABLE),
    (BusyError, BUSY),
)


def problem_of(error: GongxuError) -> tuple[ProblemType, dict[str, Any]]:
    """Return the type that fits an error made on purpose, and what more is known of it."""
    extra = {"nearest_ids": list(error.nearest)} if isinstance(error, NotFoundError) else {}
    return next((problem for kind, problem in _BY_ERROR if isinstance(error, kind)), INTERNAL), extra


def described(faults: list[dict[str, str]]) -> tuple[str, dict[str, Any]]:
    """Return the detail of a problem with these faults, and the member that lists them."""
    return "；".join(f"{fault['where']}：{fault['message']}" for fault in faults[:3]), {"errors": faults}


def unsupported(request: Request, wanted: str) -> str:
    """Return what to say of a body whose type is another than `wanted`."""
    return f"请以 {wanted} 发送，现为 {request.headers.get('content-type') or '未注明类型'}"


def _methods(request: Request, routes: Sequence[BaseRoute]) -> list[str]:
    """Return the methods that some route answers at the request's path."""
    allowed: set[str] = set()
    for route in routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            allowed |= getattr(route, "methods", None) or set()
    return sorted(allowed)


def add_handlers(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Let every error become a problem; `routes` are those of the API."""

    @app.exception_handler(ApiError)
    async def _api_problem(request: Request, error: ApiError) -> Response:
        return _answer(request, error.problem, error.detail, headers=error.headers)

    @app.exception_handler(GongxuError)
    async def _gongxu_error(request: Request, error: GongxuError) -> Response:
        problem, extra = problem_of(error)
        # What is no fault of the client's may name folders and hosts: that belongs in the log, not in an answer.
        if isinstance(error, InputError | BusyError | ShardedError):
            return _answer(request, problem, detail_of(error, problem), extra=extra)
        request.state.failure = str(error)
        return _answer(request, problem, f"{problem.title}，请稍后再试")

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        found = list(error.errors())
        if any(fault["type"] == "json_invalid" for fault in found):
            place = next((fault["loc"][1] for fault in found if len(fault["loc"]) > 1), 0)
            return _answer(request, MALFORMED, f"请求内容不是有效的 JSON（第 {place} 个字符处）")
        if any(fault["loc"] == ("body",) and isinstance(fault.get("input"), bytes) for fault in found):
            return _answer(request, UNSUPPORTED_MEDIA, unsupported(request, "application/json"))
        detail, extra = described(faults_of(found))
        return _answer(request, INVALID_REQUEST, detail, extra=extra)

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> Response:
        problem = _BY_STATUS.get(error.status_code, MALFORMED)
        headers = dict(error.headers or {})
        if problem is METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods(request, routes))
        reason_text = str(error.detail)
        detail = reason_text if is_chinese(reason_text) else problem.title
        return _answer(request, problem, detail, status=error.status_code, headers=headers)


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
    UNSUPPORTED_MEDIA,
    INVALID_REQUEST,
    RATE_LIMITED,
    INTERNAL,
    OVERLOADED,
    STORE_UNAVAILABLE,
    TIMEOUT,
)
