"""Messages reach receivers that fail, hang and come back: signed, once, in the end or visibly never."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from socket import socket

import orjson
import pytest

from data.errors import ConflictError, InputError, NotFoundError
from data.kinds.registry import load_kinds
from data.records import Achievement, Demand
from data.standing.schedule import RETRIES, due_at
from data.standing.signing import signature
from data.standing.types import Digest, Found, RequestState, Source, SourceKind, StandingRequest
from data.store.standing.webhooks import MessageState, WebhookEndpoint
from data.store.store import Store
from serving.runtime.standing.delivery import Deliverer
from serving.runtime.standing.sending import RefusedTargetError, is_public, looked_up, parse_target, post
from tests.serving.conftest import wait_for
from tests.serving.runtime.standing.receivers import receiving
from tests.some import some

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BEGIN = datetime(2026, 6, 1, 4, tzinfo=UTC)  # noon in China
LISTED = frozenset({"127.0.0.1"})


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        opened.upsert_achievements([Achievement(achievement_id=f"A{n}", title=f"成果{n}") for n in range(9)])
        opened.upsert_demands([Demand(demand_id="D1", title="机密需求", visibility="保密")])
        yield opened


@pytest.fixture
def deliverer(clock):
    made = Deliverer(load_kinds(), LISTED, 60.0, clock)
    yield made
    made.close()


def register(store, url, name="platform", digest=Digest.AT_ONCE):
    store.webhooks.put(WebhookEndpoint(name, url, SECRET, BEGIN, "test"))
    request = StandingRequest(
        f"W-{name}",
        Source(SourceKind.TEXT, text="成果"),
        ("achievement",),
        1.0,
        BEGIN,
        "test",
        endpoint=name,
        digest=digest,
    )
    return store.standing.put([request])[0]


def notice(store, request, *records, kind="achievement", at=BEGIN):
    found = [Found(request.id, kind, record, 2.5) for record in records]
    due = {request.id: due_at(at, request.digest, request.quiet)} if request.endpoint else {}
    return store.notices.add(found, due, at)


def carry(deliverer, store):
    begun = deliverer.refresh(store)
    deliverer.settle()
    return begun


def test_a_message_is_signed_carries_what_may_be_seen_and_is_sent_once(store, deliverer, clock):
    with receiving() as receiver:
        request = register(store, receiver.url)
        assert notice(store, request, "A1", "A2", "A1") == 2
        assert notice(store, request, "A1") == 0  # no second notice of the same pair
        assert notice(store, request, "gone") == 1
        assert notice(store, request, "D1", kind="demand") == 1  # nobody may see it
        assert carry(deliverer, store) == 1
        assert carry(deliverer, store) == 0
        ((sent, body),) = receiver.taken
    message = orjson.loads(body)
    assert message["type"] == "standing.matched"
    assert message["data"]["request_id"] == request.id
    assert [(one["record_id"], one["title"]) for one in message["data"]["notices"]] == [
        ("A1", "成果1"),
        ("A2", "成果2"),
    ]
    assert "机密" not in body.decode()
    at = datetime.fromtimestamp(int(sent["webhook-timestamp"]), UTC)
    assert at == clock.now
    assert sent["webhook-signature"] == signature(SECRET, sent["webhook-id"], at, body)
    (kept,) = store.webhooks.messages()
    assert (kept.id, kept.state, kept.attempts, kept.last_status) == (
        sent["webhook-id"],
        MessageState.DELIVERED,
        1,
        204,
    )


def test_a_receiver_that_fails_hangs_and_comes_back_gets_the_message_under_one_id(store, deliverer, clock):
    with receiving() as receiver:
        request = register(store, receiver.url)
        notice(store, request, "A1")
        receiver.status = 503
        receiver.extra = {"Retry-After": "60"}
        carry(deliverer, store)
        (waiting,) = store.webhooks.messages()
        assert (waiting.state, waiting.attempts, waiting.last_status) == (MessageState.WAITING, 1, 503)
        assert waiting.next_at == BEGIN + timedelta(seconds=60)
        assert carry(deliverer, store) == 0  # not yet
        hasty = Deliverer(load_kinds(), LISTED, 0.3, clock)
        for name in ("hanging", "dripping"):
            setattr(receiver, name, True)
            clock.now += timedelta(hours=1)
            assert carry(hasty, store) == 1
            setattr(receiver, name, False)
            assert store.webhooks.messages()[0].last_error == "未在限定时间内应答"
        receiver.status, receiver.extra = 302, {"Location": "http://127.0.0.1:1/"}
        clock.now += timedelta(hours=1)
        carry(deliverer, store)
        assert store.webhooks.messages()[0].last_error == "接收方返回 302"  # no redirect is followed
        receiver.status, receiver.extra = 200, {}
        clock.now += timedelta(hours=3)
        carry(deliverer, store)
        (done,) = store.webhooks.messages()
        assert (done.state, done.attempts) == (MessageState.DELIVERED, 5)
        assert len({sent["webhook-id"] for sent, _ in receiver.taken}) == 1
        hasty.close()
        stamps = [int(sent["webhook-timestamp"]) for sent, _ in receiver.taken]
        assert len(set(stamps)) == len(stamps) >= 3  # each attempt is signed with its own time


def test_what_is_given_up_is_seen_and_can_be_sent_again(store, deliverer, clock):
    with socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody listens there
        request = register(store, f"http://127.0.0.1:{held.getsockname()[1]}/")
        notice(store, request, "A1")
        for _ in range(len(RETRIES) + 1):
            assert carry(deliverer, store) == 1
            clock.now += timedelta(days=2)
        assert carry(deliverer, store) == 0
    (dead,) = store.webhooks.messages(MessageState.DEAD)
    assert (dead.attempts, dead.last_error) == (len(RETRIES) + 1, "无法连接（ConnectionRefusedError）")
    with receiving() as receiver:
        store.webhooks.put(WebhookEndpoint("platform", receiver.url, SECRET, BEGIN, "test"))
        assert store.webhooks.again(dead.id, clock.now).state is MessageState.WAITING
        with pytest.raises(NotFoundError):
            store.webhooks.again(dead.id, clock.now)
        carry(deliverer, store)
        assert receiver.taken[0][0]["webhook-id"] == dead.id
        receiver.status = 410
        notice(store, request, "A2")
        carry(deliverer, store)
    endpoint = store.webhooks.get("platform")
    assert (endpoint.enabled, store.webhooks.messages(MessageState.DEAD)[0].last_status) == (False, 410)
    notice(store, request, "A3")
    assert carry(deliverer, store) == 0  # it said that it wants no more
    with pytest.raises(ConflictError):
        store.webhooks.drop("platform", clock.now)
    store.standing.end([request.id], RequestState.UNSUBSCRIBED, clock.now)
    store.webhooks.drop("platform", clock.now)
    assert store.webhooks.messages(MessageState.WAITING) == []


def test_one_that_hangs_holds_up_nobody_else_and_digests_wait_for_their_morning(store, deliverer, clock):
    with receiving() as slow, receiving() as fast, receiving() as daily:
        slow.hanging = True
        requests = [register(store, slow.url, "slow"), register(store, fast.url, "fast")]
        digest = register(store, daily.url, "daily", Digest.DAILY)
        for request in some([*requests, digest]):
            notice(store, request, "A1", "A2")
        assert deliverer.refresh(store) == 2
        wait_for(lambda: len(store.webhooks.messages(MessageState.DELIVERED)) == 1)
        assert (len(fast.taken), daily.taken) == (1, [])
        assert deliverer.refresh(store) == 0  # one at a time for each: the slow one is still at it
        slow.released.set()
        deliverer.settle()
        notice(store, digest, "A3")
        clock.now = datetime(2026, 6, 2, 1, tzinfo=UTC)  # nine in the morning in China
        slow.hanging = False
        carry(deliverer, store)
        ((_, body),) = daily.taken
        assert [one["record_id"] for one in orjson.loads(body)["data"]["notices"]] == ["A1", "A2", "A3"]
        assert len(slow.taken) == 2  # again, under the same id
        assert len({sent["webhook-id"] for sent, _ in slow.taken}) == 1
        # What is unsubscribed before its morning is never sent.
        notice(store, digest, "A4", at=clock.now)
        store.standing.end([digest.id], RequestState.UNSUBSCRIBED, clock.now)
        clock.now += timedelta(days=2)
        carry(deliverer, store)
        assert len(daily.taken) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.cn/hook",
        "ftp://example.cn",
        "https://",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest",
        "https://[::ffff:192.168.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://0.0.0.0/",
        "https://user:word@example.cn/",
        "https://example.cn:99999/",
        "https://example.cn/a b",
        "https://exämple.cn/",
    ],
)
def test_targets_that_are_not_public_or_not_https_are_refused(url):
    with pytest.raises(InputError):
        parse_target(url, ())


def test_a_name_that_leads_to_a_private_address_is_refused_at_sending(store, clock):
    with pytest.raises(RefusedTargetError):
        looked_up("localhost", 443, ())
    assert looked_up("127.0.0.1", 443, LISTED) == "127.0.0.1"
    with pytest.raises(RefusedTargetError):
        post("https://localhost/", b"{}", {}, (), 1.0)
    for address in some(["2002:7f00:1::", "fc00::1", "224.0.0.1", "100.64.0.1", "fe80::1"]):
        assert not is_public(ip_address(address))
    assert is_public(ip_address("1.1.1.1"))
    assert is_public(ip_address("2606:4700:4700::1111"))
    guarded = Deliverer(load_kinds(), (), 0.5, clock)
    with receiving() as receiver:
        request = register(store, receiver.url)
        notice(store, request, "A1")
        carry(guarded, store)
        assert receiver.taken == []
    guarded.close()
    assert store.webhooks.messages()[0].last_error == "推送地址指向内网或本机，已拒绝"
