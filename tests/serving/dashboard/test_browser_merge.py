"""Duplicates are merged after a look at each record, with a confirmation, and come back: as an operator does it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from data.records import Achievement, Demand
from data.settings import Settings
from data.store.store import Store
from matcher.bundle import set_current
from tests.serving.dashboard.browsing import (
    chromium,
    keep_wide_and_narrow,
    manager_at,
    serving_at,
    violations,
    violations_by_day_and_night,
    visit,
    watched,
)
from tests.serving.dashboard.conftest import add_operators

SHARED = "本项目已通过省级鉴定，技术成熟可靠，欢迎各界企业前来洽谈合作，共同推进产业化。"
TWINS = ("T1", "T2")
WANTED = (
    *("低温污泥", "高效换热", "余热回收", "光伏组件", "锂电正极"),
    *("碳纤维", "数控机床", "工业机器人", "水下焊接", "电磁阀门"),
)
STRANGERS = tuple(f"S{number:02d}" for number in range(34))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Settings:
    """Return a built platform with 34 strangers of one body, a pair of twins, and demands that only refer to a file."""
    from training.pipeline import build

    settings = Settings(home=tmp_path_factory.mktemp("merge"), threads=1, serve_threads=1, serve_poll=0.1)
    with Store.open(settings.store_url) as store:
        add_operators(store)
        store.upsert_achievements(
            [
                *(
                    Achievement(
                        achievement_id=one, title=f"{WANTED[n % 10]}技术{n}", content=SHARED, holder=f"第{n}研究所"
                    )
                    for n, one in enumerate(STRANGERS)
                ),
                *(
                    Achievement(
                        achievement_id=one, title="秸秆制氢装置", content="秸秆气化制氢，纯度99.9%", holder="某大学"
                    )
                    for one in TWINS
                ),
            ]
        )
        store.upsert_demands(
            [
                Demand(demand_id=f"D{n}", title=f"{what}改造", content="见附件材料", enterprise=f"第{n}公司")
                for n, what in enumerate(WANTED)
            ]
        )
        built = build(settings, store)
    set_current(settings.bundles, built.manifest.version)
    return settings


@pytest.fixture(scope="module")
def server(home) -> Iterator[str]:
    with serving_at(home) as address:
        yield address


@pytest.fixture(scope="module")
def signed_in(server):
    with chromium() as browser, manager_at(browser, server, "login-merge") as context:
        yield context


@pytest.fixture
def page(signed_in, server) -> Iterator[Page]:
    with watched(signed_in, server) as opened:
        yield opened


def withdrawn(settings: Settings) -> list[str]:
    with Store.open(settings.store_url) as store:
        return sorted(one.achievement_id for one in store.achievements() if one.status.value == "撤回")


def group(page: Page, holding: str):
    return page.locator("form.cluster").filter(has=page.get_by_role("link", name=holding, exact=True))


def test_twins_are_merged_after_a_confirmation_and_come_back(page, server, home):
    visit(page, f"{server}/health")
    group(page, "T1").get_by_role("button", name="合并", exact=True).click()
    expect(page.get_by_role("heading", name="合并前核对", level=1)).to_be_visible()
    assert withdrawn(home) == []  # nothing is done by looking
    expect(page.get_by_label("并入 T2")).to_be_checked()
    assert violations(page) == []
    page.get_by_role("button", name="确认合并").click()
    expect(page.get_by_role("status")).to_contain_text("已合并")
    assert withdrawn(home) == ["T2"]
    page.wait_for_load_state("networkidle")
    expect(group(page, "T1")).to_have_count(0)
    page.get_by_text("最近的处理（可撤销）").click()
    page.get_by_role("button", name="撤销").first.click()
    expect(page.get_by_role("status")).to_contain_text("已撤销")
    assert withdrawn(home) == []


def test_34_strangers_are_not_merged_by_any_click_that_looks_at_none(page, server, home):
    visit(page, f"{server}/health")
    strangers = group(page, "S00")
    expect(strangers).to_contain_text("34 条")
    expect(strangers.get_by_role("button", name="合并", exact=True)).to_have_count(0)
    strangers.get_by_role("button", name="逐条核对后合并").click()
    expect(page.get_by_role("checkbox")).to_have_count(33)
    assert [box.is_checked() for box in page.get_by_role("checkbox").all()] == [False] * 33
    expect(page.get_by_text("单位不同", exact=True)).to_have_count(33)
    assert violations_by_day_and_night(page) == []
    keep_wide_and_narrow(page, "merge-strangers")
    page.get_by_label("并入 S07").check()
    page.get_by_role("button", name="确认合并").click()
    expect(page.get_by_role("status")).to_contain_text("已合并")
    assert withdrawn(home) == ["S07"]
    page.wait_for_load_state("networkidle")
    page.get_by_text("最近的处理（可撤销）").click()
    page.get_by_role("button", name="撤销").first.click()
    expect(page.get_by_role("status")).to_contain_text("已撤销")
    assert withdrawn(home) == []


def test_without_a_tick_nothing_is_merged(page, server, home):
    visit(page, f"{server}/health")
    group(page, "S00").get_by_role("button", name="逐条核对后合并").click()
    expect(page.get_by_role("heading", name="合并前核对", level=1)).to_be_visible()
    sent = page.request.post(
        f"{server}/health/merge",
        form={
            "csrf": page.evaluate("document.body.dataset.csrf"),
            "cluster": page.locator("input[name=cluster]").input_value(),
            "kept": "S00",
            "confirmed": "1",
        },
        headers={"Origin": server.removesuffix("/dashboard")},
    )
    assert sent.status == 422
    assert "请至少勾选一条" in sent.text()
    assert withdrawn(home) == []


def test_texts_that_only_refer_to_a_file_make_no_group(page, server):
    visit(page, f"{server}/health")
    expect(group(page, "S00")).to_have_count(1)
    expect(group(page, "D0")).to_have_count(0)
