"""Firms and policies in the dashboard: a fact stated by form decides, criteria count once approved, a changed text is seen."""

from datetime import UTC, datetime

import pytest

from data.firms.facts import Figure, FirmFacts
from data.kinds.record import KindRecord
from data.settings import Settings
from data.store.store import Store
from matcher.eligibility.kept import parsed
from tests.models.remote.judging import completion
from tests.models.remote.scripted import scripted
from tests.serving.dashboard.conftest import Person, add_operators, serving

CONDITIONS = "申报企业应符合以下条件：（1）职工人数不少于20人；（2）上年度营业收入不低于2000万元。"
DAY = "2024-06-30"


def policy(conditions, record_id="P1"):
    return KindRecord(kind="policy", id=record_id, title="产业奖补", attributes={"conditions": conditions})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("firms"), threads=1, serve_threads=1)
    with Store.open(settings.store_url) as store:
        add_operators(store)
        store.kinds.upsert([policy(CONDITIONS), KindRecord(kind="firm", id="F1", title="隔膜公司")])
    return settings


@pytest.fixture(scope="module")
def site(home):
    with serving(home) as client:
        yield client


@pytest.fixture
def reviewer(site):
    return Person(site, "reviewer")


def digest(page):
    return page.partition('name="digest" value="')[2][:64]


def approve(reviewer, keep, **more):
    page = reviewer.get("/criteria/policy?kind=policy&id=P1").text
    sent = {"kind": "policy", "id": "P1", "digest": digest(page), "keep": keep} | more
    return reviewer.post("/criteria/approve", **sent)


def test_criteria_count_once_approved_and_a_fact_by_form_decides(home, site, reviewer):
    assert "待核准" in reviewer.get("/criteria").text
    page = reviewer.get("/criteria/policy?kind=policy&id=P1").text
    assert "职工人数不少于20人" in page.partition('<mark class="term">')[2]
    assert "<td>职工人数 ≥ 20 人</td>" in page
    assert "没有已核准的政策" in reviewer.get(f"/firm?id=F1&as_of={DAY}").text

    assert Person(site, "viewer").post("/criteria/approve", kind="policy", id="P1").status_code == 403
    assert approve(reviewer, ["1", "2"]).status_code == 303
    with Store.open(home.store_url) as store:
        (approved,) = parsed(store.policy_criteria.latest())
        (document,) = store.policy_criteria.latest()
    assert [one.kind for one in approved.criteria] == ["hard", "hard"]
    assert document.approved_by == "reviewer"

    firm = reviewer.get(f"/firm?id=F1&as_of={DAY}").text
    assert "需补充信息 1" in firm
    sent = {"id": "F1", "fact": "staff", "value": "25", "unit": "人", "source": "社保", "as_of": "2024-05-31"}
    assert reviewer.post("/firm/state", **sent).status_code == 303
    firm = reviewer.get(f"/firm?id=F1&as_of={DAY}").text
    assert "职工25人（社保，截至2024-05-31）" in firm
    assert "产业奖补只缺一项事实：上年度营业收入" in firm
    reviewer.post("/firm/state", id="F1", fact="sales", value="1800", unit="万元", year="2023", source="审计报告")
    firm = reviewer.get(f"/firm?id=F1&as_of={DAY}").text
    assert "产业奖补只差一项：上年度营业收入" in firm
    assert "相差 200万元" in firm
    board = reviewer.get(f"/eligibility?as_of={DAY}").text
    assert "隔膜公司" in board
    assert "不符合条件" in board.partition("<tbody>")[2]
    with Store.open(home.store_url) as store:
        assert [entry.action for entry in store.api_keys.trail()[:3]] == [
            "firms.state",
            "firms.state",
            "policies.approve",
        ]


def test_a_changed_text_is_seen_and_a_stale_page_refused(home, reviewer):
    page = reviewer.get("/criteria/policy?kind=policy&id=P1").text
    with Store.open(home.store_url) as store:
        store.kinds.upsert([policy(CONDITIONS.replace("20人", "30人"))])
    assert "原文已变" in reviewer.get("/criteria").text
    changed = reviewer.get("/criteria/policy?kind=policy&id=P1").text
    assert "+ hard 职工人数不少于30人" in changed
    sent = {"kind": "policy", "id": "P1", "digest": digest(page), "keep": ["1"]}
    assert reviewer.post("/criteria/approve", **sent).status_code == 409
    assert approve(reviewer, ["1"], judgement=["1"]).status_code == 303
    with Store.open(home.store_url) as store:
        (approved,) = parsed(store.policy_criteria.latest())
    assert [(one.number, one.kind) for one in approved.criteria] == [(1, "judgement")]
    assert approve(reviewer, [], act="withdraw").status_code == 303
    with Store.open(home.store_url) as store:
        assert store.policy_criteria.latest() == []


