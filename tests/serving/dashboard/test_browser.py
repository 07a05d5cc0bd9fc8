"""The dashboard as operators use it: in Debian's Chromium, over a real server, with the keyboard where they would use it."""

import re
import shutil
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from data.records import Achievement, Demand, EventKind
from data.settings import Settings
from data.store.store import Store
from matcher.bundle import link_files, new_bundle, publish, read_manifest
from tests.serving.dashboard.browsing import (
    COLOURS,
    chromium,
    keep,
    keep_wide_and_narrow,
    manager_at,
    serving_at,
    violations,
    violations_by_day_and_night,
    visit,
    watched,
)
from tests.serving.dashboard.conftest import add_kinds, add_operators
from tests.serving.dashboard.provider import CLIENT, SECRET, TestProvider
from tests.serving.dashboard.test_pages import MENU

SAYS = "低温污泥干化设备，含水率降到40%以下"
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="module")
def provider() -> Iterator[TestProvider]:
    """Yield an OpenID Connect provider, of another site than the server for the browser."""
    running = TestProvider()
    yield running
    running.close()


@pytest.fixture(scope="module")
def own_home(platform, tmp_path_factory, provider) -> Settings:
    """Return a copy of the platform with hostile records and a second trained version, which a test may promote."""
    home = tmp_path_factory.mktemp("browser")
    for name in ("bundles", "candidates"):
        if (platform.settings.home / name).is_dir():
            shutil.copytree(platform.settings.home / name, home / name)
    for path in platform.settings.home.glob("store.db*"):
        shutil.copy(path, home)
    known = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET)}
    settings = platform.settings.model_copy(update={"home": home, "serve_threads": 1, "serve_poll": 0.1} | known)
    with Store.open(settings.store_url) as store:
        add_operators(store)
        add_kinds(store)
        store.upsert_demands([Demand(demand_id="X1", title=HOSTILE, content=HOSTILE + SAYS, enterprise=HOSTILE)])
        store.upsert_achievements(
            [Achievement(achievement_id="X2", title=HOSTILE, content=HOSTILE + SAYS, holder=HOSTILE)]
        )
    served = settings.bundles / (settings.bundles / "current").read_text().strip()
    folders = tuple(path.name for path in served.iterdir() if path.is_dir())
    manifest = read_manifest(served).model_copy(update={"version": "20991231-235959", "files": {}})
    with new_bundle(settings.bundles) as directory:
        link_files(served, directory, folders)
        publish(directory, manifest, serve=False)
    known = home / "candidates" / served.name
    if known.is_dir():
        copied = shutil.copytree(known, home / "candidates" / manifest.version)
        facts = (copied / "candidate.json").read_text().replace(served.name, manifest.version)
        (copied / "candidate.json").write_text(facts)
    return settings


@pytest.fixture(scope="module")
def server(own_home) -> Iterator[str]:
    with serving_at(own_home) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def signed_in(browser, server):
    """Sign in once and keep the session for all tests."""
    with manager_at(browser, server) as context:
        yield context


@pytest.fixture
def page(signed_in, server) -> Iterator[Page]:
    with watched(signed_in, server) as opened:
        yield opened


def find_an_answered_demand(page: Page, server: str) -> None:
    for number in range(1, 10):
        visit(page, f"{server}/browse/demand?id=D{number:06}")
        if page.locator(".match").count():  # for some demands nothing is good enough
            break


def test_sign_in_at_the_provider(browser, server, provider):
    """From the login page to another site and back: the cookies come along, the policy lets it pass."""
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    visit(page, f"{server}/gaps?side=regions")
    page.get_by_role("link", name="统一身份登录").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="供需缺口", level=1)).to_be_visible()
    assert page.url.endswith("/gaps?side=regions")
    expect(page.locator(".me")).to_contain_text("wang.fang")
    page.get_by_role("button", name="退出").click()
    provider.person["roles"] = []
    page.get_by_role("link", name="统一身份登录").click()
    expect(page.get_by_role("alert")).to_contain_text("没有可用于本仪表盘的角色")
    assert violations(page) == []
    keep(page, "login-provider")
    context.close()
    assert [said for said in complaints if "403" not in said] == []


def test_find_a_demand_and_understand_its_first_match(page, server):
    find_an_answered_demand(page, server)
    first = page.locator(".match").first
    expect(first.locator(".chips li, .why-line").first).to_be_visible()
    first.get_by_text("细节", exact=True).click()
    expect(first.locator(".reasons li").first).to_be_visible()
    expect(first.locator(".texts article").first).to_contain_text("需求")
    keep(page, "browse")
    first.locator("h3 a").click()
    expect(page.get_by_role("heading", name="模型怎么看")).to_be_visible()
    expect(page.locator(".texts article")).to_have_count(2)
    expect(page.get_by_role("heading", name="条件对照")).to_be_visible()
    keep(page, "pair")


