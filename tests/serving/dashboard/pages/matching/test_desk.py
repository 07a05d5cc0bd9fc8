"""The three panes, their saved views and filters, texts with an address, and what is handed to firms."""

import base64
import io
import re
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook

from data.kinds.record import KindRecord
from data.records import Demand, DemandStatus
from data.store.store import Store
from data.work.match_state import Action, ActionKind, MatchState
from serving.dashboard.figures.matching.card import Card, Chip
from serving.dashboard.figures.matching.handout import Entry, Handout, as_pdf, as_sheet
from serving.dashboard.figures.matching.worklist import SHOWABLE, columns_of, toggled
from tests.serving.conftest import wait_for
from tests.serving.dashboard.conftest import Person, add_operators, copied, serving
from tests.serving.dashboard.pages.matching.test_card import match

NOW = datetime.now(UTC)
TODAY = NOW.date()
OURS = {
    "T1": {"budget_max": 9_000.0, "deadline": TODAY + timedelta(days=4), "region": "650100"},
    "T2": {"budget_max": 1.0, "deadline": TODAY + timedelta(days=90), "region": "650200"},
    "T3": {"deadline": TODAY - timedelta(days=400)},
    "T4": {"status": DemandStatus.SOLVED},
}


@pytest.fixture(scope="module")
def home(platform, tmp_path_factory):
    settings = copied(platform, tmp_path_factory.mktemp("desk"))
    with Store.open(settings.store_url) as store:
        add_operators(store)
        store.upsert_demands(
            [
                Demand(demand_id=name, title=f"污泥干化{name}", published_at=TODAY, **values)
                for name, values in OURS.items()
            ]
        )
        store.matches.act(Action("T2", "A0000001", ActionKind.ASSIGN, "manager", "manager", NOW, "t-mine"))
    return settings


@pytest.fixture(scope="module")
def boss(home):
    with serving(home) as site:
        yield Person(site, "manager")


def listed(person, query):
    """Return which of our demands a view lists."""
    return re.findall(r"污泥干化(T\d)</span>", person.get(f"/browse?{query}&worklist_find=污泥干化T").text)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"T1", "T2"}),
        ("view=mine", {"T2"}),
        ("view=soon", {"T1"}),
        ("view=rich", {"T1"}),
        ("view=unanswered", set()),
        ("view=all", {"T1", "T2", "T3", "T4"}),
        ("region=65", {"T1", "T2"}),
        ("region=6502", {"T2"}),
        ("budget=100", {"T1"}),
        (f"until={TODAY + timedelta(days=30)}", {"T1"}),
    ],
)
def test_views_and_filters_list_what_they_say(boss, query, expected):
    assert set(listed(boss, query)) == expected


def test_a_view_sorts_and_exports_what_it_lists(boss):
    query = "view=all&worklist_find=污泥干化T&worklist_sort=deadline"
    assert listed(boss, "view=all&worklist_sort=deadline")[:3] == ["T3", "T1", "T2"]
    rows = boss.get(f"/tables/worklist/export?{query}&format=csv").text.splitlines()
    assert [row.split(",")[0] for row in rows[1:4]] == ["T3", "T1", "T2"]


def test_columns_are_chosen_one_by_one_and_kept_in_the_address(boss):
    query = "view=all&worklist_find=污泥干化T1"
    text = boss.get(f"/browse?{query}&worklist_beside=region,budget_max").text
    assert re.findall(r"c-(\w+)", re.search(r'class="lines-head".*?</p>', text)[0]) == ["budget_max", "region"]
    line = r'<li><a[^>]*title="污泥干化T1".*?</li>'
    assert "9000 万" in re.search(line, text)[0]
    assert "新疆" in re.search(line, text)[0]
    links = dict(re.findall(r'href="\?([^"]*)" aria-label="(?:显示|隐藏)“(.+?)”"', text))
    by_name = {name: link.replace("&amp;", "&") for link, name in links.items()}
    fewer = boss.get(f"/browse?{by_name['预算']}").text
    assert "9000 万" not in re.search(line, fewer)[0]
    assert "新疆" in re.search(line, fewer)[0]
    assert "worklist_beside=none" in boss.get("/browse").text
    assert 'name="worklist_beside" value="region,budget_max"' in text  # searching keeps the columns


@pytest.mark.parametrize("name", SHOWABLE)
def test_a_column_chosen_twice_is_as_before(name):
    for asked in ("", "none", "region", "budget_max,region,field", "nothing"):
        before = columns_of({"worklist_beside": asked})
        once = toggled(before, name)
        assert (name in columns_of({"worklist_beside": once or ""})) != (name in before)
        assert (
            columns_of({"worklist_beside": toggled(columns_of({"worklist_beside": once or ""}), name) or ""}) == before
        )


def test_a_filter_that_cannot_be_meant_is_named_and_the_page_stays(boss):
    answer = boss.get("/browse?budget=viel&until=morgen&region=河南&view=nothing")
    assert answer.status_code == 200
    assert answer.text.count('class="failure" role="alert"') == 4
    assert "viel" in answer.text
    other = boss.get("/browse/demand?id=D000001&budget=viel")
    assert other.status_code == 200
    assert "以下未筛选" in other.text


