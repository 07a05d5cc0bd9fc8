"""The server behind a real nginx, with the very lines that docs/operations.md gives."""

import os
import re
import shutil
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from data.settings import Settings
from data.store.operators import Operator
from data.store.store import Store
from serving.access.credentials import add_key
from serving.access.roles import Role
from serving.dashboard.accounts.access import hash_password
from tests.e2e.servers import free_port, served
from tests.serving.conftest import wait_for

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx)")
PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
PASSWORD = "correct horse battery"
WITHOUT_HEADERS = "server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{upstream}; }} }}"


def documented(folder: Path, port: int, upstream: int) -> str:
    """Return the documented server block with ports and certificate of the test."""
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    block = block.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace(
        "127.0.0.1:8000", f"127.0.0.1:{upstream}"
    )
    return block.replace("/etc/ssl/gongxu.crt", str(folder / "crt")).replace("/etc/ssl/gongxu.key", str(folder / "key"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("nginx") / "home")


@pytest.fixture(scope="module")
def proxies(home, tmp_path_factory):
    """Yield addresses: of the server, of nginx as documented, of nginx given nothing but where to send requests."""
    folder = tmp_path_factory.mktemp("proxy")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*made, "-keyout", folder / "key", "-out", folder / "crt"], check=True, capture_output=True)
    home.home.mkdir()
    with served(home.home, path="/healthz") as (address, _):
        upstream = int(address.rpartition(":")[2])
        secure, plain = free_port(), free_port()
        blocks = documented(folder, secure, upstream) + WITHOUT_HEADERS.format(port=plain, upstream=upstream)
        paths = "".join(
            f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            f"{user} pid {folder / 'pid'}; error_log {folder / 'error.log'}; daemon off; events {{}}\n"
            f"http {{ access_log off; {paths} {blocks} }}"
        )
        process = subprocess.Popen([str(NGINX), "-p", folder, "-c", folder / "nginx.conf"])
        try:
            trust = ssl.create_default_context(cafile=folder / "crt")
            wait_for(lambda: answers(f"https://localhost:{secure}/healthz", trust))
            yield address, f"https://localhost:{secure}", f"http://127.0.0.1:{plain}", trust
        finally:
            process.terminate()
            process.wait(10)


def answers(url, trust):
    try:
        return httpx2.get(url, verify=trust).status_code == 200
    except httpx2.TransportError:
        return False


def test_before_the_first_key_nobody_comes_in_through_a_proxy(proxies):
    address, secure, plain, trust = proxies
    with httpx2.Client(verify=trust) as client:
        assert client.get(f"{address}/v1/demands").status_code == 200
        for base in (secure, plain):
            assert client.get(f"{base}/healthz").status_code == 200
            for path in ("/v1/demands", "/v1/models", "/metrics"):
                assert client.get(f"{base}{path}").status_code == 401, (base, path)
            assert client.post(f"{base}/v1/models/reload", json={}).status_code == 401
        assert client.post(f"{address}/v1/models/reload", json={}).status_code == 403


def test_an_operator_signs_in_behind_the_documented_proxy(proxies, home):
    _, secure, plain, trust = proxies
    with Store.open(home.store_url) as store:
        store.operators.add(Operator("boss", "manager", hash_password(PASSWORD), datetime.now(UTC)))
    form = {"name": "boss", "password": PASSWORD, "next": "/dashboard/models"}
    with httpx2.Client(base_url=secure, verify=trust, headers={"Origin": secure}) as browser:
        assert browser.get("/dashboard/login").status_code == 200
        answer = browser.post("/dashboard/login", data=form | {"password": "wrong-password"})
        assert answer.status_code == 401
        answer = browser.post("/dashboard/login", data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/dashboard/models")
        cookie = answer.headers["Set-Cookie"]
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        page = browser.get("/dashboard/audit")
        assert page.status_code == 200
        for said in ("登录失败", "boss：密码错误", "操作员 boss", "未登录者"):
            assert said in page.text
    refused = httpx2.post(f"{plain}/dashboard/login", data=form, headers={"Origin": plain})
    assert refused.status_code == 403  # a password in clear


def test_a_key_works_through_the_documented_proxy(proxies, home):
    _, secure, _, trust = proxies
    with Store.open(home.store_url) as store:
        key = add_key(store, "platform", Role.BACKEND)
    with httpx2.Client(base_url=secure, verify=trust, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        wait_for(lambda: client.get("/v1/demands").status_code == 200, 60)
        many = [{"demand_id": f"D{n}", "title": f"题{n}"} for n in range(3)]
        for record in many:
            address = f"/v1/demands/{record['demand_id']}"  # a loaded machine may refuse for a moment (503)
            wait_for(lambda address=address, record=record: client.put(address, json=record).status_code == 200, 60)
        assert len(client.get("/v1/demands").json()["items"]) == 3
        # refusals are counted by address: those of the tests before may hold the next one back for a moment (429)
        wrong = {"Authorization": "Bearer nothing"}
        wait_for(lambda: client.get("/v1/models", headers=wrong).status_code == 401, 60)
