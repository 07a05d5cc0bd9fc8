"""A server with the dashboard on a copy of the suite's platform, operators of all roles, and clients signed in as them."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from data.kinds.record import KindRecord
from data.quality.ladder import Step
from data.settings import Settings
from data.store.operators import Operator
from data.store.store import Store
from data.taxonomy.industry_chain import Chain, ChainLink, ChainNode
from data.work.order_state import OrderAction, OrderStep, Party, Published
from serving.access.rates import RateLimit
from serving.app import create_app
from serving.dashboard.accounts.access import Role, hash_password
from serving.dashboard.pages import sign_in

PASSWORD = "right-password"
BASE = "http://localhost"
ORIGIN = {"Origin": BASE}


def add_operators(store: Store) -> None:
    """Make one operator of each role, named after it."""
    hashed = hash_password(PASSWORD)
    for role in Role:
        store.operators.add(Operator(role.value, role.value, hashed, datetime.now(UTC)))


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """Tests sign in oftener than people do; the limit has its own test."""
    monkeypatch.setattr(sign_in, "_rates", RateLimit(10_000.0))
    monkeypatch.setattr(sign_in, "_provider_rates", RateLimit(10_000.0))


def copied(platform, folder: Path, **changes: object) -> Settings:
    """Copy the platform's store, bundles and candidates into `folder` and return settings for them."""
    for path in platform.settings.home.glob("store.db*"):
        shutil.copy(path, folder)
    for name in ("bundles", "candidates"):
        if (platform.settings.home / name).is_dir():
            shutil.copytree(platform.settings.home / name, folder / name)
    return platform.settings.model_copy(update={"home": folder, "serve_threads": 1} | changes)


@pytest.fixture(scope="session")
def home(platform, tmp_path_factory) -> Settings:
    """Return settings of a copy of the platform for the dashboard's tests."""
    settings = copied(platform, tmp_path_factory.mktemp("dashboard"), serve_poll=0.05)
    with Store.open(settings.store_url) as store:
        add_operators(store)
        add_kinds(store)
    return settings


def add_kinds(store: Store) -> None:
    """Write a service, a firm, a policy, a chain, an order and a stale record, for the pages about one."""
    text = "申报企业应符合以下条件：（1）职工人数不少于20人；（2）上年度营业收入不低于2000万元。"
    store.kinds.upsert(
        [
            KindRecord(kind="service", id="S1", title="污泥含水率检测", attributes={"qualifications": ("CMA",)}),
            KindRecord(kind="firm", id="F1", title="隔膜公司", attributes={"staff": 25}),
            KindRecord(kind="policy", id="P1", title="产业奖补", attributes={"conditions": text}),
        ]
    )
    publish = OrderStep(0, OrderAction.PUBLISH, Party.CLIENT, "manager", datetime.now(UTC), "order-1")
    number = store.orders.publish(Published("D000001", "隔膜公司"), publish).number
    listed = {
        "order": number,
        "action": OrderAction.SHORTLIST,
        "token": "order-1-S1",
        "kind": "service",
        "record_id": "S1",
    }
    store.orders.act(replace(publish, **listed))
    store.quality.append([Step("record", "service", "S1", "询问", "R1", datetime.now(UTC), "platform", "请更新或确认")])
    nodes = (ChainNode("1", "制造", "0", "C"), ChainNode("0", "环保"), ChainNode("2", "环保服务", "0", "77"))
    store.chains.put(Chain("c", "环保产业", nodes, (ChainLink("2", "1", 1.0),)), datetime.now(UTC))


@contextmanager
def serving(settings: Settings) -> Iterator[TestClient]:
    """Yield a client that follows no redirect and is not signed in."""
    with TestClient(create_app(settings), base_url=BASE, client=("127.0.0.1", 50000), follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="session")
def site(home) -> Iterator[TestClient]:
    """Yield the server of the session."""
    with serving(home) as client:
        yield client


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory) -> Iterator[TestClient]:
    """Yield a server over an empty store, with operators."""
    settings = Settings(home=tmp_path_factory.mktemp("empty"), threads=1, serve_threads=1)
    with Store.open(settings.store_url) as store:
        add_operators(store)
    with serving(settings) as client:
        yield client


class Person:
    """Somebody signed in: asks for pages and sends forms as a browser does."""

    def __init__(self, site: TestClient, name: str) -> None:
        self.site, self.name = site, name
        answer = log_in(site, name, PASSWORD)
        assert answer.status_code == 303, answer.text
        self.cookie = answer.cookies["gongxu_session"]
        self.csrf = re.search(r'data-csrf="([0-9a-f]{64})"', self.get("/account").text)[1]

    def get(self, path, **headers):
        self.site.cookies.clear()
        headers = {"Cookie": f"gongxu_session={self.cookie}"} | headers
        return self.site.get(f"/dashboard{path}", headers=headers)

    def post(self, path, csrf=None, headers=None, **fields):
        self.site.cookies.clear()
        sent = {"csrf": self.csrf if csrf is None else csrf} | fields
        headers = {"Cookie": f"gongxu_session={self.cookie}"} | (ORIGIN if headers is None else headers)
        return self.site.post(f"/dashboard{path}", data=sent, headers=headers)


def log_in(site, name, password, headers=ORIGIN, **fields):
    site.cookies.clear()
    return site.post("/dashboard/login", data={"name": name, "password": password} | fields, headers=headers)


@pytest.fixture(scope="session")
def people(site) -> dict[str, Person]:
    """Return one person signed in for each role."""
    sign_in._rates = RateLimit(10_000.0)
    return {role.value: Person(site, role.value) for role in Role}


@pytest.fixture
def manager(people) -> Person:
    return people["manager"]


@pytest.fixture
def reviewer(people) -> Person:
    return people["reviewer"]


@pytest.fixture
def record_encoder(people) -> Person:
    return people["viewer"]