def test_firms_are_listed_with_what_is_unknown(home, reviewer):
    with Store.open(home.store_url) as store:
        store.firms.put(
            "F2", FirmFacts(name="另一公司", staff=Figure(value=3)), "张三", datetime(2024, 6, 1, tzinfo=UTC)
        )
    listed = reviewer.get("/firms").text
    assert "另一公司" in listed
    assert "张三" in listed
    assert reviewer.get("/kinds/record?kind=firm&id=F2").headers["location"].endswith("/firm?id=F2")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/firm?id=F9", 404),
        (f"/firm?id=F1&as_of={DAY[:-1]}", 400),
        ("/eligibility?as_of=1900-01-01", 400),
        ("/kinds/records?kind=moon", 404),
        ("/kinds/records?kind=demand", 404),
        ("/kinds/record?kind=policy&id=P9", 404),
        ("/criteria/policy?kind=policy&id=P9", 404),
    ],
)
def test_what_is_not_there_is_said(reviewer, path, status):
    assert reviewer.get(path).status_code == status


@pytest.mark.parametrize("sent", [{"fact": "staff", "value": "八十"}, {"fact": "", "value": "1"}])
def test_a_fact_that_cannot_be_read_is_refused(reviewer, sent):
    assert reviewer.post("/firm/state", id="F1", **sent).status_code in (400, 422)


OTHER = (
    "申报企业应符合以下条件：（1）职工人数不少于20人。鼓励研发费用占比不低于5%。"
    "有下列情形之一的不予支持：（1）近三年有违法记录。"
)


@pytest.fixture(scope="module")
def pointed(tmp_path_factory):
    """A site with a scripted chat model, and the model."""
    quotes = ["研发费用占比不低于5%", "研发费用占比不低于8%", "近三年有违法记录", "职工人数不少于20人"]
    with scripted(completion({"quotes": quotes})) as script:
        home = tmp_path_factory.mktemp("pointed")
        settings = Settings(home=home, threads=1, serve_threads=1, chat=f"{script.url}#scripted", model_timeout=1.0)
        with Store.open(settings.store_url) as store:
            add_operators(store)
            store.kinds.upsert([policy(OTHER)])
        with serving(settings) as client:
            yield settings, client, script


def test_a_model_s_quotes_are_read_again_marked_and_approved_by_people(pointed):
    settings, client, script = pointed
    path = "/criteria/policy?kind=policy&id=P1"
    assert "请模型补充" in Person(client, "reviewer").get(path).text
    assert "请模型补充" not in Person(client, "viewer").get(path).text
    Person(client, "viewer").get(f"{path}&model=1")
    assert script.requests == []
    reviewer = Person(client, "reviewer")
    page = reviewer.get(f"{path}&model=1").text
    assert page.count("AI 生成") == 1
    assert "研发费用占比不低于5% <span" in page
    assert "未采用（原文中没有这段文字）：研发费用占比不低于8%" in page
    assert page.count("模型也指出") == 2
    sent = {"kind": "policy", "id": "P1", "digest": digest(page), "model": "1", "keep": ["1", "3"]}
    assert reviewer.post("/criteria/approve", **sent).status_code == 303
    assert len(script.requests) == 1  # kept by content
    with Store.open(settings.store_url) as store:
        (approved,) = parsed(store.policy_criteria.latest())
    assert [(one.number, one.ai_generated, one.role) for one in approved.criteria] == [
        (1, False, "requirement"),
        (3, True, "preference"),
    ]


def test_without_an_answer_only_what_the_program_reads_is_shown(pointed):
    settings, client, script = pointed
    with Store.open(settings.store_url) as store:
        store.kinds.upsert([policy(OTHER + "。", "P2")])
    script.steps = [500]
    reviewer = Person(client, "reviewer")
    page = reviewer.get("/criteria/policy?kind=policy&id=P2&model=1").text
    assert "模型没有给出可用的回答" in page
    assert "AI 生成" not in page
    refused = reviewer.post("/criteria/approve", kind="policy", id="P2", digest=digest(page), model="1", keep=["1"])
    assert refused.status_code == 503
