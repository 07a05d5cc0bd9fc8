"""A Python client of the API, sync and async; needs nothing of gongxu but this file, and httpx."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

Json = dict[str, Any]
RETRIED = frozenset({408, 429, 502, 503, 504})
MAX_PAUSE = 30.0


class GongxuApiError(Exception):
    """The server answered with a problem; `problem` holds its members, `type` never changes for a kind of error."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('title_en', '')}: {problem.get('detail', '')}".strip())
        self.status = status
        self.problem = dict(problem)

    @property
    def type(self) -> str:
        """The problem's type, such as `urn:gongxu:problem:not-found`; empty if the answer was none of gongxu's."""
        return str(self.problem.get("type", ""))


def new_event(kind: str, demand_id: str, achievement_id: str, **more: Any) -> Json:
    """Return an event that happened now, under a new id; `more` may give request_id, position, amount or reason."""
    return {
        "event_id": uuid.uuid4().hex,
        "kind": kind,
        "demand_id": demand_id,
        "achievement_id": achievement_id,
        "occurred_at": datetime.now(UTC).isoformat(),
        **more,
    }


@dataclass(frozen=True)
class Call:
    """One request; it may be sent several times, as all that the API does is idempotent."""

    method: str
    path: str
    body: Any = None
    content: bytes | None = None
    headers: Json = field(default_factory=dict)

    def request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Return the request for httpx."""
        sent: Json = {"content": self.content} if self.content is not None else {"json": self.body}
        return client.build_request(self.method, self.path, headers=self.headers, **sent)


def _recommend_achievements(subject: Json, options: Json) -> Call:
    return Call("POST", "/v1/recommendations/achievements", subject | options)


def _recommend_demands(subject: Json, options: Json) -> Call:
    return Call("POST", "/v1/recommendations/demands", subject | options)


def _put(kind: str, record: Mapping[str, Any]) -> Call:
    record_id = str(record[f"{kind.removesuffix('s')}_id"])
    return Call("PUT", f"/v1/{kind}/{quote(record_id, safe='')}", dict(record))


def _delete(kind: str, record_id: str) -> Call:
    return Call("DELETE", f"/v1/{kind}/{quote(record_id, safe='')}")


def _bulk(kind: str, records: Iterable[Mapping[str, Any]]) -> Call:
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    return Call("POST", f"/v1/{kind}:bulk", content=lines.encode(), headers={"Content-Type": "application/x-ndjson"})


def _events(events: Sequence[Mapping[str, Any]]) -> Call:
    return Call("POST", "/v1/events", [dict(event) for event in events])


def _batch(side: str, subjects: Iterable[Json], options: Json) -> Call:
    return Call("POST", f"/v1/recommendations/{side}:batch", {"requests": [subject | options for subject in subjects]})


def _escaped(record_id: str) -> str:
    return quote(record_id.replace("/", "%2F"), safe="")


def _match(demand_id: str, achievement_id: str) -> Call:
    return Call("GET", f"/v1/matches/{_escaped(demand_id)}/{_escaped(achievement_id)}")


def _similar(kind: str, record_id: str, top_k: int) -> Call:
    return Call("GET", f"/v1/{kind}/{quote(record_id, safe='')}/similar?top_k={top_k}")


def _export(side: str, top_k: int, explain: str) -> Call:
    return Call("GET", f"/v1/recommendations/{side}/export?top_k={top_k}&explain={explain}")


def _line(text: str) -> Json | None:
    """Return a line of an export, or None if it is the last one, which says that nothing is missing."""
    line = dict(json.loads(text))
    return None if "summary" in line else line


def _broken_off() -> GongxuApiError:
    return GongxuApiError(200, {"title_en": "Broken off", "detail": "the export ended before its last line; ask again"})


@dataclass(frozen=True)
class Retries:
    """How often a call is sent and how long to pause in between: `pause`, doubled each time, or what the server says."""

    attempts: int = 5
    pause: float = 0.2

    def after(self, attempt: int, answer: httpx.Response | None) -> float | None:
        """Return the seconds to wait before sending again, or None if `answer` (None: no connection) is final."""
        if attempt + 1 >= self.attempts or (answer is not None and answer.status_code not in RETRIED):
            return None
        pause = self.pause * 2.0**attempt
        told = answer.headers.get("Retry-After", "") if answer is not None else ""
        return min(MAX_PAUSE, max(pause, float(told)) if told.isdecimal() else pause)


def _result(answer: httpx.Response) -> Json:
    if answer.is_success:
        return dict(answer.json())
    try:
        problem = answer.json()
    except ValueError:
        problem = {"detail": answer.text[:200]}
    raise GongxuApiError(answer.status_code, problem if isinstance(problem, dict) else {"detail": str(problem)})


def _headers(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


class Client:
    """The API for synchronous programs; close it or use it as a context manager. All methods raise GongxuApiError.

    Args:
        base_url: of the server, such as `http://127.0.0.1:8000`.
        key: API key; None on the server's own machine as long as no key exists.
        timeout: seconds for one attempt.
        retries: what to do when the server is busy or away.
        transport: for tests.

    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=base_url, headers=_headers(key), timeout=timeout, transport=transport)
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

    def recommend_achievements(self, *, top_k: int = 10, subject: Json, **options: Any) -> Json:
        """Return achievements for `subject`: {"demand_id": …}, {"demand": {…}} or {"text": …}; options as in the API."""
        return self.send(_recommend_achievements(subject, {"top_k": top_k} | options))

    def recommend_demands(self, *, top_k: int = 10, subject: Json, **options: Any) -> Json:
        """Return demands for `subject`: {"achievement_id": …}, {"achievement": {…}} or {"text": …}."""
        return self.send(_recommend_demands(subject, {"top_k": top_k} | options))

    def recommend_achievements_to_many(self, subjects: Iterable[Json], *, top_k: int = 10, **options: Any) -> Json:
        """Return `results` for up to 100 subjects, each an `answer` or a `problem`, in their order."""
        return self.send(_batch("achievements", subjects, {"top_k": top_k} | options))

    def recommend_demands_to_many(self, subjects: Iterable[Json], *, top_k: int = 10, **options: Any) -> Json:
        """Return `results` for up to 100 achievements or texts, each an `answer` or a `problem`, in their order."""
        return self.send(_batch("demands", subjects, {"top_k": top_k} | options))

    def export_achievements(self, *, top_k: int = 10, explain: str = "none") -> Iterator[Json]:
        """Yield an answer (or a problem) for every demand; raises at the end if the export broke off."""
        return self._lines(_export("achievements", top_k, explain))

    def export_demands(self, *, top_k: int = 10, explain: str = "none") -> Iterator[Json]:
        """Yield an answer (or a problem) for every achievement; raises at the end if the export broke off."""
        return self._lines(_export("demands", top_k, explain))

    def similar_achievements(self, achievement_id: str, *, top_k: int = 10) -> Json:
        """Return the achievements whose texts are nearest to one's."""
        return self.send(_similar("achievements", achievement_id, top_k))

    def similar_demands(self, demand_id: str, *, top_k: int = 10) -> Json:
        """Return the demands whose texts are nearest to one's."""
        return self.send(_similar("demands", demand_id, top_k))

    def match(self, demand_id: str, achievement_id: str) -> Json:
        """Return one pair explained."""
        return self.send(_match(demand_id, achievement_id))

    def put_achievement(self, record: Mapping[str, Any]) -> Json:
        """Insert or replace an achievement; on return it is on disk."""
        return self.send(_put("achievements", record))

    def put_demand(self, record: Mapping[str, Any]) -> Json:
        """Insert or replace a demand; on return it is on disk."""
        return self.send(_put("demands", record))

    def delete_achievement(self, achievement_id: str) -> Json:
        """Delete an achievement."""
        return self.send(_delete("achievements", achievement_id))

    def delete_demand(self, demand_id: str) -> Json:
        """Delete a demand."""
        return self.send(_delete("demands", demand_id))

    def upload_achievements(self, records: Iterable[Mapping[str, Any]]) -> Json:
        """Insert or replace up to 20,000 achievements; every line has its result."""
        return self.send(_bulk("achievements", records))

    def upload_demands(self, records: Iterable[Mapping[str, Any]]) -> Json:
        """Insert or replace up to 20,000 demands; every line has its result."""
        return self.send(_bulk("demands", records))

    def report(self, *events: Mapping[str, Any]) -> Json:
        """Store events (see `new_event`); sent again after a failure they keep their ids, so that nothing is doubled."""
        return self.send(_events(events))

    def _lines(self, call: Call) -> Iterator[Json]:
        with self._http.stream(call.method, call.path, timeout=None) as answer:
            if not answer.is_success:
                answer.read()
                _result(answer)
            for text in answer.iter_lines():
                if (line := _line(text)) is None:
                    return
                yield line
        raise _broken_off()

    def send(self, call: Call) -> Json:
        """Send a call, again if need be, and return the answer's body."""
        attempt = 0
        while True:
            answer: httpx.Response | None = None
            failure: httpx.TransportError | None = None
            try:
                answer = self._http.send(call.request(self._http))
            except httpx.TransportError as error:
                failure = error
            pause = self._retries.after(attempt, answer)
            if pause is None:
                if answer is None:
                    raise failure or httpx.TransportError("no answer")
                return _result(answer)
            time.sleep(pause)
            attempt += 1


