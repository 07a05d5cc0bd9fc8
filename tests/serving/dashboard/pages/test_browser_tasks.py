"""What operators come for, each in as few clicks as it needs, and every page on a telephone: one server, one session.

To import a file and mend it is in test_browser_imports.py.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from data.kinds.record import KindRecord
from data.records import Demand
from data.settings import Settings
from data.store.store import Store
from data.store.work.assignments import Proposal
from data.work.assignment_state import AssignmentState, Step
from tests.serving.dashboard.browsing import chromium, keep, manager_at, serving_at, violations, visit, watched, within
from tests.serving.dashboard.conftest import add_kinds, add_operators, copied
from tests.serving.dashboard.test_pages import MENU
from tests.some import some

BROKERS = {"B1": ("张三", "410105", 14, "B2"), "B2": ("李四", "410300", 14, ""), "B3": ("王五", "310115", 2, "B1")}
NARROWEST = 76  # pixels that a line of text may have on a telephone: five characters
WALKED = (
    *MENU,
    "/dispatch",
    "/kinds",
    "/browse?view=all&demand=D000001",
    "/browse?view=all&demand=D000001&achievement=A0000001",
    "/browse/demand?id=D000001",
    "/browse/pair?demand=D000001&achievement=A0000001",
    "/firm?id=F1",
    "/account",
)
# Elements of a page whose text is squeezed into a column narrower than a line needs, as "width: text".
SQUEEZED = """narrowest => [...document.querySelectorAll('main *')].flatMap(one => {
  const own = [...one.childNodes].filter(node => node.nodeType === 3).map(node => node.textContent.trim()).join('');
  const box = one.getBoundingClientRect();
  if (own.length < 10 || !box.width || one.closest('svg, .hidden, option')) return [];
  const lines = Math.round(box.height / parseFloat(getComputedStyle(one).lineHeight || 20));
  return lines > 2 && box.width < narrowest ? [`${Math.round(box.width)}: ${own.slice(0, 20)}`] : [];
})"""


@pytest.fixture(scope="module")
def home(platform, tmp_path_factory) -> Settings:
    """Return a copy of the platform with brokers, work that waits for somebody, and pairs to judge."""
    settings = copied(platform, tmp_path_factory.mktemp("tasks"), serve_poll=0.2)
    with Store.open(settings.store_url) as store:
        add_operators(store)
        add_kinds(store)
        store.kinds.upsert(
            KindRecord(
                kind="broker",
                id=name,
                title=title,
                region=region,
                attributes={"open_limit": limit} | ({"deputy": deputy} if deputy else {}),
            )
            for name, (title, region, limit, deputy) in BROKERS.items()
        )
        text = "低温污泥干化设备，含水率降到40%以下"
        store.upsert_demands(
            Demand(demand_id=f"T{number:02}", title=f"污泥干化改造{number}", content=text, region="410105")
            for number in range(10)
        )
        store.upsert_demands([Demand(demand_id="L1", title="酸洗废液回收", content="回收盐酸", region="310115")])
        ago = datetime.now(UTC) - timedelta(days=30)
        (late,) = store.assignments.propose([Proposal("L1", "B3")], {"B3": 2}, "manager", ago)
        store.assignments.act(Step(late.number, AssignmentState.ACCEPTED, "manager", ago, "late"))
    return settings


@pytest.fixture(scope="module")
def server(home) -> Iterator[str]:
    with serving_at(home) as address:
        yield address


@pytest.fixture(scope="module")
def page(server) -> Iterator[Page]:
    with chromium() as browser, manager_at(browser, server, "tasks") as context, watched(context, server) as opened:
        yield opened


def test_the_best_of_a_demand_are_found_and_exported(page, server, tmp_path):
    visit(page, f"{server}/browse?view=all&worklist_find=污泥干化改造3")
    with within(2) as task:
        task.click(page.locator(".lines a").first)
        expect(page.locator(".pane-card").nth(2)).to_be_visible()
        with page.expect_download() as sent:
            task.click(page.locator("#pane-matches .exports a", has_text="Excel"))
    sent.value.save_as(tmp_path / "best.xlsx")
    rows = list(load_workbook(tmp_path / "best.xlsx").active.values)
    titles = page.locator(".pane-card .card-title").all_text_contents()[:3]
    assert [any(title[1:].strip() in str(cell) for row in rows for cell in row) for title in some(titles)] == [True] * 3


def test_a_match_is_declined_with_a_reason(page):
    with within(4) as task:
        task.click(page.locator(".pane-card .card-title").nth(1))
        sheet = page.locator("[data-sheet]")
        task.click(sheet.get_by_text("不合适…"))
        task.choose(sheet.get_by_label("原因"), "价格不合")
        task.click(sheet.get_by_role("button", name="记为不合适"))
        expect(sheet.locator(".state")).to_contain_text("不合适 · 价格不合")


def test_why_a_good_one_is_missing_is_said(page):
    with within(2) as task:
        task.click(page.get_by_label("查一项不在列表里的成果"))
        page.keyboard.type("A0000001")
        task.click(page.get_by_role("button", name="为什么没有它"))
        expect(page.locator("[data-sheet] h2 a[href*=A0000001]")).to_be_visible()
        expect(page.locator("[data-sheet] .hint").first).to_contain_text("位")
    page.wait_for_url("**achievement=A0000001**")


def test_a_view_is_saved_under_a_name_and_found_again(page, server):
    visit(page, f"{server}/browse?view=all&worklist_sort=title&worklist_beside=enterprise")
    with within(3) as task:
        task.click(page.get_by_text("存为视图…"))
        page.get_by_label("把现在的筛选和排序存为").fill("按名称")
        task.click(page.get_by_role("button", name="保存"))
        task.click(page.get_by_role("link", name="★ 按名称"))
    expect(page.get_by_role("link", name="★ 按名称")).to_have_attribute("aria-current", "true")


def test_ten_demands_are_assigned_at_once(page, server, home):
    visit(page, f"{server}/dispatch")
    wanted = page.locator(".picks li", has_text="污泥干化改造")
    expect(wanted).to_have_count(10)
    with within(11) as task:
        task.click(*(line.get_by_role("checkbox") for line in wanted.all()))
        task.click(page.get_by_role("button", name="派出勾选的"))
        expect(page.get_by_role("status")).to_contain_text("已派出")
    keep(page, "dispatch")
    assert violations(page) == []
    with Store.open(home.store_url) as store:
        given = {one.demand_id: one.broker_id for one in store.assignments.listed() if one.demand_id.startswith("T")}
    assert len(given) == 10
    assert set(given.values()) <= {"B1", "B2", "B3"}


def test_what_is_late_is_answered(page, server):
    visit(page, f"{server}/dispatch")
    card = page.locator(".card.overdue")
    expect(card).to_contain_text("已逾期：请运营人员处理")
    with within(1) as task:
        task.click(card.get_by_role("button", name="已联系"))
    answered = page.locator(".card", has_text="酸洗废液回收")
    expect(answered.locator(".state")).to_have_text("已联系")
    expect(page.locator(".card.overdue")).to_have_count(0)


def test_work_is_handed_over_before_a_holiday(page, server, home):
    visit(page, f"{server}/dispatch")
    line = page.locator(".loads li", has=page.get_by_role("link", name="王五"))
    with within(2) as task:
        task.click(line.get_by_text("转交…"))
        task.click(line.get_by_role("button", name="全部转交"))
        expect(page.get_by_role("status")).to_contain_text("已转交")
    with Store.open(home.store_url) as store:
        assert store.assignments.load(datetime.now(UTC))[0].get("B3") is None


def test_twenty_pairs_are_judged_by_keyboard(page, server, home):
    visit(page, f"{server}/review")
    page.get_by_role("button", name="补充队列").click()
    shown = "[...document.querySelectorAll('article h2')].map(e => e.textContent).join()"
    for number in range(20):
        expect(page.locator(".judge")).to_be_visible()
        titles = page.locator("article h2").all_text_contents()
        page.keyboard.press(str(number % 4 + 1))
        changed = f"was => document.body.dataset.ready === '1' && {shown} !== was"
        page.wait_for_function(changed, arg=",".join(titles))
    with Store.open(home.store_url) as store:
        assert len([one for one in store.reviews.all() if one.reviewer == "manager"]) == 20


def test_two_models_are_compared_and_the_gaps_of_a_region_listed(page, server):
    visit(page, f"{server}/browse?view=all&demand=D000001")
    with within(1) as task:
        task.click(page.get_by_role("link", name="两个模型对比"))
        expect(page.locator(".sidebyside .panel")).to_have_count(2)
    visit(page, f"{server}/gaps")
    with within(1) as task:
        task.choose(page.get_by_label("需求所在省"), "河南省")
        page.wait_for_url("**region=410000**")
        expect(page.locator("#gaps")).to_be_visible()


def test_every_page_fits_a_telephone_and_prints(page, server):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    squeezed: dict[str, list[str]] = {}
    for path in WALKED:
        visit(page, server + path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        found = page.evaluate(SQUEEZED, NARROWEST) + ([f"{wide} wide"] if wide > 390 else [])
        if found:
            squeezed[path] = found
            keep(page, f"narrow-{len(squeezed)}", whole=True)
    assert squeezed == {}
    page.emulate_media(media="print", color_scheme="light")
    visit(page, f"{server}/browse/demand?id=D000001")
    assert page.locator(".side").is_hidden()
    assert page.locator("main").is_visible()
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1440, "height": 900})
