"""Carries messages to webhooks: signed, one at a time for each endpoint, again with growing pauses, at last given up.

A receiver that hangs holds up nobody else: attempts run in threads of their own, within a time that covers everything.
"""

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from random import random
from threading import Lock

import structlog

from data.errors import NotFoundError
from data.kinds.registry import Kinds
from data.standing.schedule import next_attempt
from data.standing.signing import headers
from data.store.standing.webhooks import WebhookMessage
from data.store.store import Store
from serving.runtime.standing.messages import compose
from serving.runtime.standing.sending import Answer, RefusedTargetError, post, why_unreachable

MOST_AT_ONCE = 8
GONE = 410
"""Status of a receiver that wants no more messages."""

log = structlog.get_logger("gongxu.webhooks")


def utc_now() -> datetime:
    """Return the moment that it is."""
    return datetime.now(UTC)


class Deliverer:
    """Sends what is due; any number of processes may, a message is claimed by one of them for a while."""

    def __init__(
        self, kinds: Kinds, hosts: Collection[str], seconds: float, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._kinds = kinds
        self._hosts = frozenset(hosts)
        self._seconds = seconds
        self._clock = clock
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="webhook")
        self._busy: dict[str, Future[None]] = {}
        self._lock = Lock()

    def refresh(self, store: Store) -> int:
        """Write messages of notices that are due, begin to send what is due, and return how many attempts began."""
        compose(store, self._kinds, self._clock())
        with self._lock:
            self._busy = {name: one for name, one in self._busy.items() if not one.done()}
            free = MOST_AT_ONCE - len(self._busy)
            if free <= 0:
                return 0
            lease = timedelta(seconds=2 * self._seconds + 30)
            claimed = store.webhooks.claim(self._clock(), lease, self._busy, free)
            for message in claimed:
                self._busy[message.endpoint] = self._threads.submit(self._attempt, store, message)
        return len(claimed)

    def settle(self) -> None:
        """Wait until all attempts under way have ended."""
        wait(list(self._busy.values()))

    def close(self) -> None:
        """Begin nothing more; attempts under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _attempt(self, store: Store, message: WebhookMessage) -> None:
        try:
            self._send(store, message)
        except Exception:
            # The claim runs out and the message is sent again; a thread that fails in silence would hide why.
            log.exception("webhook attempt failed", endpoint=message.endpoint)

    def _send(self, store: Store, message: WebhookMessage) -> None:
        try:
            endpoint = store.webhooks.get(message.endpoint)
        except NotFoundError:
            return  # deleted since: its messages were given up
        body, now = message.body.encode(), self._clock()
        answer: Answer | None = None
        try:
            signed = headers(endpoint.secret, message.id, now, body)
            answer = post(endpoint.url, body, signed, self._hosts, self._seconds)
            error = "" if 200 <= answer.status < 300 else f"接收方返回 {answer.status}"
        except RefusedTargetError:
            error = "推送地址指向内网或本机，已拒绝"
        except OSError as failure:
            error = why_unreachable(failure)
        now = self._clock()
        if answer is not None and not error:
            store.webhooks.delivered(message.id, answer.status, now)
            return
        log.warning("webhook not delivered", endpoint=message.endpoint, status=answer.status if answer else None)
        after = next_attempt(message.attempts + 1, now, random(), answer.retry_after if answer else None)  # noqa: S311
        if answer is not None and answer.status == GONE:
            store.webhooks.disable(message.endpoint, "接收方返回 410，已停止推送")
            after = None
        store.webhooks.failed(message.id, answer.status if answer else None, error, after, now)