def test_a_match_sent_from_the_list_stands_on_the_board(page, server):
    find_an_answered_demand(page, server)
    page.locator(".match").first.get_by_role("button", name="已推送", exact=True).click()
    expect(page.locator(".match .state.s-sent").first).to_be_visible()
    for path in ("/matches", "/"):
        visit(page, server + path)
        for menu in page.locator(".card .menu > summary").all():
            menu.press("Enter")
        assert violations_by_day_and_night(page) == []
        if path == "/matches":
            expect(page.get_by_role("region", name="已推送").locator(".card")).not_to_have_count(0)
            keep(page, "board")


def test_work_through_the_three_panes_by_keyboard(page, server):
    """Choose a demand, open a match, shortlist, judge, decline with a reason, go on and back: without the mouse."""
    visit(page, f"{server}/browse?view=all&worklist_sort=title")
    lines = page.locator("#pane-demands .lines a")
    for _ in range(lines.count()):
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**demand=**")
        expect(page.locator("main[aria-busy]")).to_have_count(0)
        if page.locator(".card-title").count() > 1:
            break
        page.keyboard.press("Escape")
    expect(page.locator(".card-title").first).to_be_focused()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("complementary", name="这一对")
    expect(sheet).to_be_visible()
    page.keyboard.press("s")
    expect(sheet.get_by_text("★ 备选")).to_be_visible()
    page.keyboard.press("3")
    expect(sheet.locator("button[aria-pressed=true]")).to_contain_text("较强")
    page.keyboard.press("x")
    expect(sheet.get_by_label("原因")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator(".card-title").nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("c")
    expect(sheet.locator(".state.s-contacted")).to_be_visible()
    reached = page.url
    assert violations(page) == []
    keep_wide_and_narrow(page, "desk")
    page.goto(reached)
    expect(sheet.locator(".state.s-contacted")).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("searchbox").fill("D000001")
    expect(page.get_by_role("dialog").get_by_role("link").first).to_contain_text("D000001")
    assert violations(page) == []


def test_a_refused_form_says_why_in_its_place(signed_in, server):
    page = signed_in.new_page()  # its console speaks of the refusal
    find_an_answered_demand(page, server)
    row = page.locator(".match").first
    row.get_by_text("更多…").click()
    row.get_by_label("下次跟进").evaluate("field => { field.type = 'text'; field.value = '后天'; }")
    row.get_by_role("button", name="记下").first.click()
    expect(row.get_by_role("alert")).to_contain_text("后天")
    assert row.get_by_label("下次跟进").input_value() == "后天"
    page.close()


def test_judge_pairs_by_keyboard_undo_one_and_submit(page, server, own_home):
    visit(page, f"{server}/review")
    page.get_by_role("button", name="补充队列").click()
    expect(page.locator(".judge")).to_be_visible()
    keep(page, "review")
    own = page.get_by_role("button", name="立即提交我的")
    before = int(re.search(r"\d+", own.inner_text())[0]) if own.count() else 0  # in another test, of the same operator
    for number in range(3):
        titles = page.locator("article h2").all_text_contents()
        page.keyboard.press("q")
        page.keyboard.press(str(number % 4 + 1))
        shown = "[...document.querySelectorAll('article h2')].map(e => e.textContent).join()"
        changed = f"was => document.body.dataset.ready === '1' && {shown} !== was"
        page.wait_for_function(changed, arg=",".join(titles))
        page.wait_for_load_state()
    expect(page.get_by_role("button", name=f"立即提交我的 {before + 3} 条")).to_be_enabled()
    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("已撤销")
    page.get_by_role("button", name=f"立即提交我的 {before + 2} 条").click()
    expect(page.get_by_role("status")).to_contain_text("已提交")
    with Store.open(own_home.store_url) as store:
        judged = [event for event in store.events([EventKind.JUDGEMENT]) if event.event_id.startswith("review-")]
        reviews = [review for review in store.reviews.all() if review.reasons == ("same_problem",)]
    assert len(judged) == before + 2
    assert len(reviews) == 2
    assert all(review.seconds > 0 for review in reviews)


def test_sort_and_export_a_table(page, server, tmp_path):
    visit(page, f"{server}/records/demands")
    page.get_by_role("link", name="预算上限（万元）").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("预算上限")
    with page.expect_download() as started:
        page.get_by_role("link", name="XLSX").click()
    started.value.save_as(tmp_path / "demands.xlsx")
    sheet = load_workbook(tmp_path / "demands.xlsx").active
    assert sheet.cell(1, 1).value == "编号"
    budgets = [sheet.cell(row, 7).value for row in (2, 3)]
    assert budgets[0] >= budgets[1]


def test_hostile_records_are_shown_as_text(page, server):
    for path in ("/browse/demand?id=X1", "/browse/achievement?id=X2", "/browse/pair?demand=X1&achievement=X2"):
        visit(page, server + path)
        expect(page.get_by_role("heading", level=1)).to_contain_text("<script>")
        assert "owned" not in page.title().split("<script>")[0]
        assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    visit(page, f"{server}/records/demands?demands_find=X1")
    expect(page.locator("#demands tbody")).to_contain_text("onerror")


def test_ask_the_firm_and_see_the_list_change(page, server, own_home):
    visit(page, f"{server}/health")
    first = page.locator("#vague tbody tr").first
    demand = first.locator("td").first.inner_text()
    first.locator("td").nth(5).get_by_role("link").click()
    expect(page.get_by_text("最值得问")).to_be_visible()
    expect(page.locator("[aria-busy]")).to_have_count(0)  # what is still to come is paler
    assert violations(page) == []
    keep(page, "ask")
    page.locator(".question.first button").first.click()
    expect(page.get_by_role("status")).to_contain_text("已登记")
    expect(page.get_by_role("heading", name="回答之后的推荐列表")).to_be_visible()
    keep(page, "ask-answered")
    with Store.open(own_home.store_url) as store:
        (kept,) = store.clarifications(demand)
    assert kept.actor == "operator manager"


def test_search_titles_sort_by_them_and_follow_a_number(page, server):
    visit(page, f"{server}/records/achievements")
    page.get_by_role("link", name="成果名称").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("成果名称")
    visit(page, f"{server}/overview?days=365")
    number = page.locator("#sides tbody td.n a").first
    said = number.inner_text()
    page.locator("#sides th [data-hint]").first.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("推荐展示")
    number.click()
    expect(page.locator("#events .count")).to_have_text(f"{said} 条")


def test_promote_with_a_reason_and_roll_back(page, server, own_home):
    serving = (own_home.bundles / "current").read_text().strip()
    visit(page, f"{server}/models/version?version=20991231-235959")
    page.get_by_label("理由").fill("端到端测试")
    page.get_by_label("门禁未通过也晋级").check()
    page.get_by_label("我确认让").check()
    page.get_by_role("button", name="交给门禁").click()
    expect(page.get_by_role("status")).to_contain_text("已交给门禁")
    expect(page.locator(".requests .done")).to_be_visible(timeout=180_000)
    assert (own_home.bundles / "current").read_text().strip() == "20991231-235959"
    visit(page, f"{server}/models")
    keep(page, "models")
    page.get_by_text("回退到上一版", exact=True).click()
    page.get_by_label("我确认回退").check()
    page.get_by_role("button", name="回退", exact=True).click()
    expect(page.locator(".requests .done")).to_have_count(2, timeout=180_000)
    assert (own_home.bundles / "current").read_text().strip() == serving
    visit(page, f"{server}/audit")
    expect(page.locator("#audit tbody")).to_contain_text("模型回退")
    expect(page.locator("#audit tbody")).to_contain_text("操作员 manager")


@pytest.mark.parametrize("path", [*MENU, "/audit", "/account"])
def test_pages_are_accessible_in_light_and_dark_and_fit_a_tablet(page, server, path):
    visit(page, server + path)
    name = path.strip("/") or "today"
    assert violations(page) == []
    keep(page, f"{name}-light")
    page.emulate_media(color_scheme="dark")
    assert violations(page, *COLOURS) == []
    keep(page, f"{name}-dark")
    for width in (1280, 820):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1440, "height": 900})


@pytest.mark.parametrize(
    "path",
    [
        "/browse/demand?id=D000001",
        "/browse/pair?demand=D000001&achievement=A0000001",
        "/quality/experiments",
        "/quality/errors",
        "/browse?view=all&demand=D000001&achievement=A0000001&worklist_beside=budget_max,region,field",
        "/gaps/flows",
        "/records/holders",
        "/kinds?text=污泥含水率检测&kind=service",
        "/firm?id=F1",
        "/eligibility",
        "/criteria/policy?kind=policy&id=P1",
        "/orders/order?number=1",
        "/providers?review=1",
    ],
)
def test_lists_and_pairs_are_accessible(page, server, path):
    visit(page, server + path)
    assert violations(page) == []


def test_the_keyboard_reaches_the_menu_and_says_what_numbers_mean(page, server):
    visit(page, f"{server}/overview")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.locator("main .cards [data-hint]").first.focus()
    expect(page.get_by_role("tooltip")).to_be_visible()
    expect(page.get_by_role("tooltip")).to_contain_text("成交次数 ÷ 联系次数")
    page.get_by_role("button", name="切换浅色或深色").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="切换浅色或深色").click()
