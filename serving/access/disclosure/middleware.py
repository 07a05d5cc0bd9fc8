"""The one filter that every answer of the API passes: ASGI middleware between the routes and all that tags or packs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TypeVar, cast
from urllib.parse import unquote

import orjson
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.errors import StoreError, unknown_id
from data.kinds.disclosure import Access
from data.store.store import Store
from serving.access.credentials import Principal
from serving.access.disclosure.grams import NONE, distinct
from serving.access.disclosure.redaction import GONE, Caller, Redaction, without_ids
from serving.access.disclosure.registry import DisclosureRegistry, RecordKey, RestrictedRecords
from serving.access.roles import Scope as Right
from serving.problems import INVALID_REQUEST, NOT_FOUND, STORE_UNAVAILABLE, problem_body, problem_response

_T = TypeVar("_T")
log = structlog.get_logger("gongxu.disclosure")
FILTERED = "/v1/"
VIEWER = "gongxu-viewer"
"""Header by which a platform's backend says which of its users an answer is for; percent-encoded UTF-8."""
MAX_VIEWER = 100
_ACCESS = {Access.NONE: "公开部分", Access.SUMMARY: "摘要", Access.TEXTS: "全文", Access.PERSONS: "联系人"}
_WHOLE, _OPEN = "全部", "公开"
_LINES = "application/x-ndjson"
_OF_KEYS = "key:"
# Kind of the records that `id` names in an operation's answer, and of those that `subject_id` names.
_KINDS = {
    **dict.fromkeys(("recommend_achievements", "batch_achievements", "export_achievements"), ("achievement", "demand")),
    **dict.fromkeys(("recommend_demands", "batch_demands", "export_demands"), ("demand", "achievement")),
    **dict.fromkeys(
        ("similar_achievements", "get_achievement", "list_achievements", "match", "post_clarification"),
        ("achievement", ""),
    ),
    **dict.fromkeys(("similar_demands", "get_demand", "list_demands"), ("demand", "")),
    **dict.fromkeys(("list_firms", "get_firm", "put_firm"), ("firm", "")),
}
_NAMING = {"demand_id": "demand", "achievement_id": "achievement", "firm_id": "firm", "firm": "firm"}
_ASKING = ("/v1/recommendations", "/v1/eligibility")


class NotesEvidence(Protocol):
    """Where it is noted who was shown what."""

    mode: Literal["off", "restricted", "all"]

    def note(self, action: str, who: Mapping[str, str], records: Iterable[Mapping[str, Any]] = ()) -> None:
        """Note what happened; when it returns, killing the process loses nothing."""
        ...


class HoldsDisclosure(Protocol):
    """What the filter asks of an application's services."""

    disclosure: DisclosureRegistry

    @property
    def evidence(self) -> NotesEvidence:
        """Where it is noted who was shown what."""
        ...

    async def in_store(self, work: Callable[[Store], _T], *, patient: bool = False) -> _T:
        """Run `work` with the store."""
        ...


def viewer_of(principal: Principal, headers: Headers) -> str:
    """Return for whom an answer is: the user that a backend names, or the key itself."""
    named = unquote(headers.get(VIEWER, ""))
    return named if named and Right.WRITE_RECORDS in principal.scopes else f"{_OF_KEYS}{principal.name}"


def sees_all(principal: Principal, headers: Headers) -> bool:
    """Tell whether a caller sees records as they were written: who writes them does, unless asking for somebody else."""
    return Right.WRITE_RECORDS in principal.scopes and not headers.get(VIEWER)


class Disclosure:
    """ASGI middleware: answers of the API as their caller may see them; nothing is done where no record is restricted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not scope["path"].startswith(FILTERED):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        principal = cast(Principal, scope["state"]["principal"])
        services: HoldsDisclosure = scope["app"].state.services
        whole = sees_all(principal, headers)
        if whole and services.evidence.mode == "off":
            await self._app(scope, receive, send)
            return
        viewer = viewer_of(principal, headers)
        if len(viewer) > MAX_VIEWER or unquote(headers.get(VIEWER, "")).startswith(_OF_KEYS):
            detail = f"{VIEWER} 须为 1–{MAX_VIEWER} 个字符的用户标识，且不以 {_OF_KEYS} 开头"
            await _problem(INVALID_REQUEST, detail, scope)(scope, receive, send)
            return
        asked = _Asked(receive, headers.get("content-type", ""))
        await self._app(scope, asked.receive, _Answer(scope, receive, send, asked, viewer, whole).send)


class _Asked:
    """The request's body as it goes by, if it is JSON."""

    def __init__(self, receive: Receive, media_type: str) -> None:
        self._receive = receive
        self._read = media_type.partition(";")[0].strip().lower() in ("", "application/json")
        self._body = bytearray()

    async def receive(self) -> Message:
        message = await self._receive()
        if self._read and message["type"] == "http.request":
            self._body += message.get("body", b"")
        return message

    def json(self) -> Any:
        """Return what was sent, None if it is no JSON."""
        try:
            return orjson.loads(bytes(self._body)) if self._body else None
        except orjson.JSONDecodeError:
            return None


