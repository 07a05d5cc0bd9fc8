"""新匹配: records that came and fit a standing request, until somebody saw to them; messages that no receiver took."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from data.errors import InputError
from data.kinds.registry import Kinds
from data.standing.types import Notice, RequestState, SourceKind, StandingRequest
from data.store.keys import AuditEntry
from data.store.standing.webhooks import MessageState
from data.store.store import Store
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.page import Page, field, operator_of, see_other
from serving.dashboard.rendering import render
from serving.dashboard.tables import TableSpec
from serving.runtime.services import services_of
from serving.runtime.standing.messages import title_of

SHOWN = 100
MOST_TEXT = 40  # characters of a saved text that name its request


async def page(request: Request) -> Response:
    """Show the notices that nobody saw to, the latest first, and messages that were given up."""
    services = services_of(request)
    state = await services.in_store(lambda store: _state(store, services.kinds.kinds))
    return render(request, "standing.html", title="新匹配", active="standing", **state)


def _state(store: Store, kinds: Kinds) -> dict[str, Any]:
    notices, number = store.notices.waiting(SHOWN)
    requests = store.standing.named(one.request_id for one in notices)
    counts = store.standing.counts()
    return {
        "cards": [_card(store, kinds, one, requests[one.request_id]) for one in notices],
        "number": number,
        "watching": counts.get(RequestState.ACTIVE.value, 0),
        "ended": sum(number for state, number in counts.items() if state != RequestState.ACTIVE.value),
        "dead": store.webhooks.messages(MessageState.DEAD, limit=SHOWN),
        "disabled": [one for one in store.webhooks.endpoints() if not one.enabled],
    }


def _card(store: Store, kinds: Kinds, one: Notice, request: StandingRequest) -> dict[str, Any]:
    source = request.source
    if source.of is SourceKind.TEXT:
        name = source.text.strip()[:MOST_TEXT]
    else:
        name = title_of(store, kinds, source.kind, source.id) or source.id
    return {
        "one": one,
        "title": title_of(store, kinds, one.kind, one.record_id),
        "kind": kinds[one.kind].label if one.kind in kinds else one.kind,
        "for": name,
        "request": request,
        "pair": _pair(one, request),
    }


def _pair(one: Notice, request: StandingRequest) -> tuple[str, str] | None:
    """Return demand and achievement of a notice whose match can be worked on; None for other kinds and saved texts."""
    if request.source.of is SourceKind.DEMAND and one.kind == "achievement":
        return request.source.id, one.record_id
    if request.source.of is SourceKind.ACHIEVEMENT and one.kind == "demand":
        return one.record_id, request.source.id
    return None


async def handle(request: Request) -> Response:
    """Take a notice out of the queue."""
    who, services = operator_of(request), services_of(request)
    try:
        number = int(field(request, "number"))
    except ValueError as error:
        raise InputError("页面已过期，请刷新后重试。") from error
    await services.in_store(lambda store: store.notices.handle(number, who.name, utc_now()))
    return see_other(request, "/standing", notice="saved")


async def again(request: Request) -> Response:
    """Have a message that was given up sent again."""
    who, services = operator_of(request), services_of(request)
    message, request_id = field(request, "message"), request.state.request_id

    def work(store: Store) -> None:
        store.webhooks.again(message, utc_now())
        store.api_keys.note(AuditEntry(utc_now(), who.actor, "webhook.retry", message[:64], request_id))

    await services.in_store(work)
    services.webhook_sender.wake()
    return see_other(request, "/standing", notice="saved")


PAGES = (
    Page("/standing", page),
    Page("/standing/handle", handle, Role.REVIEWER, post=True),
    Page("/standing/again", again, Role.MANAGER, post=True),
)
TABLES: tuple[TableSpec, ...] = ()
