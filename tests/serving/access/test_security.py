"""Who is let in, how often, and what they may do."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from typer.testing import CliRunner

from data.errors import InputError
from data.settings import settings
from data.store.store import Store
from serving.access.credentials import KeyRing, add_key, make_key, revoke_key
from serving.access.gate import is_local
from serving.access.rates import RateLimit
from serving.access.roles import SCOPES, Role, Scope
from serving.commands.keys import app as keys_app
from tests.serving.conftest import running, wait_for
from tests.some import some

URL = "/v1/recommendations/achievements"
TEXT = {"text": "污泥干化设备"}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def make(site, name, role=Role.BACKEND):
    with Store.open(site.store_url) as store:
        return add_key(store, name, role)


def test_without_keys_only_this_machine_is_served(client):
    assert client.post(URL, json=TEXT).status_code == 200
    remote = TestClient(client.app, base_url="http://localhost", client=("192.0.2.7", 1))
    for answer in (
        remote.post(URL, json=TEXT),
        client.post(URL, json=TEXT, headers={"X-Forwarded-For": "192.0.2.7"}),
        client.post(URL, json=TEXT, headers={"X-Forwarded-Proto": "https"}),
        client.post(URL, json=TEXT, headers={"Via": "1.1 proxy"}),
        client.post(URL, json=TEXT, headers={"Host": "attacker.example"}),
        client.post(URL, json=TEXT, headers={"Origin": "https://attacker.example"}),
    ):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "gongxu keys add" in answer.json()["detail"]
    assert remote.get("/healthz").status_code == 200
    # and nobody is an administrator before there is a key
    refused = client.post("/v1/models/reload", json={})
    assert (refused.status_code, "gongxu keys add" in refused.json()["detail"]) == (403, True)


def test_a_form_cannot_be_posted_by_a_page(client):
    answer = client.post(URL, content=b'{"text": "x"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_once_a_key_exists_it_is_needed(client, site):
    key = make(site, "backend")
    wait_for(lambda: client.post(URL, json=TEXT).status_code == 401)
    assert client.post(URL, json=TEXT, headers=bearer(key)).status_code == 200
    for wrong in (key[:-1] + ("A" if key[-1] != "A" else "B"), key + "x", "", "gx_000000000000_" + "A" * 43, "钥匙"):
        headers = {"Authorization": f"Bearer {wrong}".encode()}
        assert client.post(URL, json=TEXT, headers=headers).status_code == 401
    with Store.open(site.store_url) as store:
        revoke_key(store, "backend")
    wait_for(lambda: client.post(URL, json=TEXT, headers=bearer(key)).status_code == 401)


def test_refusals_come_before_the_body_is_looked_at(client, site):
    make(site, "backend")
    wait_for(lambda: client.post(URL, json=TEXT).status_code == 401)
    assert client.post(URL, content=b"{broken", headers={"Content-Type": "application/json"}).status_code == 401


def test_roles_hold_their_scopes_and_no_more(site):
    keys = {role: make(site, role.value, role) for role in Role}
    requests = {
        Scope.RECOMMEND: ("POST", URL, TEXT),
        Scope.WRITE_RECORDS: ("PUT", "/v1/demands/N1", {"demand_id": "N1", "title": "新"}),
        Scope.WRITE_EVENTS: ("POST", "/v1/events", {}),
        Scope.READ_MODELS: ("GET", "/v1/models", None),
        Scope.CHANGE_MODELS: ("POST", "/v1/models/reload", {"version": "none"}),
        Scope.READ_METRICS: ("GET", "/metrics", None),
    }
    with running(site) as client:
        for role, key in some(keys.items()):
            for scope, (method, path, body) in requests.items():
                answer = client.request(method, path, json=body, headers=bearer(key))
                assert (answer.status_code == 403) == (scope not in SCOPES[role]), (role, scope, answer.text)
                assert answer.status_code != 401


def test_rate_limit_of_a_key(site):
    first, second = make(site, "first"), make(site, "second")
    with running(site.model_copy(update={"serve_rate_limit": 2.0})) as client:
        answers = [client.get("/v1/nothing", headers=bearer(first)) for _ in range(8)]
        assert [answer.status_code for answer in answers][:4] == [404] * 4
        refused = answers[-1]
        assert refused.status_code == 429
        assert refused.json()["type"] == "urn:gongxu:problem:rate-limited"
        assert int(refused.headers["Retry-After"]) >= 1
        assert client.get("/v1/nothing", headers=bearer(second)).status_code == 404


@given(st.lists(st.floats(0, 3), max_size=200), st.floats(0.1, 50))
def test_bucket_never_lets_more_through_than_its_rate(pauses, rate):
    now = [0.0]
    limit = RateLimit(rate, clock=lambda: now[0])
    let_through = 0
    for pause in pauses:
        now[0] += pause
        let_through += limit.wait("key") == 0.0
    assert let_through <= max(1.0, 2 * rate) + rate * now[0] + 1e-6


def test_waiting_as_long_as_told_is_enough():
    now = [0.0]
    limit = RateLimit(3.0, clock=lambda: now[0])
    while (wait := limit.wait("key")) == 0.0:
        pass
    now[0] += wait + 1e-9
    assert limit.wait("key") == 0.0


def test_key_is_stored_as_digest_only(site):
    key = make(site, "secret")
    secret = key.rsplit("_", 1)[-1]
    files = list(site.home.glob("store.db*"))
    assert files
    for path in files:
        assert secret.encode() not in path.read_bytes()


def test_expired_key_is_refused(tmp_path):
    past = datetime.now(UTC) - timedelta(days=2)
    ring = KeyRing()
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        expired, stored = make_key("old", Role.BACKEND, past, days=1)
        store.api_keys.add(stored)
        fresh, stored = make_key("new", Role.BACKEND, past, days=100)
        store.api_keys.add(stored)
        ring.refresh(store)
    assert ring.principal(expired) is None
    assert ring.principal(fresh).name == "new"


@pytest.mark.parametrize("name", ["", "a b", "x" * 101, "a\n", "a;b"])
def test_key_names(name):
    with pytest.raises(InputError):
        make_key(name, Role.ADMIN, datetime.now(UTC))


@given(st.text(max_size=80))
def test_no_text_is_a_key(text):
    assert KeyRing().principal(text) is None


def test_loopback_needs_more_than_the_address():
    assert is_local(Headers({"host": "[::1]:8000"}), "::1")
    assert is_local(Headers({"host": "localhost:8000", "origin": "http://localhost:8000"}), "127.0.0.1")
    assert not is_local(Headers({"host": "localhost:8000"}), "10.0.0.1")
    assert not is_local(Headers({"host": "localhost.attacker.example:8000"}), "127.0.0.1")
    assert not is_local(Headers({}), "127.0.0.1")


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path))
    settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(keys_app, arguments)
    settings.cache_clear()


def test_keys_command(command):
    made = command("add", "平台", "--role", "backend", "--days", "30")
    assert made.exit_code == 0
    key = made.stdout.splitlines()[-1]
    assert key.startswith("gx_")
    listed = command("list", "--json")
    assert '"valid": true' in listed.stdout
    assert key not in listed.stdout
    assert command("revoke", "平台").exit_code == 0
    assert "已吊销" in command("list").stdout


@pytest.mark.parametrize(
    "arguments", [("add", "x", "--role", "god"), ("add", "a b", "--role", "admin"), ("revoke", "nobody")]
)
def test_keys_command_refuses(command, arguments):
    assert isinstance(command(*arguments).exception, InputError)