def test_other_kinds_are_recommended_beside_achievements_where_there_are_any(boss, home):
    assert "其他资源" not in boss.get("/kinds/beside?demand=T1", **{"X-Fragment": "1"}).text
    service = KindRecord(kind="service", id="S9", title="污泥干化含水率检测", provider="检测中心")
    with Store.open(home.store_url) as store:
        store.kinds.upsert([service])
    wait_for(lambda: "S9" in boss.get("/kinds/beside?demand=T1", **{"X-Fragment": "1"}).text)
    found = boss.get("/kinds/beside?demand=T1", **{"X-Fragment": "1"}).text
    assert "检测中心" in found
    assert 'href="/dashboard/kinds?demand=T1"' in found
    assert "/kinds/beside?demand=T1" in boss.get("/browse?demand=T1").text
    assert boss.get("/kinds/beside?demand=nothing").status_code == 404


def an_answered(boss):
    for number in range(1, 31):
        text = boss.get(f"/browse?view=all&demand=D{number:06}").text
        if found := re.search(r'class="card-title" href="\?([^"]+)"', text):
            return found[1].replace("&amp;", "&")
    return pytest.fail("no demand has a list")


def test_what_is_done_in_the_sheet_comes_back_to_the_same_view(boss, home):
    query = an_answered(boss)
    sheet = boss.get(f"/browse?{query}").text
    form = re.search(r'action="[^"]*/matches/act">(.*?)</form>', sheet, re.S)[1]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert fields["value"] == "已推送"
    sent = {name: value.replace("&amp;", "&") for name, value in fields.items() if name != "csrf"}
    answer = boss.post("/matches/act", **sent)
    assert answer.status_code == 303
    assert f"demand={fields['demand']}" in answer.headers["location"]
    assert "view=all" in answer.headers["location"]
    after = boss.get(answer.headers["location"].removeprefix("/dashboard")).text
    assert 'class="state s-sent"' in after
    judged = boss.post(
        "/review/judge", demand=fields["demand"], achievement=fields["achievement"], level="3", query=sent["query"]
    )
    assert "/browse?" in judged.headers["location"]
    with Store.open(home.store_url) as store:
        assert store.matches.work(fields["demand"], fields["achievement"]).state is MatchState.SENT
        assert [one.level for one in store.reviews.all(fields["demand"], fields["achievement"])] == [3]


def test_a_pasted_text_has_an_address_that_opens_again(boss):
    answer = boss.post("/browse/text", text="低温污泥干化设备，含水率降到40%以下", side="demands")
    assert answer.status_code == 303
    address = answer.headers["location"].removeprefix("/dashboard")
    again = boss.post("/browse/text", text="低温污泥干化设备，含水率降到40%以下", side="demands")
    assert again.headers["location"].removeprefix("/dashboard") == address
    page = boss.get(address).text
    assert page.count('class="panel match"') >= 1 or "没有足够好的匹配" in page
    other = boss.post("/browse/text", text="低温热泵干化装置", side="achievements").headers["location"]
    assert "推荐需求" in boss.get(other.removeprefix("/dashboard")).text


def test_the_files_for_a_firm_come_from_the_page(boss):
    demand = re.search(r"demand=(D\d+)", an_answered(boss))[1]
    answer = boss.get(f"/browse/handout?demand={demand}&format=xlsx")
    rows = list(load_workbook(io.BytesIO(answer.content)).active.iter_rows(min_row=4, values_only=True))
    assert rows[0][1] == "成果"
    assert 1 <= len(rows) - 1 <= 10
    assert boss.get(f"/browse/handout?demand={demand}&format=pdf").content.startswith(b"%PDF-")


def test_anything_is_found_by_name_or_number(boss):
    text = boss.get("/find?q=污泥干化T").text
    assert re.findall(r"demand=(T\d)", text) == ["T1", "T2", "T3", "T4"]
    assert "A0000001" in boss.get("/find?q=A0000001").text
    assert 'href="/dashboard/quality"' in boss.get("/find?q=质量").text
    assert "没有找到“%_”" in boss.get("/find?q=%25_").text


def handout():
    card = Card(
        match(),
        (Chip("met", "含水率 33% ≤ 40%"), Chip("missed", "报价 9 > 预算 5 万元")),
        (),
        "双方都谈到“污泥”。",
        "高",
        "",
        (),
    )
    return Handout(Demand(demand_id="D", title="=污泥干化", enterprise="企业甲"), (Entry(card, chosen=True),), TODAY)


def test_a_sheet_for_a_firm_has_facts_and_no_formula():
    sheet = load_workbook(io.BytesIO(as_sheet(handout()))).active
    assert sheet["A1"].value == "《=污泥干化》推荐成果"
    row = [cell.value for cell in sheet[5]]
    assert row[:3] == [1, "成果", "单位"]
    assert row[4:8] == ["含水率 33% ≤ 40%", "报价 9 > 预算 5 万元", None, "双方都谈到“污泥”。"]


def test_a_pdf_for_a_firm_says_the_same():
    pdf = as_pdf(handout())
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S)
    drawn = b"".join(zlib.decompress(base64.a85decode(one.strip().removesuffix(b"~>"))) for one in streams)
    drawn = re.sub(rb"\\(\d{3})", lambda found: bytes([int(found[1], 8)]), drawn)
    drawn = re.sub(rb"\\([()\\])", rb"\1", drawn)
    for words in ("污泥干化", "企业甲", "含水率", "推荐理由"):
        assert words.encode("utf-16-be") in drawn
