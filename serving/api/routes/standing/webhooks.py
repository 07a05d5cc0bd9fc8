"""Webhooks: where notices of standing requests are sent, what became late or was given up there."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.standing.signing import new_secret, secret_bytes
from data.standing.types import MOST_CHARACTERS_OF_NAME
from data.store.keys import AuditEntry
from data.store.standing.webhooks import MessageState, WebhookEndpoint, WebhookMessage
from data.store.store import Store
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, CONFLICT, NOT_FOUND, responses
from serving.runtime.services import ServicesOf
from serving.runtime.standing.messages import test_message
from serving.runtime.standing.sending import MAX_URL, parse_target

router = APIRouter(prefix="/v1", tags=["standing requests"])
Reader = Annotated[Principal, Depends(Needs(Scope.WRITE_RECORDS))]
Writer = Annotated[Principal, Depends(Needs(Scope.WRITE_RECORDS))]
Name = Annotated[
    str,
    Path(min_length=1, max_length=MOST_CHARACTERS_OF_NAME, pattern=r"^[A-Za-z0-9._-]+$", examples=["platform"]),
]
_EXAMPLE = {"url": "https://platform.example.cn/hooks/gongxu"}


class WebhookAsk(BaseModel):
    """Where messages are sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(min_length=1, max_length=MAX_URL, description="https; private hosts only if the server lists them")
    secret: str | None = Field(
        None,
        max_length=120,
        description="whsec_ and 24 to 64 bytes in Base64; absent: one is made, or the old one stays",
    )


class WebhookView(BaseModel):
    """A webhook as it is."""

    model_config = ConfigDict(frozen=True)

    name: str
    url: str
    enabled: bool
    why_disabled: str = ""
    created_at: datetime
    secret: str | None = Field(None, description="Shown when it is made, never again")


class WebhookList(BaseModel):
    """All webhooks by name."""

    model_config = ConfigDict(frozen=True)

    webhooks: tuple[WebhookView, ...]


class MessageView(BaseModel):
    """A message, without its content."""

    model_config = ConfigDict(frozen=True)

    id: str
    endpoint: str
    state: MessageState = Field(examples=["已放弃"])
    created_at: datetime
    attempts: int
    next_at: datetime | None = None
    last_status: int | None = None
    last_error: str = ""
    ended_at: datetime | None = None


class MessageList(BaseModel):
    """Messages, the latest first."""

    model_config = ConfigDict(frozen=True)

    messages: tuple[MessageView, ...]


@router.put(
    "/webhooks/{name}",
    response_model=WebhookView,
    responses=responses(*COMMON),
    summary="Register a webhook",
)
async def put_webhook(
    name: Name,
    sent: Annotated[WebhookAsk, Body(examples=[_EXAMPLE])],
    request: Request,
    services: ServicesOf,
    who: Writer,
) -> Response:
    """Register or change where messages go, and enable it again. The secret that signs them is answered once."""
    parse_target(sent.url, services.webhook_hosts)
    if sent.secret is not None:
        secret_bytes(sent.secret)
    now, request_id = datetime.now(UTC), request.state.request_id

    def work(store: Store) -> tuple[WebhookEndpoint, bool]:
        before = {one.name: one.secret for one in store.webhooks.endpoints()}
        secret = sent.secret or before.get(name) or new_secret()
        endpoint = WebhookEndpoint(name, sent.url, secret, now, who.name)
        store.webhooks.put(endpoint)
        store.api_keys.note(AuditEntry(now, who.name, "webhook.put", name, request_id))
        return endpoint, secret != before.get(name)

    endpoint, fresh = await services.in_store(work)
    shown = _shown(endpoint).model_copy(update={"secret": endpoint.secret if fresh else None})
    return json_response(shown.model_dump(mode="json"))


@router.get("/webhooks", response_model=WebhookList, responses=responses(*COMMON), summary="List the webhooks")
async def list_webhooks(services: ServicesOf, _who: Reader) -> Response:
    """List all webhooks, without their secrets."""
    found = await services.in_store(lambda store: store.webhooks.endpoints())
    return json_response(WebhookList(webhooks=tuple(map(_shown, found))).model_dump(mode="json"))


@router.delete(
    "/webhooks/{name}",
    response_model=WebhookView,
    responses=responses(NOT_FOUND, CONFLICT, *COMMON),
    summary="Delete a webhook",
)
async def delete_webhook(name: Name, request: Request, services: ServicesOf, who: Writer) -> Response:
    """Delete a webhook that no standing request in force names; what waits for it is given up."""
    now, request_id = datetime.now(UTC), request.state.request_id

    def work(store: Store) -> WebhookEndpoint:
        endpoint = store.webhooks.get(name)
        store.webhooks.drop(name, now)
        store.api_keys.note(AuditEntry(now, who.name, "webhook.delete", name, request_id))
        return endpoint

    return json_response(_shown(await services.in_store(work)).model_dump(mode="json"))


@router.post(
    "/webhooks/{name}:test",
    response_model=MessageView,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Send a test message",
)
async def send_test_message(name: Name, services: ServicesOf, _who: Writer) -> Response:
    """Send a signed message of type `webhook.test` that says nothing."""
    now = datetime.now(UTC)

    def work(store: Store) -> WebhookMessage:
        message = test_message(store.webhooks.get(name).name, now)
        store.webhooks.write(message)
        return message

    message = await services.in_store(work)
    services.webhook_sender.wake()
    return json_response(shown_message(message).model_dump(mode="json"))


@router.get(
    "/webhooks/{name}/messages",
    response_model=MessageList,
    responses=responses(NOT_FOUND, *COMMON),
    summary="List the messages of a webhook",
)
async def list_messages(
    name: Name,
    services: ServicesOf,
    _who: Reader,
    state: Annotated[MessageState | None, Query(description="已放弃: the dead letters")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """List the latest messages of a webhook, with the outcome of the last attempt."""
    found = await services.in_store(lambda store: store.webhooks.messages(state, name, limit))
    return json_response(MessageList(messages=tuple(map(shown_message, found))).model_dump(mode="json"))


@router.post(
    "/webhooks/messages/{message_id}:retry",
    response_model=MessageView,
    responses=responses(NOT_FOUND, *COMMON),
    summary="Send a message again",
)
async def retry_message(
    message_id: Annotated[str, Path(min_length=1, max_length=64)], services: ServicesOf, _who: Writer
) -> Response:
    """Have a message that was given up sent again, under its own id and with all its attempts."""
    now = datetime.now(UTC)
    message = await services.in_store(lambda store: store.webhooks.again(message_id, now))
    services.webhook_sender.wake()
    return json_response(shown_message(message).model_dump(mode="json"))


def shown_message(one: WebhookMessage) -> MessageView:
    """Return a message as the API shows it."""
    return MessageView(**{name: getattr(one, name) for name in MessageView.model_fields})


def _shown(one: WebhookEndpoint) -> WebhookView:
    fields = [name for name in WebhookView.model_fields if name != "secret"]
    return WebhookView(**{name: getattr(one, name) for name in fields})