class AsyncClient:
    """The API for asynchronous programs; the same methods, awaited."""

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, headers=_headers(key), timeout=timeout, transport=transport)
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

    async def recommend_achievements(self, *, top_k: int = 10, subject: Json, **options: Any) -> Json:
        """Return achievements for `subject`: {"demand_id": …}, {"demand": {…}} or {"text": …}; options as in the API."""
        return await self.send(_recommend_achievements(subject, {"top_k": top_k} | options))

    async def recommend_demands(self, *, top_k: int = 10, subject: Json, **options: Any) -> Json:
        """Return demands for `subject`: {"achievement_id": …}, {"achievement": {…}} or {"text": …}."""
        return await self.send(_recommend_demands(subject, {"top_k": top_k} | options))

    async def recommend_achievements_to_many(
        self, subjects: Iterable[Json], *, top_k: int = 10, **options: Any
    ) -> Json:
        """Return `results` for up to 100 subjects, each an `answer` or a `problem`, in their order."""
        return await self.send(_batch("achievements", subjects, {"top_k": top_k} | options))

    async def recommend_demands_to_many(self, subjects: Iterable[Json], *, top_k: int = 10, **options: Any) -> Json:
        """Return `results` for up to 100 achievements or texts, each an `answer` or a `problem`, in their order."""
        return await self.send(_batch("demands", subjects, {"top_k": top_k} | options))

    def export_achievements(self, *, top_k: int = 10, explain: str = "none") -> AsyncIterator[Json]:
        """Yield an answer (or a problem) for every demand; raises at the end if the export broke off."""
        return self._lines(_export("achievements", top_k, explain))

    def export_demands(self, *, top_k: int = 10, explain: str = "none") -> AsyncIterator[Json]:
        """Yield an answer (or a problem) for every achievement; raises at the end if the export broke off."""
        return self._lines(_export("demands", top_k, explain))

    async def similar_achievements(self, achievement_id: str, *, top_k: int = 10) -> Json:
        """Return the achievements whose texts are nearest to one's."""
        return await self.send(_similar("achievements", achievement_id, top_k))

    async def similar_demands(self, demand_id: str, *, top_k: int = 10) -> Json:
        """Return the demands whose texts are nearest to one's."""
        return await self.send(_similar("demands", demand_id, top_k))

    async def match(self, demand_id: str, achievement_id: str) -> Json:
        """Return one pair explained."""
        return await self.send(_match(demand_id, achievement_id))

    async def put_achievement(self, record: Mapping[str, Any]) -> Json:
        """Insert or replace an achievement; on return it is on disk."""
        return await self.send(_put("achievements", record))

    async def put_demand(self, record: Mapping[str, Any]) -> Json:
        """Insert or replace a demand; on return it is on disk."""
        return await self.send(_put("demands", record))

    async def delete_achievement(self, achievement_id: str) -> Json:
        """Delete an achievement."""
        return await self.send(_delete("achievements", achievement_id))

    async def delete_demand(self, demand_id: str) -> Json:
        """Delete a demand."""
        return await self.send(_delete("demands", demand_id))

    async def upload_achievements(self, records: Iterable[Mapping[str, Any]]) -> Json:
        """Insert or replace up to 20,000 achievements; every line has its result."""
        return await self.send(_bulk("achievements", records))

    async def upload_demands(self, records: Iterable[Mapping[str, Any]]) -> Json:
        """Insert or replace up to 20,000 demands; every line has its result."""
        return await self.send(_bulk("demands", records))

    async def report(self, *events: Mapping[str, Any]) -> Json:
        """Store events (see `new_event`); sent again after a failure they keep their ids, so that nothing is doubled."""
        return await self.send(_events(events))

    async def _lines(self, call: Call) -> AsyncIterator[Json]:
        async with self._http.stream(call.method, call.path, timeout=None) as answer:
            if not answer.is_success:
                await answer.aread()
                _result(answer)
            async for text in answer.aiter_lines():
                if (line := _line(text)) is None:
                    return
                yield line
        raise _broken_off()

    async def send(self, call: Call) -> Json:
        """Send a call, again if need be, and return the answer's body."""
        attempt = 0
        while True:
            answer: httpx.Response | None = None
            failure: httpx.TransportError | None = None
            try:
                answer = await self._http.send(call.request(self._http))
            except httpx.TransportError as error:
                failure = error
            pause = self._retries.after(attempt, answer)
            if pause is None:
                if answer is None:
                    raise failure or httpx.TransportError("no answer")
                return _result(answer)
            await asyncio.sleep(pause)
            attempt += 1