@dataclass
class _Answer:
    """One answer on its way out."""

    scope: Scope
    receive: Receive
    out: Send
    asked: _Asked
    viewer: str
    whole: bool  # the caller sees records as they were written
    start: Message | None = None
    open: bool = False  # nothing is restricted, or it is no text: goes out as it comes
    held: bytearray = field(default_factory=bytearray)
    now: RestrictedRecords | None = None  # the restricted records, once they were asked for

    async def send(self, message: Message) -> None:
        """Take one message of the application and send what may go out."""
        if message["type"] == "http.response.start":
            self.start = message
            media_type = Headers(raw=message["headers"]).get("content-type", "")
            self.open = "json" not in media_type or not await self._restricted()
            if self.open:
                await self.out(message)
            elif media_type.startswith(_LINES):
                _drop_length(message)
                await self.out(message)
            return
        if self.open or message["type"] != "http.response.body":
            await self.out(message)
            return
        self.held += message.get("body", b"")
        more = message.get("more_body", False)
        if self.start is not None and Headers(raw=self.start["headers"]).get("content-type", "").startswith(_LINES):
            await self._lines(message, more)
        elif not more:
            await self._whole()

    async def _restricted(self) -> bool:
        """Tell whether any record is restricted now; where the store is away what was known last counts."""
        services: HoldsDisclosure = self.scope["app"].state.services
        if services.evidence.mode == "all":
            return True
        try:
            found = await services.in_store(services.disclosure.current)
        except StoreError as error:
            log.warning("restricted records not compared with the store", reason=str(error))
            if not services.disclosure.known:
                return True
            found = services.disclosure.held
        self.now = found
        return bool(found.records)

    async def _redaction(self) -> tuple[Redaction, list[RecordKey]]:
        services: HoldsDisclosure = self.scope["app"].state.services
        now = datetime.now(UTC)

        def read(store: Store) -> tuple[RestrictedRecords, Mapping[RecordKey, Access]]:
            return services.disclosure.current(store), store.disclosures.grants(self.viewer, now)

        try:
            if self.whole:  # only noted: neither grants nor the caller's own words matter
                if self.now is None:
                    self.now = await services.in_store(services.disclosure.current)
                return self._noting(self.now), self._subjects()
            restricted, grants = await services.in_store(read)
        except StoreError:
            if not services.disclosure.known:
                raise
            restricted, grants = services.disclosure.held, {}
        operation = getattr(self.scope.get("route"), "name", "")
        kind, subject = _KINDS.get(operation, ("", ""))
        sent = self.asked.json()
        own = distinct([*_said(sent), unquote(self.scope["path"]), unquote(self.scope["query_string"].decode())])
        caller = Caller(grants, restricted.revealed(grants), own)
        redaction = Redaction(restricted, caller, services.disclosure.kinds, kind, subject, self._gone())
        return redaction, _subjects(self.scope, sent)

    def _noting(self, restricted: RestrictedRecords) -> Redaction:
        services: HoldsDisclosure = self.scope["app"].state.services
        kind, subject = _KINDS.get(getattr(self.scope.get("route"), "name", ""), ("", ""))
        return Redaction(restricted, Caller({}, NONE, NONE), services.disclosure.kinds, kind, subject)

    def _subjects(self) -> list[RecordKey]:
        return _subjects(self.scope, self.asked.json())

    async def _whole(self) -> None:
        start = cast(Message, self.start)
        try:
            redaction, subjects = await self._redaction()
        except StoreError:
            response = _problem(STORE_UNAVAILABLE, "暂时无法核对哪些内容可以公开；请稍后再试", self.scope)
            await response(self.scope, self.receive, self.out)
            return
        answer = orjson.loads(bytes(self.held)) if self.held else None
        if start["status"] >= 400 and isinstance(answer, dict):
            answer = without_ids(answer, _unknown_to(redaction))
            subjects = []
        if self.whole:
            redaction.meet(answer, subjects)
            if start["status"] < 400:
                self._note(redaction, "shown")
            await self.out(start)
            await self.out({"type": "http.response.body", "body": bytes(self.held)})
            return
        filtered = redaction.apply(answer, subjects)
        if filtered is GONE:
            response = await self._as_unknown(redaction, subjects)
            await response(self.scope, self.receive, self.out)
            return
        filtered = await self._scanned(redaction, filtered)
        if start["status"] < 400:
            self._note(redaction, "shown")
        body = orjson.dumps(filtered) if self.held else b""
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        await self.out(start)
        await self.out({"type": "http.response.body", "body": body})

    async def _lines(self, message: Message, more: bool) -> None:
        end = len(self.held) if not more else self.held.rfind(b"\n") + 1
        complete, self.held = bytes(self.held[:end]), bytearray(self.held[end:])
        kept = []
        if complete:
            redaction, _ = await self._redaction()
            for line in filter(None, complete.split(b"\n")):
                answer = orjson.loads(line)
                if self.whole:
                    redaction.meet(answer)
                shown = answer if self.whole else redaction.apply(answer)
                if shown is not GONE:
                    shown = shown if self.whole else await self._scanned(redaction, shown)
                    kept.append(orjson.dumps(shown) + b"\n")
            self._note(redaction, "exported")
        await self.out({**message, "body": b"".join(kept)})

    async def _scanned(self, redaction: Redaction, applied: Any) -> Any:
        """Return an answer without runs of hidden texts, but those that open records which it names have themselves."""
        if not redaction.repeats(applied):
            return redaction.scanned(applied)
        services: HoldsDisclosure = self.scope["app"].state.services
        named = redaction.met - redaction.named.keys()
        public = await services.in_store(lambda store: services.disclosure.public_runs(store, named))
        return redaction.scanned(applied, public)

    def _note(self, redaction: Redaction, action: str) -> None:
        """Note what of which records goes out, before it does."""
        services: HoldsDisclosure = self.scope["app"].state.services
        if services.evidence.mode == "off":
            return
        named = {key: _ACCESS[access] for key, access in redaction.named.items()}
        if self.whole:
            named = dict.fromkeys(named, _WHOLE)
        if services.evidence.mode == "all":
            named = dict.fromkeys(redaction.met, _OPEN) | named
        if named:
            principal = self.scope["state"]["principal"]
            who = {
                "key": principal.name,
                "viewer": self.viewer,
                "request_id": self.scope["state"]["request_id"],
                "operation": getattr(self.scope.get("route"), "name", ""),
            }
            records = [{"kind": kind, "id": one, "access": said} for (kind, one), said in sorted(named.items())]
            services.evidence.note(action, who, records)

    async def _as_unknown(self, redaction: Redaction, subjects: list[RecordKey]) -> Any:
        """Return the answer that an id gets that no record has."""
        hidden = _unknown_to(redaction)
        kind, wanted = next((key for key in (*subjects, *redaction.named) if key[1] in hidden), ("record", ""))
        services: HoldsDisclosure = self.scope["app"].state.services
        near = await services.in_store(lambda store: store.disclosures.near_ids(kind, wanted))
        error = unknown_id(kind, wanted, [one for one in near if one not in hidden])
        return _problem(NOT_FOUND, error.chinese, self.scope, {"nearest_ids": list(error.nearest)})

    def _gone(self) -> dict[str, Any]:
        state = self.scope["state"]
        return problem_body(NOT_FOUND, NOT_FOUND.title, instance=self.scope["path"], request_id=state["request_id"])


