"""Operators sign in at an OpenID Connect provider: the whole way over HTTP, and every way in which it must not work."""

import re
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from data.errors import SettingsError
from data.settings import Settings
from data.store.store import Store
from serving.access.rates import RateLimit
from serving.dashboard.accounts import oidc
from serving.dashboard.accounts.access import Role
from serving.dashboard.pages import sign_in
from tests.serving.dashboard.conftest import BASE, add_operators, log_in, serving
from tests.serving.dashboard.provider import CLIENT, SECRET, TestProvider, new_key

BROWSER = httpx2.Client(verify=False)  # at the provider, over plain http


@pytest.fixture(scope="module")
def module_provider():
    provider = TestProvider()
    yield provider
    provider.close()


@pytest.fixture
def provider(module_provider):
    module_provider.person = {"sub": "u1", "preferred_username": "wang.fang", "roles": ["reviewer"]}
    module_provider.forged, module_provider.refuses = {}, ""
    module_provider.signer, module_provider.methods = module_provider.key, ["client_secret_basic"]
    return module_provider


@pytest.fixture(scope="module")
def settings(module_provider, tmp_path_factory):
    made = Settings(
        home=tmp_path_factory.mktemp("provider"),
        threads=1,
        serve_threads=1,
        oidc_issuer=module_provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
    )
    with Store.open(made.store_url) as store:
        add_operators(store)
    return made


@pytest.fixture(scope="module")
def site(settings):
    with serving(settings) as client:
        yield client


def leave(site, wanted="/dashboard/quality"):
    """Go to the provider; return its address and the cookie to come back with."""
    site.cookies.clear()
    answer = site.get("/dashboard/login/provider", params={"next": wanted})
    assert answer.status_code == 303, answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/dashboard/login" in cookie
    return answer.headers["location"], answer.cookies["gongxu_sign_in"]


