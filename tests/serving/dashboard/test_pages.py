"""Every page says what the store holds, or what to do when it holds nothing; tables and files say the same."""

import csv
import io
import re
from collections import Counter
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from data.records import EventKind
from data.store.aggregates import china_day
from data.store.store import Store
from serving.dashboard.app import PAGES
from serving.dashboard.exports import safe
from serving.dashboard.figures import overview
from serving.dashboard.figures.periods import Period, last_day
from serving.dashboard.figures.quality import wilson
from serving.dashboard.pages.registry import ALL_TABLES
from tests.serving.dashboard.conftest import Person

MENU = ("/", "/matches", "/overview", "/quality", "/browse", "/review", "/gaps", "/imports", "/health", "/models")
QUERIES = {
    "/browse/demand": "?id=D000001",
    "/browse/achievement": "?id=A0000001",
    "/browse/cards": "?id=A0000001",
    "/browse/pair": "?demand=D000001&achievement=A0000001",
    "/browse/compare": "?id=D000001",
    "/models/version": "?version={version}",
    "/imports/report": "?number=1",
    "/health/ask": "?id=D000001",
    "/health/ask/questions": "?id=D000001",
    "/health/ask/list": "?id=D000001",
    "/kinds/record": "?kind=service&id=S1",
    "/kinds/beside": "?demand=D000001",
    "/firm": "?id=F1",
    "/orders/order": "?number=1",
    "/providers": "?review=1",
    "/providers/one": "?name=某检测中心",
    "/criteria/policy": "?kind=policy&id=P1",
    "/tables/{name}": "",
    "/tables/{name}/export": "",
}


@pytest.fixture(scope="module")
def boss(site):
    return Person(site, "manager")


@pytest.fixture(scope="module")
def version(home):
    return (home.bundles / "current").read_text().strip()


@pytest.mark.parametrize("path", MENU)
def test_on_an_empty_store_each_page_says_what_to_do(empty_site, path):
    answer = Person(empty_site, "manager").get(path)
    assert answer.status_code == 200
    said = ("gongxu import", "gongxu train", "没有符合条件的记录", "还没有导入过")
    assert any(words in answer.text for words in said)


OF_SOMETHING_SENT = (
    "/imports/preview",
    "/imports/progress",
    "/browse/text",
    "/browse/handout",
)  # have tests of their own


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if not page.post and page.needs and page.path not in OF_SOMETHING_SENT],
    ids=lambda page: page.path,
)
def test_every_page_answers_with_its_title_and_no_inline_code(boss, page, version):
    path = page.path.replace("{name}", "demands") + QUERIES.get(page.path, "").format(version=version)
    answer = boss.get(path)
    assert answer.status_code == 200, answer.text[-600:]
    if "/tables/" not in path:
        assert re.search(r"<title>.+ · 供需</title>", answer.text)
        assert "style=" not in answer.text
        assert "<script>" not in answer.text


@pytest.mark.parametrize("name", sorted(ALL_TABLES))
def test_every_table_sorts_pages_and_exports_what_it_shows(boss, name, version):
    query = f"version={version}&side=field"
    page = boss.get(f"/tables/{name}?{query}")
    assert page.status_code == 200
    total = int(re.search(r'class="count">([\d,]+) 条', page.text)[1].replace(",", ""))
    assert f'name="{name}_find"' in page.text or "<select" in page.text
    for key in re.findall(rf"{name}_sort=(-?[a-z0-9_]+)", page.text):
        assert boss.get(f"/tables/{name}?{query}&{name}_sort={key}&{name}_page=2").status_code == 200
    rows = list(
        csv.reader(io.StringIO(boss.get(f"/tables/{name}/export?{query}&format=csv").text.removeprefix("\ufeff")))
    )
    sheet = load_workbook(io.BytesIO(boss.get(f"/tables/{name}/export?{query}&format=xlsx").content)).active
    assert len(rows) == sheet.max_row == total + 1
    assert rows[0] == [cell.value or "" for cell in sheet[1]]


def test_a_table_shows_the_rows_in_the_order_asked_for(boss, home):
    with Store.open(home.store_url) as store:
        budgets = sorted((d.budget_max for d in store.demands() if d.budget_max is not None), reverse=True)
    rows = list(csv.reader(io.StringIO(boss.get("/tables/demands/export?demands_sort=-budget_max").text)))
    place = rows[0].index("预算上限（万元）")
    assert [float(row[place]) for row in rows[1 : len(budgets) + 1]] == budgets
    assert all(row[place] == "" for row in rows[len(budgets) + 1 :])


def test_filters_of_an_address_and_of_a_search_hold_together(boss, home):
    with Store.open(home.store_url) as store:
        counts = Counter((event.kind.value, event.demand_id) for event in store.events())
    (kind, demand), number = counts.most_common(1)[0]
    text = boss.get(f"/tables/events?kind={kind}&events_find={demand}").text
    assert f'class="count">{number:,} 条' in text
    assert boss.get("/tables/events?events_find=%25").text.count("<tr>") == 0  # a literal percent sign, found nowhere


def test_unknown_tables_formats_and_records_are_refused(boss):
    assert boss.get("/tables/nothing").status_code == 404
    assert boss.get("/tables/demands/export?format=exe").status_code == 400
    for path in (
        "/browse/demand?id=nothing",
        "/browse/pair?demand=D000001&achievement=x",
        "/models/version?version=..",
        "/x",
    ):
        assert boss.get(path).status_code == 404
    assert boss.get("/browse/text?id=nothing").status_code == 404
    assert boss.get("/browse/handout?demand=D000001&format=exe").status_code == 400
    assert boss.post("/browse/text", text="", side="demands").status_code == 422


