"""The dashboard's questions to the store: the same answers on SQLite and PostgreSQL."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from fastapi.testclient import TestClient

import data.store
from data.records import Achievement, Demand, EventKind, OutcomeEvent
from data.settings import Settings
from data.store.database import begin_write
from data.store.operators import Operator
from data.store.store import Store
from data.store.tables import achievements, demands
from serving.app import create_app
from serving.dashboard.accounts.access import hash_password

START = datetime(2026, 3, 1, 4, tzinfo=UTC)
PAGES = (
    "/",
    "/?days=90&side=region",
    "/overview/coverage",
    "/quality",
    "/browse?demands_sort=-deadline&demands_find=污泥",
    "/review",
    "/health",
    "/health/boilerplate",
    "/health/vague",
    "/models",
    "/audit?audit_action=operators.sign_in",
    "/records/demands?state=unanswered",
    "/records/demands?state=expired&demands_status=发布",
    "/records/achievements?state=unshown&missing=region",
    "/records/achievements?state=stale&achievements_sort=last_shown",
    "/records/events?from=2026-03-01&to=2026-03-02&field=环保&events_kind=impression",
    "/records/events?version=v1&industry=26&region=none&kind=response",
    "/records/events?version=none",
    "/records/demands?state=responded&from=2026-03-02&to=2026-03-02",
    "/records/achievements?state=shown&from=2026-03-01&achievements_find=%E5%8C%96%E6%9C%BA",
    "/records/demands?sentence=没有这一句话的记录可以找到",
    "/records/holders?state=shown&from=2026-03-01",
    "/health/ask?id=D1",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, tmp_path):
    url = "" if request.param == "sqlite" else request.getfixturevalue("new_postgresql")()
    settings = Settings(home=tmp_path, database_url=url, threads=1, serve_threads=1)
    with Store.open(settings.store_url) as store:
        fill(store)
        as_before_titles(store)
    return settings


def as_before_titles(store):
    """Take the store back to the schema that had neither titles nor industries of their own: opening it fills them in."""
    config = Config()
    config.set_main_option("script_location", str(Path(data.store.__file__).with_name("migrations")))
    config.set_main_option("recursive_version_locations", "true")
    with begin_write(store.engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")


@pytest.fixture
def site(settings):
    with TestClient(create_app(settings), base_url="http://localhost", client=("127.0.0.1", 1)) as client:
        form = {"name": "boss", "password": "right-password"}
        answer = client.post("/dashboard/login", data=form, headers={"Origin": "http://localhost"})
        assert answer.status_code == 200
        yield client


def fill(store):
    store.operators.add(Operator("boss", "manager", hash_password("right-password"), datetime.now(UTC)))
    store.upsert_demands(
        [
            Demand(
                demand_id="D1", title="低温污泥干化\0设备", field="环保", region="410100", deadline=date(2024, 1, 1)
            ),
            Demand(demand_id="D2", title="高强钢", field="新材料", budget_max=50, industries=("C2614",)),
        ]
    )
    store.upsert_achievements(
        [
            Achievement(achievement_id="A1", title="带式干化机\\u0000", holder="某大学", published_at=date(2020, 1, 1)),
            Achievement(achievement_id="A2", title="钢板"),
        ]
    )
    kinds = (EventKind.IMPRESSION, EventKind.CLICK, EventKind.CONTACT, EventKind.DEAL)
    store.append_events(
        OutcomeEvent(
            event_id=f"E{n}", demand_id="D1", achievement_id="A1", kind=kind, occurred_at=START + timedelta(hours=n * 7)
        )
        for n, kind in enumerate(kinds)
    )
    store.append_events(
        OutcomeEvent(
            event_id=f"V{n}",
            demand_id="D2",
            achievement_id="A2",
            kind=kind,
            occurred_at=START - timedelta(days=9),
            bundle_version=version,
        )
        for n, (kind, version) in enumerate(
            [(EventKind.CONTACT, "v1"), (EventKind.MEETING, "v1"), (EventKind.CONTACT, "v2"), (EventKind.CLICK, "v1")]
        )
    )


def test_every_question_is_answered_alike(site):
    for path in PAGES:
        answer = site.get(f"/dashboard{path}")
        assert answer.status_code == 200, (path, answer.text[-300:])
    counts = {
        path: re.search(r'class="count">([\d,]+) 条', site.get(f"/dashboard{path}").text)[1]
        for path in PAGES
        if "records" in path
    }
    assert list(counts.values()) == ["0", "1", "1", "1", "1", "2", "4", "1", "1", "0", "1"]
    assert "低温污泥干化" in site.get("/dashboard/records/demands").text
    assert site.get("/dashboard/tables/demands/export?format=csv").text.count("\n") == 3


def test_an_older_store_gets_its_titles_and_industries_when_it_is_opened(settings):
    with Store.open(settings.store_url) as store, store.engine.connect() as connection:
        titles = {
            row.id: row.title
            for table in (achievements, demands)
            for row in connection.execute(sa.select(table.c.id, table.c.title))
        }
        industries = dict(connection.execute(sa.select(demands.c.id, demands.c.industry)).all())
    assert titles == {"D1": "低温污泥干化设备", "D2": "高强钢", "A1": "带式干化机\\u0000", "A2": "钢板"}
    assert industries == {"D1": "", "D2": "26"}
