"""Calls of the API's routes on behalf of an agent: in this process or at another server, always as the agent's own key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from serving.access.gate import PREPAID

if TYPE_CHECKING:
    import httpx2
    from starlette.requests import Request
    from starlette.types import ASGIApp

# Belong to the message that carried the call, not to whoever sent it.
_OF_MESSAGE = {"content-type", "content-length", "transfer-encoding", "accept", "accept-encoding", "connection", "te"}
_CONDITIONAL = ("if-", "mcp-")
REMOTE_TIMEOUT = 60.0  # s


@dataclass(frozen=True)
class ApiCall:
    """One request to a route."""

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


class Api:
    """Where calls go: to `app` in this process, or to the server at `url` if one is given.

    A call carries the headers and the address of the request that asked for it, so that the gate in front of all routes
    identifies and logs it as if the agent had sent it there; the first call of a message costs no token of the key's rate
    besides the message's own. Without such a request (stdio) it carries `key`.
    """

    def __init__(self, app: "ASGIApp | None" = None, *, url: str = "", key: str = "") -> None:
        self._app = app
        self._url = url
        self._own = {"authorization": f"Bearer {key}"} if key else {}

    async def send(self, call: ApiCall, request: "Request | None") -> "httpx2.Response":
        """Return a route's response, whatever its status; httpx2.TransportError if another server cannot be reached."""
        token = PREPAID.set(self._app is not None and request is not None and _take_prepaid(request))
        try:
            async with self._client(request) as client:
                return await client.request(call.method, call.path, params=dict(call.query) or None, json=call.body)
        finally:
            PREPAID.reset(token)

    def _client(self, request: "Request | None") -> "httpx2.AsyncClient":
        import httpx2

        if self._app is None:
            return httpx2.AsyncClient(base_url=self._url, headers=self._own, timeout=REMOTE_TIMEOUT)
        address = (request.client.host, request.client.port) if request and request.client else ("127.0.0.1", 0)
        headers = self._own if request is None else _carried(request.headers)
        transport = httpx2.ASGITransport(self._app, client=address)
        return httpx2.AsyncClient(
            base_url="http://localhost",
            headers={"accept-encoding": "identity", **headers},
            timeout=None,
            transport=transport,
        )


def _take_prepaid(request: "Request") -> bool:
    """Tell whether the message took a token that no call used yet; from now on it is used."""
    return bool(request.scope.get("state", {}).pop("prepaid", False))


def escaped(record_id: str) -> str:
    """Return an id as part of a path."""
    return quote(record_id, safe="")


def escaped_in_pair(record_id: str) -> str:
    """Return an id as part of a path with two ids, where a slash is escaped twice."""
    return escaped(record_id.replace("/", "%2F"))


def _carried(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in headers.items() if name not in _OF_MESSAGE and not name.startswith(_CONDITIONAL)
    }
