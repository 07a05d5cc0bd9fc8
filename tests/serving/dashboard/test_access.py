"""Nothing of the dashboard is reached without signing in, nor done without the role, the form's token and our own page."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.routing import Mount, Route

from data.store.store import Store
from serving.access.rates import RateLimit
from serving.dashboard.accounts import sessions
from serving.dashboard.accounts.access import Role, hash_password, password_matches
from serving.dashboard.app import PAGES, create_dashboard
from serving.dashboard.pages import sign_in
from tests.serving.dashboard.conftest import ORIGIN, PASSWORD, Person, log_in
from tests.some import some

OPEN = {("/login", "GET"), ("/login", "POST"), ("/login/provider", "GET"), ("/login/callback", "GET")}


def all_routes():
    found = []
    for route in create_dashboard().routes:
        if isinstance(route, Route):
            found += [(route.path.replace("{name}", "demands"), method) for method in sorted(route.methods - {"HEAD"})]
        else:
            assert isinstance(route, Mount)
            assert route.path == "/static"
    return found


def test_every_route_is_walked():
    assert len(all_routes()) == len(PAGES)
    assert set(all_routes()) >= OPEN
    assert {(page.path, "POST" if page.post else "GET") for page in PAGES if page.needs is None} == OPEN


@pytest.mark.parametrize(("path", "method"), all_routes())
def test_nobody_gets_past_the_login_page(site, path, method):
    site.cookies.clear()
    answer = site.request(method, f"/dashboard{path}", headers=ORIGIN, data={"name": "x"} if method == "POST" else None)
    if (path, method) == ("/login", "GET"):
        assert answer.status_code == 200
    elif path.startswith("/login/"):
        assert answer.status_code == 404  # no provider is set
    elif path == "/login" or method == "POST":
        assert answer.status_code == 401
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/dashboard/login?next=%2Fdashboard%2F")


@pytest.mark.parametrize("cookie", ["", "x", "gx" * 40, "é", "a" * 5000])
def test_a_made_up_cookie_opens_nothing(site, cookie):
    site.cookies.clear()
    answer = site.get("/dashboard/browse", headers={"Cookie": f"gongxu_session={cookie}".encode()})
    assert answer.status_code == 303
    assert site.get("/dashboard/static/../app.py").status_code in (303, 404)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.needs not in (None, Role.VIEWER)], ids=lambda p: p.path
)
def test_a_role_below_what_a_page_needs_is_refused(people, page):
    below = [role for role in Role if not role.covers(page.needs)]
    for role in some(below):
        person = people[role.value]
        assert (person.post(page.path) if page.post else person.get(page.path)).status_code == 403


@pytest.mark.parametrize("page", [page for page in PAGES if page.post and page.needs], ids=lambda p: p.path)
def test_a_form_without_its_token_or_from_elsewhere_is_refused(manager, page):
    assert manager.post(page.path, csrf="").status_code == 403
    assert manager.post(page.path, csrf="0" * 64).status_code == 403
    assert manager.post(page.path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert manager.post(page.path, headers={}).status_code == 403
    assert manager.post(page.path, headers=ORIGIN | {"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_pages_load_nothing_from_elsewhere_and_are_not_kept(record_encoder):
    answer = record_encoder.get("/browse")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "style=" not in answer.text
    assert " onclick" not in answer.text


def test_the_cookie_is_not_for_scripts_nor_other_sites(site):
    answer = log_in(site, "viewer", PASSWORD)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/dashboard" in cookie


def test_over_plain_http_from_afar_no_password_is_taken(site):
    site.cookies.clear()
    headers = {"Host": "platform.example", "Origin": "http://platform.example"}
    form = {"name": "viewer", "password": PASSWORD}
    assert site.post("http://platform.example/dashboard/login", data=form, headers=headers).status_code == 403
    headers["Origin"] = "https://platform.example"
    answer = site.post("https://platform.example/dashboard/login", data=form, headers=headers)
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/dashboard/browse?side=demands", "/dashboard/browse?side=demands"),
        ("https://evil.example/", "/dashboard/"),
        ("//evil.example/dashboard/", "/dashboard/"),
        ("/dashboard/\\evil", "/dashboard/"),
        ("", "/dashboard/"),
    ],
)
def test_after_signing_in_one_stays_here(site, wanted, goes):
    assert log_in(site, "viewer", PASSWORD, next=wanted).headers["location"] == goes


def test_wrong_passwords_lock_the_account_and_say_no_more_than_unknown_names(site, home):
    with Store.open(home.store_url) as store:
        operator = store.operators.find("viewer")
        store.operators.add(type(operator)("target", "viewer", operator.password_hash, operator.created_at))
    unknown = log_in(site, "nobody", "wrong-password").text
    texts = {log_in(site, "target", "wrong-password").text for _ in range(5)}
    assert texts == {unknown}
    assert log_in(site, "target", PASSWORD).status_code == 401  # locked, the right password does not help
    with Store.open(home.store_url) as store:
        assert store.api_keys.trail(1)[0].action == "operators.locked"
        store.operators.change("target", locked_until=datetime.now(UTC) - timedelta(seconds=1))
    assert log_in(site, "target", PASSWORD).status_code == 303


def test_attempts_of_one_address_are_limited(site, monkeypatch):
    monkeypatch.setattr(sign_in, "_rates", RateLimit(0.01))
    codes = [log_in(site, "nobody", "wrong-password").status_code for _ in range(3)]
    assert codes == [401, 429, 429]


def test_a_session_ends_by_signing_out_idling_age_and_change_of_role(site, home, monkeypatch):
    person = Person(site, "viewer")
    assert person.post("/logout").status_code == 303
    assert person.get("/browse").status_code == 303

    for later, alive in ((timedelta(minutes=119), True), (timedelta(hours=4), False)):
        person = Person(site, "viewer")
        now = datetime.now(UTC) + later
        with Store.open(home.store_url) as store:
            assert (sessions.signed_in(store, person.cookie, now) is not None) == alive

    person = Person(site, "viewer")
    with Store.open(home.store_url) as store:
        now = datetime.now(UTC)
        for _ in range(12):  # used all the time, it still ends
            now += timedelta(hours=1, minutes=1)
            last = sessions.signed_in(store, person.cookie, now)
        assert last is None

    with Store.open(home.store_url) as store:
        operator = store.operators.find("viewer")
        store.operators.add(type(operator)("mover", "viewer", operator.password_hash, operator.created_at))
    person = Person(site, "mover")
    with Store.open(home.store_url) as store:
        store.operators.change("mover", role="reviewer")
    assert person.get("/browse").status_code == 303


def test_an_operator_changes_their_own_password(site, home):
    with Store.open(home.store_url) as store:
        operator = store.operators.find("viewer")
        store.operators.add(type(operator)("changer", "viewer", operator.password_hash, operator.created_at))
    person = Person(site, "changer")
    good = {"old": PASSWORD, "new": "another-password", "again": "another-password"}
    assert person.post("/account", **(good | {"old": "wrong-password"})).status_code == 422
    assert person.post("/account", **(good | {"again": "different-password"})).status_code == 422
    assert person.post("/account", **(good | {"new": "short", "again": "short"})).status_code == 422
    assert person.post("/account", **good).status_code == 303
    assert person.get("/browse").status_code == 303
    assert log_in(site, "changer", PASSWORD).status_code == 401
    assert log_in(site, "changer", "another-password").status_code == 303


def test_signing_in_is_in_the_audit_trail_which_managers_alone_see(site, home, manager, record_encoder):
    Person(site, "viewer")
    with Store.open(home.store_url) as store:
        assert any(
            entry.action == "operators.sign_in" and entry.subject == "viewer" for entry in store.api_keys.trail()
        )
    assert "操作员 viewer" in manager.get("/audit").text
    assert record_encoder.get("/audit").status_code == 403
    assert record_encoder.get("/tables/audit").status_code == 403
    assert record_encoder.get("/tables/audit/export").status_code == 403


def test_passwords_are_kept_as_argon2():
    hashed = hash_password("secret-of-mine")
    assert hashed.startswith("$argon2id$")
    assert password_matches("secret-of-mine", hashed)
    assert not password_matches("secret-of-yours", hashed)
    assert not password_matches("secret-of-mine", None)
    assert not password_matches("secret-of-mine", "damaged")
