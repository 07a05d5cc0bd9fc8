"""Calls to a scripted endpoint: in time whatever it does, tried again where that may help, kept and counted."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from data.errors import ModelUnavailableError, SettingsError
from models.remote.address import Address, is_allowed, parse_address, require_allowed
from models.remote.breaker import FAILURES, PAUSE, Breaker
from models.remote.endpoint import Endpoint, Limits
from models.remote.usage import Usage
from tests.models.remote.scripted import BROKEN, DROP, HANG, SLOW, scripted

GOOD = {"value": 7}


def value(answer):
    return answer["value"]


@contextmanager
def endpoint(url, home, **limits):
    noted = []
    made = Endpoint(
        "chat",
        Address(url, "m"),
        Limits(**({"seconds": 3.0} | limits)),
        Usage(home),
        key="secret",
        observe=lambda *facts: noted.append(facts[:2]),
    )
    made.noted = noted
    try:
        yield made
    finally:
        made.close()


def test_an_answer_is_kept_by_content_and_the_key_is_sent(tmp_path):
    with scripted(GOOD) as script, endpoint(script.url, tmp_path) as model:
        assert [model.post("/x", {"b": 1, "a": 2}, value), model.post("/x", {"a": 2, "b": 1}, value)] == [7, 7]
        assert model.post("/x", {"a": 3}, value) == 7
        (path, body, headers), _ = script.requests
    assert (path, body, headers["authorization"]) == ("/v1/x", {"b": 1, "a": 2}, "Bearer secret")
    assert model.noted == [("chat", "ok"), ("chat", "cached"), ("chat", "ok")]
    assert model.calls_today() == 2


@pytest.mark.parametrize(
    ("steps", "outcome", "sent"),
    [
        ((500, GOOD), "ok", 2),
        ((DROP, 429, GOOD), "ok", 3),
        ((503,), "failed", 3),
        ((401,), "failed", 1),
        ((BROKEN,), "broken", 1),
        (({"other": 1},), "broken", 1),
        (([1, 2],), "broken", 1),
        ((HANG,), "late", 1),
        ((SLOW,), "late", 1),
        ((DROP,), "unreachable", 3),
    ],
)
def test_every_failure_ends_in_time_with_its_name(tmp_path, steps, outcome, sent):
    with scripted(*steps) as script, endpoint(script.url, tmp_path, seconds=1.2) as model:
        started = time.monotonic()
        if outcome == "ok":
            assert model.post("/x", {}, value) == 7
        else:
            with pytest.raises(ModelUnavailableError) as error:
                model.post("/x", {}, value)
            assert error.value.outcome == outcome
            assert model.health.last_failure
        assert time.monotonic() - started < 2.0
        assert (model.noted, len(script.requests)) == ([("chat", outcome)], sent)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody but itself vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    kept = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(key.private_bytes(*kept) + made.public_bytes(Encoding.PEM))
    return path


def test_a_wrong_certificate_gets_no_text(tmp_path, certificate):
    with scripted(GOOD, certificate=certificate) as script, endpoint(script.url, tmp_path) as model:
        with pytest.raises(ModelUnavailableError) as error:
            model.post("/x", {"text": "保密"}, value)
        assert (error.value.outcome, script.requests) == ("unreachable", [])
        plain = script.url.replace("https", "http")
    with scripted(GOOD, certificate=certificate) as script, endpoint(plain, tmp_path) as model:
        with pytest.raises(ModelUnavailableError):
            model.post("/x", {}, value)
        assert script.requests == []


def test_a_flood_waits_no_longer_than_one_call_and_is_counted(tmp_path):
    """Sixty callers at once of an endpoint that never answers: four wait their time, all others are refused at once."""
    with scripted(HANG) as script, endpoint(script.url, tmp_path, seconds=1.5) as model, ThreadPoolExecutor(60) as many:

        def ask(number):
            started = time.monotonic()
            with pytest.raises(ModelUnavailableError):
                model.post("/x", {"n": number}, value)
            return time.monotonic() - started

        waits = sorted(many.map(ask, range(60)))
        outcomes = model.health.outcomes
        assert sum(outcomes.values()) == len(model.noted) == 60
        assert outcomes["late"] == len(script.requests) == 4
        assert set(outcomes) <= {"late", "busy", "open"}
        assert waits[-1] < 3.0
        assert waits[len(waits) // 2] < 1.0


def test_a_slot_is_free_for_whoever_got_its_answer(tmp_path):
    with scripted(GOOD) as script, endpoint(script.url, tmp_path, concurrency=1) as model:
        assert [model.post("/x", {"n": n}, value) for n in range(50)] == [7] * 50
        assert (len(script.requests), model.health.outcomes) == (50, {"ok": 50})


def test_a_redirect_is_not_followed(tmp_path):
    with (
        scripted(307) as script,
        endpoint(script.url, tmp_path) as model,
        pytest.raises(ModelUnavailableError, match="status 307"),
    ):
        model.post("/x", {}, value)


def test_after_failures_in_a_row_it_is_left_alone(tmp_path):
    with scripted(401) as script, endpoint(script.url, tmp_path) as model:
        for number in range(FAILURES + 3):
            with pytest.raises(ModelUnavailableError):
                model.post("/x", {"n": number}, value)
        assert len(script.requests) == FAILURES
        assert model.is_open
        assert model.noted[-1] == ("chat", "open")


def test_the_breaker_lets_one_try_after_its_pause():
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(FAILURES):
        breaker.failed()
    assert not breaker.allows()
    now[0] = PAUSE
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.succeeded()
    assert breaker.allows()


def test_a_day_s_calls_and_calls_at_once_are_bounded(tmp_path):
    with scripted(GOOD) as script, endpoint(script.url, tmp_path, calls_a_day=2) as model:
        assert [model.post("/x", {"n": n}, value) for n in range(2)] == [7, 7]
        with pytest.raises(ModelUnavailableError) as error:
            model.post("/x", {"n": 3}, value)
        assert (error.value.outcome, len(script.requests)) == ("spent", 2)
        assert model.post("/x", {"n": 0}, value) == 7  # what is kept costs nothing
    with (
        scripted(HANG) as script,
        endpoint(script.url, tmp_path / "other", concurrency=1) as model,
        ThreadPoolExecutor(1) as threads,
    ):
        first = threads.submit(model.post, "/x", {"n": 0}, value, seconds=5)
        while not script.requests:
            time.sleep(0.01)
        with pytest.raises(ModelUnavailableError) as error:
            model.post("/x", {"n": 1}, value, seconds=5)
        assert error.value.outcome == "busy"
        script.released.set()
        with pytest.raises(ModelUnavailableError):
            first.result()


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("10.2.3.4", True),
        ("192.168.1.5", True),
        ("::1", True),
        ("localhost", True),
        ("8.8.8.8", False),
        ("::ffff:8.8.8.8", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("models.example.cn", True),
    ],
)
def test_texts_go_to_private_or_listed_hosts_only(host, allowed):
    assert is_allowed(host, ("models.example.cn",)) is allowed


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:1", "ftp://a#m", "http://#m", "http://u:p@127.0.0.1#m", "http://127.0.0.1?k=1#m", "m"]
)
def test_an_address_that_cannot_be_used_is_named(text):
    with pytest.raises(SettingsError, match="GONGXU_CHAT"):
        parse_address(text, "GONGXU_CHAT")


def test_a_public_host_is_refused_at_start():
    address = parse_address("https://8.8.8.8/v1/#qwen", "GONGXU_CHAT")
    assert (address.url, address.model) == ("https://8.8.8.8/v1", "qwen")
    with pytest.raises(SettingsError, match="GONGXU_MODEL_HOSTS"):
        require_allowed(address, (), "GONGXU_CHAT")
    require_allowed(address, ("8.8.8.8",), "GONGXU_CHAT")