def _subjects(scope: Scope, sent: Any) -> list[RecordKey]:
    """Return the records that a request is about: those that its path, query and, where it asks, body name."""
    given: dict[str, Any] = {
        **dict(pair.partition("=")[::2] for pair in unquote(scope["query_string"].decode()).split("&")),
        **scope.get("path_params", {}),
    }
    if scope["path"].startswith(_ASKING) and isinstance(sent, dict):
        given |= sent | (sent["for"] if isinstance(sent.get("for"), dict) else {})
    named = [(kind, given[name]) for name, kind in _NAMING.items() if isinstance(given.get(name), str)]
    if isinstance(given.get("kind"), str) and isinstance(given.get("record_id"), str):
        named.append((given["kind"], given["record_id"]))
    return [(kind, record_id.replace("%2F", "/")) for kind, record_id in named]


def _unknown_to(redaction: Redaction) -> set[str]:
    """Return the ids of records that the caller must not know of."""
    grants = redaction.caller.grants
    return {
        key[1]
        for key, record in redaction.restricted.records.items()
        if record.shown(grants.get(key, Access.NONE)) is None
    }


def _said(node: Any) -> list[str]:
    if isinstance(node, str):
        return [node]
    if isinstance(node, dict):
        return [text for value in node.values() for text in _said(value)]
    if isinstance(node, list):
        return [text for value in node for text in _said(value)]
    return []


def _problem(problem: Any, detail: str, scope: Scope, extra: Mapping[str, Any] | None = None) -> Any:
    return problem_response(
        problem, detail, instance=scope["path"], request_id=scope["state"]["request_id"], extra=extra
    )


def _drop_length(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    if "content-length" in headers:
        del headers["content-length"]
