"""How calls travel: sent again while the server is busy or away, answers turned into models, problems into errors."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, TypeAdapter

RETRIED = frozenset({408, 429, 502, 503, 504})
MAX_PAUSE = 30.0
T = TypeVar("T")


class ApiError(Exception):
    """The server answered with a problem; `problem` holds its members, `type` never changes for a kind of error."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('title_en', '')}: {problem.get('detail', '')}".strip())
        self.status = status
        self.problem = dict(problem)

    @property
    def type(self) -> str:
        """The problem's type, such as `urn:gongxu:problem:not-found`; empty if the answer was none of gongxu's."""
        return str(self.problem.get("type", ""))


@dataclass(frozen=True)
class Retries:
    """How often a call is sent and how long to pause in between: `pause`, doubled each time, or what the server says.

    A call may be sent several times, as all that the API does is idempotent.
    """

    attempts: int = 5
    pause: float = 0.2

    def after(self, attempt: int, answer: httpx2.Response | None) -> float | None:
        """Return the seconds to wait before sending again, or None if `answer` (None: no connection) is final."""
        if attempt + 1 >= self.attempts or (answer is not None and answer.status_code not in RETRIED):
            return None
        pause = self.pause * 2.0**attempt
        wait = answer.headers.get("Retry-After", "") if answer is not None else ""
        return min(MAX_PAUSE, max(pause, float(wait)) if wait.isdecimal() else pause)


class SyncTransport:
    """Connections of a synchronous program; close it or use it as a context manager.

    Args:
        base_url: of the server, such as `http://127.0.0.1:8000`.
        key: API key; None on the server's own machine as long as no key exists.
        timeout: seconds for one attempt.
        retries: what to do when the server is busy or away.

    """

    def __init__(
        self, base_url: str, key: str | None = None, *, timeout: float = 30.0, retries: Retries | None = None
    ) -> None:
        self._http = httpx2.Client(base_url=base_url, headers=_headers(key), timeout=timeout)
        self._retries = retries or Retries()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, model: type[T], method: str, path: str, **sent: Any) -> T:
        """Send a call, again if need be, and return its answer as `model`."""
        return _as_model(model, self._answer(method, path, _request(**sent)))

    def text(self, method: str, path: str) -> str:
        """Send a call, again if need be, and return the text of its answer."""
        return self._answer(method, path, {}).text

    def stream(self, path: str, **sent: Any) -> Iterator[dict[str, Any]]:
        """Yield the lines of an answer, and raise if its last line did not come."""
        with self._http.stream("GET", path, timeout=None, **_request(**sent)) as answer:
            if not answer.is_success:
                answer.read()
                raise _error(answer)
            for text in answer.iter_lines():
                if (line := _line(text)) is None:
                    return
                yield line
        raise _broken_off()

    def _answer(self, method: str, path: str, sent: Mapping[str, Any]) -> httpx2.Response:
        attempt = 0
        while True:
            answer: httpx2.Response | None = None
            failure: httpx2.TransportError | None = None
            try:
                answer = self._http.request(method, path, **sent)
            except httpx2.TransportError as error:
                failure = error
            pause = self._retries.after(attempt, answer)
            if pause is None:
                return _final(answer, failure)
            time.sleep(pause)
            attempt += 1


class AsyncTransport:
    """Connections of an asynchronous program; arguments as those of SyncTransport."""

    def __init__(
        self, base_url: str, key: str | None = None, *, timeout: float = 30.0, retries: Retries | None = None
    ) -> None:
        self._http = httpx2.AsyncClient(base_url=base_url, headers=_headers(key), timeout=timeout)
        self._retries = retries or Retries()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, model: type[T], method: str, path: str, **sent: Any) -> T:
        """Send a call, again if need be, and return its answer as `model`."""
        return _as_model(model, await self._answer(method, path, _request(**sent)))

    async def text(self, method: str, path: str) -> str:
        """Send a call, again if need be, and return the text of its answer."""
        return (await self._answer(method, path, {})).text

    async def stream(self, path: str, **sent: Any) -> AsyncIterator[dict[str, Any]]:
        """Yield the lines of an answer, and raise if its last line did not come."""
        async with self._http.stream("GET", path, timeout=None, **_request(**sent)) as answer:
            if not answer.is_success:
                await answer.aread()
                raise _error(answer)
            async for text in answer.aiter_lines():
                if (line := _line(text)) is None:
                    return
                yield line
        raise _broken_off()

    async def _answer(self, method: str, path: str, sent: Mapping[str, Any]) -> httpx2.Response:
        attempt = 0
        while True:
            answer: httpx2.Response | None = None
            failure: httpx2.TransportError | None = None
            try:
                answer = await self._http.request(method, path, **sent)
            except httpx2.TransportError as error:
                failure = error
            pause = self._retries.after(attempt, answer)
            if pause is None:
                return _final(answer, failure)
            await asyncio.sleep(pause)
            attempt += 1


def quoted(part: str) -> str:
    """Return an id as a part of a path."""
    return quote(part, safe="")


def quoted_twice(part: str) -> str:
    """Return an id as one of several parts of a path: its own slashes stay apart from those between the parts."""
    return quote(part.replace("/", "%2F"), safe="")


def _headers(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _plain(value: Any) -> Any:
    """Return a model as what JSON holds; only what was given is sent, the server knows the rest."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _request(
    *, body: Any = None, lines: Iterable[Any] | None = None, query: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    if query is not None:
        sent["params"] = {name: value for name, value in query.items() if value is not None}
    if lines is not None:
        sent["content"] = "\n".join(json.dumps(_plain(line), ensure_ascii=False) for line in lines).encode()
        sent["headers"] = {"Content-Type": "application/x-ndjson"}
    elif body is not None:
        sent["json"] = _plain(body)
    return sent


def _as_model(model: type[T], answer: httpx2.Response) -> T:
    return TypeAdapter(model).validate_json(answer.content)


def _final(answer: httpx2.Response | None, failure: httpx2.TransportError | None) -> httpx2.Response:
    if answer is None:
        raise failure or httpx2.TransportError("no answer")
    if not answer.is_success:
        raise _error(answer)
    return answer


def _error(answer: httpx2.Response) -> ApiError:
    try:
        problem = answer.json()
    except ValueError:
        problem = {"detail": answer.text[:200]}
    return ApiError(answer.status_code, problem if isinstance(problem, dict) else {"detail": str(problem)})


def _line(text: str) -> dict[str, Any] | None:
    """Return a line of an export, or None if it is the last one, which says that nothing is missing."""
    line = dict(json.loads(text))
    return None if "summary" in line else line


def _broken_off() -> ApiError:
    return ApiError(200, {"title_en": "Broken off", "detail": "the export ended before its last line; ask again"})