def come_back(site, address, cookie, **changed):
    """Let the provider send the browser back, with some values of its answer changed."""
    sent = BROWSER.get(address).headers["location"]
    assert sent.startswith(f"{BASE}/dashboard/login/callback?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(sent).query).items()} | changed
    site.cookies.clear()
    return site.get("/dashboard/login/callback", params=query, headers={"Cookie": f"gongxu_sign_in={cookie}"})


def whole_way(site):
    return come_back(site, *leave(site))


def said(answer):
    return re.search(r'role="alert">([^<]*)<', answer.text)[1]


@pytest.mark.slow
def test_who_the_provider_vouches_for_is_in_with_the_role_it_says(site, settings, provider):
    assert "统一身份登录" in site.get("/dashboard/login").text
    answer = whole_way(site)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/quality")
    cookie = {"Cookie": f"gongxu_session={answer.cookies['gongxu_session']}"}
    site.cookies.clear()
    page = site.get("/dashboard/account", headers=cookie).text
    assert "wang.fang" in page
    assert "统一身份登录" in page
    assert 'name="old"' not in page  # there is no password to change
    assert site.get("/dashboard/audit", headers=cookie).status_code == 403
    assert site.get("/dashboard/review", headers=cookie).status_code == 200
    assert log_in(site, "wang.fang", "").status_code == 401
    assert log_in(site, "viewer", "right-password").status_code == 303  # passwords work beside it

    provider.person["roles"], provider.person["preferred_username"] = ["viewer", "manager"], "renamed"
    again = whole_way(site)
    site.cookies.clear()
    assert (
        site.get("/dashboard/review", headers=cookie).status_code == 303
    )  # another role ends the sessions of the old one
    cookie = {"Cookie": f"gongxu_session={again.cookies['gongxu_session']}"}
    site.cookies.clear()
    assert site.get("/dashboard/audit", headers=cookie).status_code == 200
    with Store.open(settings.store_url) as store:
        (operator,) = [one for one in store.operators.all() if one.subject]
        actions = [entry.action for entry in store.api_keys.trail() if "wang.fang" in entry.actor]
    assert (operator.name, operator.role, operator.subject) == ("wang.fang", "manager", f"{provider.issuer}#u1")
    assert actions == ["operators.sign_in", "operators.role", "operators.sign_in", "operators.add"]


FORGED = {
    "another nonce": ({"nonce": "another"}, "没有通过校验"),
    "no nonce": ({"nonce": None}, "没有通过校验"),
    "another audience": ({"aud": "someone-else"}, "没有通过校验"),
    "several audiences, made for another": ({"aud": [CLIENT, "x"], "azp": "x"}, "没有通过校验"),
    "another issuer": ({"iss": "https://evil.example"}, "没有通过校验"),
    "expired": ({"exp": int(time.time()) - 600}, "已过期"),
    "from the future": ({"iat": int(time.time()) + 6000}, "没有通过校验"),
    "another access token": ({"at_hash": "AAAA"}, "没有通过校验"),
    "no name": ({"preferred_username": ""}, "没有用户名"),
    "unknown role": ({"roles": ["king"]}, "没有可用于本仪表盘的角色"),
    "roles of another shape": ({"roles": {"manager": True}}, "没有可用于本仪表盘的角色"),
    "a name that cannot be": ({"preferred_username": "a b<c>", "sub": "u7"}, "不能用的字符"),
    "the name of a password's owner": ({"preferred_username": "manager", "sub": "u8"}, "已被另一个账户占用"),
}


@pytest.mark.parametrize(("forged", "text"), FORGED.values(), ids=FORGED)
def test_a_token_that_is_not_what_it_has_to_be_opens_nothing(site, provider, forged, text):
    provider.forged = forged
    answer = whole_way(site)
    assert answer.status_code in (401, 403)
    assert text in said(answer)
    assert "gongxu_session" not in answer.cookies


def test_a_token_signed_by_another_key_is_refused_until_the_provider_publishes_it(site, provider, monkeypatch):
    assert whole_way(site).status_code == 303
    provider.signer = new_key("second")
    assert "没有通过校验" in said(whole_way(site))
    provider.signer = new_key("first")  # the name of the right key, but not the key
    assert "没有通过校验" in said(whole_way(site))
    monkeypatch.setattr(oidc, "RETRY", 0.0)
    provider.key = provider.signer = new_key("third")
    assert whole_way(site).status_code == 303


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_without_the_providers_signature_is_refused(site, provider, monkeypatch, algorithm):
    """Unsigned, or signed with the client's secret, which the provider's users might know."""
    monkeypatch.setattr(jwt, "encode", lambda header, claims, _key: _weak(algorithm, claims))
    address, cookie = _left_before(site, monkeypatch)
    assert "没有通过校验" in said(come_back(site, address, cookie))


def _left_before(site, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(jwt, "encode", ENCODE)
        return leave(site)


ENCODE = jwt.encode


def _weak(algorithm, claims):
    key = OctKey.import_key(SECRET)
    if algorithm == "HS256":
        return ENCODE({"alg": "HS256"}, claims, key)
    signed = ENCODE({"alg": "HS256"}, claims, key).split(".")
    return f"eyJhbGciOiJub25lIn0.{signed[1]}."


def test_only_the_browser_that_left_may_come_back_and_only_once(site, provider, monkeypatch):
    address, cookie = leave(site)
    assert "已过期，或不是从本页发起的" in said(come_back(site, address, cookie, state="another"))
    assert "已过期，或不是从本页发起的" in said(come_back(site, address, ""))
    assert "已过期，或不是从本页发起的" in said(come_back(site, address, cookie[:-4] + "AAAA"))
    other_address, _ = leave(site)
    assert "已过期，或不是从本页发起的" in said(come_back(site, other_address, cookie))
    assert "不接受这次登录" in said(come_back(site, address, cookie, code="made-up"))
    assert "与配置的地址不符" in said(come_back(site, address, cookie, iss="https://evil.example"))
    done = come_back(site, address, cookie)
    assert done.status_code == 303
    assert 'gongxu_sign_in="";' in done.headers["set-cookie"]
    monkeypatch.setattr(oidc, "SIGN_IN_TIME", -5)
    assert "已过期，或不是从本页发起的" in said(whole_way(site))


def test_a_refusal_of_the_provider_and_a_disabled_account_are_told(site, settings, provider):
    provider.refuses = "access_denied"
    assert "没有批准这次登录" in said(whole_way(site))
    provider.refuses, provider.person["sub"], provider.person["preferred_username"] = "", "u2", "li.na@platform.example"
    assert whole_way(site).status_code == 303
    with Store.open(settings.store_url) as store:
        store.operators.change("li.na@platform.example", disabled_at=datetime.now(UTC))
    assert "已停用" in said(whole_way(site))
    with Store.open(settings.store_url) as store:
        assert store.api_keys.trail(1)[0].action == "operators.refused"


def test_steps_of_one_address_are_limited(site, provider, monkeypatch):
    monkeypatch.setattr(sign_in, "_provider_rates", RateLimit(1.0))
    assert whole_way(site).status_code == 303
    site.cookies.clear()
    assert site.get("/dashboard/login/provider").status_code == 429


def test_over_plain_http_from_afar_nobody_is_sent_there(site):
    site.cookies.clear()
    answer = site.get("http://platform.example/dashboard/login/provider", headers={"Host": "platform.example"})
    assert answer.status_code == 403
    assert "HTTPS" in said(answer)


def test_after_signing_in_there_one_stays_here(site, provider):
    address, cookie = leave(site, "https://evil.example/dashboard/")
    assert come_back(site, address, cookie).headers["location"] == "/dashboard/"


def test_mapped_roles_another_claim_and_no_passwords(settings, provider):
    named = {"oidc_roles": "cn=admins=manager", "oidc_role_claim": "realm_access.roles"}
    own = settings.model_copy(update=named | {"password_login": False})
    provider.person = {"sub": "u3", "preferred_username": "zhao", "realm_access": {"roles": ["cn=admins", "other"]}}
    provider.methods = ["client_secret_post"]
    with serving(own) as site:
        assert 'name="password"' not in site.get("/dashboard/login").text
        assert log_in(site, "viewer", "right-password").status_code == 403
        assert whole_way(site).status_code == 303
    with Store.open(settings.store_url) as store:
        assert store.operators.find("zhao").role == Role.MANAGER


def test_a_provider_that_is_not_there_is_told_and_without_one_there_is_no_such_page(settings, empty_site):
    gone = settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"})
    with serving(gone) as site:
        answer = site.get("/dashboard/login/provider")
        assert answer.status_code == 502
        assert "暂时无法访问" in said(answer)
        assert 'name="password"' in answer.text
    empty_site.cookies.clear()
    assert empty_site.get("/dashboard/login/provider").status_code == 404
    assert "统一身份登录" not in empty_site.get("/dashboard/login").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_client_secret": ""},
        {"oidc_client_id": ""},
        {"oidc_issuer": "http://id.platform.example"},
        {"oidc_roles": "admins=king"},
        {"oidc_issuer": "", "password_login": False},
    ],
)
def test_settings_under_which_nobody_could_sign_in_are_refused(settings, wrong):
    with pytest.raises(SettingsError):
        oidc.require_usable(Settings(**(settings.model_dump() | wrong)))
