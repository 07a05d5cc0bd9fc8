"""数据导入 as an operator uses it: files of an office, one column corrected, imported, the rejects looked at, taken back."""

import csv
import re
from collections.abc import Iterator

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from data.records import Achievement
from data.settings import Settings
from data.store.store import Store
from serving.runtime.importing import runner
from tests.serving.dashboard.browsing import (
    Clicks,
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

KNOWN = Achievement(achievement_id="CG2024-001", title="低温污泥干化", content="旧的简介", holder="某大学")

HOSTILE = "阀门<img src=x onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("imports"), threads=1, serve_threads=1, serve_poll=0.1)
    with Store.open(settings.store_url) as store:
        add_operators(store)
        store.upsert_achievements([KNOWN])
    return settings


@pytest.fixture(scope="module")
def server(home) -> Iterator[str]:
    with serving_at(home) as address:
        yield address


@pytest.fixture(scope="module")
def signed_in(server):
    with chromium() as browser, manager_at(browser, server, "login-imports") as context:
        yield context


@pytest.fixture
def page(signed_in, server) -> Iterator[Page]:
    with watched(signed_in, server) as opened:
        yield opened


@pytest.fixture
def files(tmp_path):
    """Write a GBK text with Chinese headers and a workbook with a title above its header."""
    table = tmp_path / "成果登记表.csv"
    with table.open("w", encoding="gbk", newline="") as file:
        csv.writer(file).writerows(
            [
                ["成果编号", "成果名称", "具体情况", "完成单位", "技术成熟度", "意向价格（万元）"],
                ["CG2024-001", "低温污泥干化", "含水率降到40%以下，处理量每天50吨", "某大学", "中试", "50-100"],
                ["CG2024-002", "高效换热器", "换热效率提高三成", "某研究院", "产业化", "面议"],
                ["CG2024-003", "", "没有名称的一行", "某研究院", "小试", "30"],
                [
                    "CG2024-004",
                    "阀门<img src=x onerror=document.title='owned'>",
                    "<b>照样显示为文字</b>",
                    "某公司",
                    "很成熟",
                    "贵",
                ],
            ]
        )
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "需求汇总"
    sheet.merge_cells("A1:D1")
    for row in (
        ["2024 年度企业技术需求汇总表"],
        ["需求编号", "需求名称", "技术需求详情", "预算金额"],
        ["XQ001", "污泥减量", "把含水率降到40%以下", "约50万"],
        ["XQ002", "余热利用", "回收150℃烟气余热", "1.2亿"],
        ["合计", None, None, "2 条"],
    ):
        sheet.append(row)
    sheet.delete_rows(1) if sheet["A1"].value is None else None
    book.save(tmp_path / "需求汇总.xlsx")
    return [table, tmp_path / "需求汇总.xlsx"]


def records(settings: Settings) -> dict[str, str]:
    with Store.open(settings.store_url) as store:
        return {one.record_id: one.model_dump_json() for one in (*store.achievements(), *store.demands())}


def test_two_files_of_an_office_in_and_out_again(page, server, home, files):
    before = records(home)
    visit(page, f"{server}/imports")
    assert violations(page) == []
    task = Clicks()
    task.files(page.get_by_label("选择文件"), files)
    task.click(page.get_by_role("button", name="上传并预览"))
    expect(page.get_by_role("heading", name="核对后导入", level=1)).to_be_visible()

    achievements = page.get_by_role("region", name="成果登记表.csv", exact=True)
    expect(achievements.get_by_text("必填，不能为空").first).to_be_visible()
    told = achievements.get_by_label("“具体情况”是什么")
    expect(told.locator("option:checked")).to_have_text("原样保留")
    task.choose(told, "成果简介")
    achievements.get_by_label("保存列对应为").fill("登记表")
    assert violations_by_day_and_night(page) == []
    keep_wide_and_narrow(page, "import-preview")
    task.click(achievements.get_by_role("button", name="改正并重新预览"))
    expect(page.get_by_role("status")).to_contain_text("已重新读取并保存列对应")
    expect(achievements.get_by_label("“具体情况”是什么").locator("option:checked")).to_have_text("成果简介")
    demands = page.get_by_role("region", name="需求汇总.xlsx", exact=True)
    expect(demands).to_contain_text("表头在第 2 行")
    assert records(home) == before  # nothing is written by looking

    task.click(page.get_by_role("button", name="开始导入"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("导入 1")
    assert task.number == 5  # a file imported and mended
    assert "owned" not in page.title()
    after = records(home)
    assert set(after) - set(before) == {"CG2024-002", "CG2024-004", "XQ001", "XQ002"}
    assert "换热效率提高三成" in after["CG2024-002"]
    report = page.get_by_role("region", name="成果登记表.csv")
    expect(report.locator("dl.figures")).to_have_text(re.compile(r"读取\s*4\s*新增\s*2\s*更新\s*1"))
    assert violations(page) == []
    keep_wide_and_narrow(page, "import-report")
    with page.expect_download() as started:
        report.get_by_role("link", name="下载 CSV").first.click()
    with started.value.path().open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1:] == [["成果登记表.csv", "4", "成果名称", "", "必填，不能为空"]]
    report.get_by_role("link", name="查看").first.click()
    expect(page.locator("#reject_rows tbody tr")).to_have_count(1)

    visit(page, f"{server}/imports")
    keep_wide_and_narrow(page, "imports")
    page.locator("#imports tbody a").first.click()
    page.get_by_label("我确认撤销导入 1").check()
    page.get_by_role("button", name="撤销整次导入").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("已撤销")
    assert records(home) == before
    visit(page, f"{server}/audit")
    expect(page.locator("#audit tbody")).to_contain_text("恢复 1 项，删除 4 项")


def test_the_saved_mapping_is_found_again_and_progress_survives_leaving(page, server, home, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_SAID", 0.0)
    path = tmp_path / "大表.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        headers = ["成果编号", "成果名称", "具体情况", "完成单位", "技术成熟度", "意向价格（万元）"]
        csv.writer(file).writerows(
            [headers, *([f"DB{n:05d}", f"第{n}项成果", "说明", "某大学", "", ""] for n in range(40_000))]
        )
    visit(page, f"{server}/imports")
    page.get_by_label("选择文件").set_input_files(path)
    page.get_by_role("button", name="上传并预览").click()
    expect(page.get_by_text("已套用保存的列对应“登记表”")).to_be_visible()
    expect(page.get_by_text("预览只看了开头的 5,000 行")).to_be_visible()
    page.get_by_role("button", name="开始导入").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    keep_wide_and_narrow(page, "import-progress")
    visit(page, f"{server}/imports")
    page.get_by_role("region", name="等待处理的上传").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("导入 2", timeout=120_000)
    expect(page.get_by_role("region", name="大表.csv").locator("dl.figures")).to_contain_text("40,000")


def test_what_cannot_be_recognised_is_mended_by_kind_sheet_and_row(page, server, home, tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "封面"
    book.active.append(["某市科技成果"])
    sheet = book.create_sheet("清单")
    for row in (["某市"], ["代号", "叫法", "备注"], ["S1", "一项技术", "无"], ["S2", "另一项技术", "无"]):
        sheet.append(row)
    book.save(tmp_path / "导出.xlsx")
    (tmp_path / "坏.xlsx").write_bytes(b"PK\x03\x04")
    visit(page, f"{server}/imports")
    page.get_by_label("选择文件").set_input_files([tmp_path / "导出.xlsx", tmp_path / "坏.xlsx"])
    page.get_by_role("button", name="上传并预览").click()
    expect(page.get_by_role("region", name="坏.xlsx")).to_contain_text("请另存为 .xlsx")
    expect(page.get_by_role("button", name="开始导入")).to_be_disabled()
    cover = page.get_by_role("region", name="导出.xlsx封面")
    expect(cover.get_by_label("工作表").locator("option")).to_have_text(["封面", "清单"])
    cover.get_by_label("不导入此表").check()
    cover.get_by_role("button", name="改正并重新预览").click()
    table = page.get_by_role("region", name="导出.xlsx清单")
    table.get_by_label("种类").select_option(label="成果")
    table.get_by_label("表头在第几行").fill("2")
    table.get_by_role("button", name="改正并重新预览").click()
    expect(table.get_by_role("alert")).to_contain_text("缺少列成果名称")
    keep_wide_and_narrow(page, "import-mending")
    assert violations(page) == []
    table.get_by_label("“代号”是什么").select_option(label="成果编号")
    table.get_by_label("“叫法”是什么").select_option(label="成果名称 *")
    table.get_by_role("button", name="改正并重新预览").click()
    expect(table.locator(".counts .good")).to_contain_text("2")
    page.get_by_role("button", name="放弃并删除文件").click()
    expect(page.get_by_role("status")).to_contain_text("已放弃")
    assert not [path for path in (home.home / "uploads").iterdir() if (path / "files").exists()]