@given(st.text(max_size=40))
def test_no_cell_of_a_file_is_a_formula(text):
    cell = safe(text)
    assert not cell or cell[0] not in "=+-@\t\r\n|%"
    assert "\x00" not in cell


@pytest.mark.parametrize("days", [7, 30, 90, 365])
def test_the_overview_counts_what_a_plain_recount_counts(boss, home, days):
    with Store.open(home.store_url) as store:
        events = [event for event in store.events() if event.occurred_at]
        open_demands = {d.demand_id for d in store.demands() if d.status.value in ("发布", "对接中")}
        field_of = {d.demand_id: d.field for d in store.demands()}
        with store.engine.connect() as connection:
            last = last_day(connection)
            period = Period(last - timedelta(days=days - 1), last)
            totals = overview.totals(connection, period)
            sides = {row["value"]: row for row in overview.by_side(connection, period, "field")}
            median = overview.response_days(connection, period)
            unanswered = overview.unanswered(connection, period)
            covered = overview.coverage(connection, period, current=True)
            trend, counted = overview.trend(connection, period), overview.cohort(connection, period)
            looked_up = overview.coverage(connection, period, current=False)
    day = {event.event_id: china_day(event.occurred_at.replace(tzinfo=None)) for event in events}
    assert last == max(day[event.event_id] for event in events if event.kind is not EventKind.JUDGEMENT)
    inside = [event for event in events if period.first <= day[event.event_id] <= period.last]
    assert totals == Counter(event.kind.value for event in inside)
    assert sum(trend.counts["impression"]) == totals["impression"]
    by_field = Counter(field_of[event.demand_id] for event in inside if event.kind is EventKind.IMPRESSION)
    assert {name: row["impression"] for name, row in sides.items() if row["impression"]} == by_field

    answers = {"contact", "meeting", "negotiation", "deal"}
    shown, answered = {}, {}
    for event in sorted(events, key=lambda event: event.occurred_at):
        if event.kind.value == "impression":
            shown.setdefault(event.demand_id, event)
        elif event.kind.value in answers:
            answered.setdefault(event.demand_id, event)
    waits = sorted(
        (answered[d].occurred_at - shown[d].occurred_at).total_seconds() / 86400
        for d in answered
        if d in shown
        and period.first <= day[answered[d].event_id] <= period.last
        and shown[d].occurred_at <= answered[d].occurred_at
    )
    middle = len(waits) // 2
    expected = None if not waits else waits[middle] if len(waits) % 2 else (waits[middle - 1] + waits[middle]) / 2
    assert median == (None if expected is None else pytest.approx(expected))
    assert unanswered == len([d for d in shown if d in open_demands and d not in answered])
    with Store.open(home.store_url) as store:
        on_offer = {a.achievement_id for a in store.achievements() if a.status.value in ("发布", "对接中")}
    assert covered.achievements == len(
        {e.achievement_id for e in inside if e.kind is EventKind.IMPRESSION and e.achievement_id in on_offer}
    )
    assert looked_up == covered  # one from what is kept, one from the events
    first = {d for d, event in shown.items() if period.first <= day[event.event_id] <= period.last}
    reached = [
        len({e.demand_id for e in events if e.kind.value == kind} & first) for kind in ("click", "contact", "deal")
    ]
    assert [counted[kind] for kind in ("impression", "click", "contact", "deal")] == [len(first), *reached]
    page = boss.get(f"/overview?days={days}").text
    assert f"{len(first):,}</a>" in page


def test_a_period_and_the_one_before_it_touch():
    period = Period(date(2026, 3, 1), date(2026, 3, 30))
    assert period.days == period.before.days == 30
    assert period.before.last == date(2026, 2, 28)
    assert period.before.moments[1] == period.moments[0]


def test_wilson_intervals_are_known_values():
    figure = wilson(10, 100)
    assert (round(figure.low, 4), round(figure.high, 4)) == (0.0552, 0.1744)
    assert wilson(0, 0).value is None
    assert wilson(0, 5).low == 0.0


GAPS = ("", "industry=C", "side=stages", "side=industries", "side=regions", "side=industries&surplus=1")


def test_counts_that_lead_to_a_list_lead_to_as_many(boss):
    """Of the missing values and of the gaps, each number is that of the list behind it."""
    tables = [("missing", 2), *((f"gaps?{query}", cell) for query in GAPS for cell in (1, 2))]
    looked_at = []
    for table, cell in tables:
        page = boss.get(f"/tables/{table}")
        assert page.status_code == 200, table
        for row in re.findall(r"<tr>(.*?)</tr>", page.text, flags=re.S)[1:6]:
            looked_at.append(table)
            found = re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.S)[cell]
            link = re.search(r'href="/dashboard([^"]+)">([\d,]+)<', found)
            behind = boss.get(link[1].replace("&amp;", "&")).text
            assert f'class="count">{link[2]} 条' in behind
    assert set(looked_at) >= {"missing", "gaps?side=stages"}


def test_the_store_is_only_read_by_looking(boss, home):
    with Store.open(home.store_url) as store, store.engine.connect() as connection:
        before = connection.execute(sa.text("SELECT value FROM revisions")).scalar(), store.counts()
    for path in MENU:
        boss.get(path)
    with Store.open(home.store_url) as store, store.engine.connect() as connection:
        assert before == (connection.execute(sa.text("SELECT value FROM revisions")).scalar(), store.counts())
