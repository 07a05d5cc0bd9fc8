"""Every number says what it means and leads to what it counts; what it leads to is as many."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from data.records import EventKind, OutcomeEvent
from data.store.aggregates import RESPONSES, china_day
from data.store.reviews import Review
from data.store.store import Store
from eval.online.experiments import Experiment, Mode, results, save_experiment
from eval.served.lists import SYSTEMS
from matcher.eligibility.kept import document_of
from matcher.eligibility.policy import StatedPolicy
from serving.dashboard.pages.registry import ALL_TABLES
from tests.serving.dashboard.conftest import Person, add_kinds, add_operators, copied, serving
from tests.serving.dashboard.numbers import defined, linked, main_of, numbers
from tests.some import some

OTHER = "20991231-235959"
REJECTS = "需求-0123456789ab-rejects.csv"
# Numbers of one record or one figure: there is nothing to list behind them.
ALONE = re.compile(r"折算供方|权重|紧缺度|一致性|预计获响应|预计改变|完整度|p =|重合|首位|毫秒")


@pytest.fixture(scope="module")
def home(platform, tmp_path_factory):
    """Return a copy of the platform with an experiment, a report of the monitor, and an evaluation, as commands leave them."""
    folder = tmp_path_factory.mktemp("numbers")
    settings = copied(platform, folder, serve_poll=0.2)
    with Store.open(settings.store_url) as store:
        add_operators(store)
        add_kinds(store)
        watch(settings, store)
        start = max(event.occurred_at for event in store.events() if event.occurred_at)
        ids = [demand.demand_id for demand in store.demands()]
        store.append_events(experiment_events(platform.trained.name, ids, start + timedelta(hours=1)))
        approve_and_judge(store, ids[0], platform.trained.name)
    (folder / "rejects").mkdir(exist_ok=True)
    (folder / "rejects" / REJECTS).write_text(
        "\ufeff文件,行,列,值,原因\n需求.csv,3,编号,,必填，不能为空\n需求.csv,5,,x,整行重复\n", encoding="utf-8"
    )
    started = Experiment(
        name="split-1",
        mode=Mode.SPLIT,
        champion=platform.trained.name,
        challenger=OTHER,
        share=0.5,
        started_at=start,
    )
    save_experiment(folder, started)
    figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    (folder / "evaluations").mkdir()
    (folder / "evaluations" / "20260101-000000.json").write_text(
        f'{{"splits": {{"grouped": {{"gongxu": {{"ndcg10": {figure}}}}}}}}}'.replace("'", '"')
    )
    served = {system: {"ndcg10": figure, "answered": {"value": 1.0, "low": None, "high": None}} for system in SYSTEMS}
    (folder / "evaluations" / "20260102-000000.json").write_text(json.dumps({"served": served}))
    return settings


def approve_and_judge(store, demand_id, version):
    """Approve a policy, which the firm of the platform misses one fact for, and judge a pair."""
    test = {"field": "rd_staff", "op": ">=", "value": 10, "unit": "人"}
    criteria = [{"number": 1, "kind": "hard", "test": test, "quote": "研发人员不少于10人"}]
    policy = StatedPolicy.model_validate({"policy_id": "P1", "name": "产业奖补", "criteria": criteria})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    store.policy_criteria.append([document_of(policy, "manager", now)])
    store.reviews.judge(Review(demand_id, "A0000002", "manager", 3, (), "", "random", 0.5, version, 4.0, now))


def watch(settings, store):
    """Leave what `gongxu monitor` leaves."""
    import warnings

    from eval.online.monitor_report import save_report
    from training.release.monitor import monitor

    until = max(event.occurred_at for event in store.events() if event.occurred_at)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own, on being imported
        save_report(settings.home, monitor(settings, store, days=800, until=until))


def experiment_events(champion, demands, start):
    """Yield what 40 requests showed; half of the challenger's were clicked, a quarter of the champion's."""
    for number in range(40):
        version, every = (OTHER, 2) if number % 2 else (champion, 4)
        common = {"demand_id": demands[number % len(demands)], "achievement_id": "A0000001", "request_id": f"x{number}"}
        at = start + timedelta(minutes=number)
        yield OutcomeEvent(
            event_id=f"x{number}",
            kind=EventKind.IMPRESSION,
            occurred_at=at,
            position=1,
            bundle_version=version,
            **common,
        )
        if number // 2 % every == 0:
            yield OutcomeEvent(
                event_id=f"x{number}-c",
                kind=EventKind.CLICK,
                occurred_at=at + timedelta(seconds=9),
                bundle_version=version,
                **common,
            )


@pytest.fixture(scope="module")
def site(home):
    with serving(home) as client:
        yield client


@pytest.fixture(scope="module")
def boss(site):
    return Person(site, "manager")


PAGES = (
    "/overview",
    "/overview?days=365&side=version",
    "/overview/coverage?days=365",
    "/quality?days=365",
    "/quality/experiments",
    "/quality/held_out?version={version}",
    "/browse",
    "/browse/demand?id=D000001",
    "/browse/pair?demand=D000001&achievement=A0000001",
    "/browse/compare?id=D000001",
    "/review",
    "/gaps",
    "/gaps?side=industries&surplus=1",
    "/gaps/flows",
    "/chains",
    "/chains/node?chain=c&node=1",
    "/health",
    "/health/clusters",
    "/health/vague",
    "/health/boilerplate",
    "/health/ask?id=D000001",
    "/health/ask/questions?id=D000001",
    "/health/ask/list?id=D000001",
    "/models",
    "/models/version?version={version}",
    "/records/achievements",
    "/records/holders",
    "/audit",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_number_of_a_page_is_defined_and_counts_lead_to_what_they_count(boss, home, path):
    answer = boss.get(path.format(version=(home.bundles / "current").read_text().strip()))
    assert answer.status_code == 200
    found = list(numbers(answer.text))
    plain = [(text, element.parent.text.strip()[:40]) for element, text in found if not defined(element)]
    assert plain == []
    dead = [message(element) for element, text in found if not linked(element) and not own(element)]
    assert dead == []


def own(element):
    """Tell whether a number belongs to one record or figure: a column that says so, or one of a few names."""
    if any("n" in one.classes and one.tag == "td" for one in element.up()):
        return True  # columns are looked at below
    return bool(ALONE.search(message(element))) or any(one.classes & {"prob", "share", "diff"} for one in element.up())


def message(element):
    near = next((one for one in element.up() if one.tag in ("div", "dl", "li", "p", "h2", "form")), element)
    return " ".join("".join(one.text for one in near.all()).split())[:120]


WITHOUT_ROWS = {"clusters", "decisions", "outside_models", "slices"}
"""On this platform no gate decided, no records are alike, no endpoint is set, no candidate has a slice: they say so."""


@pytest.mark.parametrize("name", sorted(WITHOUT_ROWS))
def test_a_table_without_rows_is_none(boss, home, name):
    version = (home.bundles / "current").read_text().strip()
    html = boss.get(f"/tables/{name}?version={version}&days=365").text
    assert 'class="none"' in html
    assert "<table" not in html


@pytest.mark.parametrize("name", sorted(set(ALL_TABLES) - WITHOUT_ROWS))
def test_every_column_of_numbers_is_defined_and_leads_somewhere_unless_it_is_the_rows_own(boss, home, name):
    """In the page itself: each head has its words, each number of a column that counts is a link."""
    version = (home.bundles / "current").read_text().strip()
    html = boss.get(f"/tables/{name}?version={version}&days=365&file={REJECTS}").text
    tables = [one for one in main_of(html).all() if one.tag == "table"]
    for table in some(tables):
        head, body = (one for one in table.children if one.tag in ("thead", "tbody"))
        for place, cell in some(enumerate(head.children[0].children)):
            if "n" not in cell.classes:
                continue
            assert any("data-hint" in one.attributes for one in cell.all()), (name, place)
            shown = [row.children[place] for row in body.children]
            counted = [one for one in shown if "".join(part.text for part in one.all()).strip() not in ("", "–")]
            leads = [any(part.tag == "a" for part in one.all()) for one in counted]
            assert all(leads) or "own" in cell.classes, (name, place)


def rows_of(boss, address):
    text = boss.get(address).text.removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("side", ["field", "industry", "region", "version"])
def test_counts_by_side_are_those_of_the_lists_behind_them(boss, side):
    html = boss.get(f"/tables/sides?side={side}&days=365").text
    checked = 0
    for address, number in some(
        re.findall(r'href="/dashboard(/records/events[^"]*kind=[^"]*)">([\d,]+)</a>', html)[:24]
    ):
        behind = boss.get(address.replace("&amp;", "&").replace("/records/", "/tables/")).text
        assert f'class="count">{number} 条' in behind, address
        checked += 1
    assert checked >= 6


def test_the_numbers_of_the_overview_are_those_of_the_lists_behind_them(boss):
    found = boss.get("/overview?days=365").text + boss.get("/overview/coverage?days=365").text
    wanted = re.search(r'<a href="/dashboard(/records/demands\?state=unanswered)">([\d,]+)</a>', found)
    assert f'class="count">{wanted[2]} 条' in boss.get(wanted[1]).text
    link, covered, holders_link, holders = re.search(
        r'href="/dashboard(/records/achievements[^"]+)">[\d.]+%</a><small>([\d,]+) /.*?'
        r'href="/dashboard(/records/holders[^"]+)">[\d.]+%</a><small>([\d,]+) /',
        found,
        re.S,
    ).groups()
    for address, number in ((link, covered), (holders_link, holders)):
        assert f'class="count">{number} 条' in boss.get(address.replace("&amp;", "&")).text


def test_demands_answered_in_a_period_are_those_of_a_plain_recount(boss, home):
    shown, answered = {}, {}
    with Store.open(home.store_url) as store:
        for event in store.events([EventKind.IMPRESSION, *RESPONSES]):
            first = shown if event.kind is EventKind.IMPRESSION else answered
            first.setdefault(event.demand_id, event.occurred_at)
    inside = {
        demand_id
        for demand_id, moment in answered.items()
        if shown.get(demand_id, moment + timedelta(1)) <= moment and china_day(moment.replace(tzinfo=None)).year == 2024
    }
    found = rows_of(boss, "/tables/demands/export?state=responded&from=2024-01-01&to=2024-12-31")
    assert {row["编号"] for row in found} == inside
    assert len(inside) > 0


def test_results_by_arm_are_what_the_command_prints(boss, home):
    page = boss.get("/quality/experiments")
    assert "split-1" in page.text
    with Store.open(home.store_url) as store:
        firms = {demand.demand_id: demand.enterprise or demand.demand_id for demand in store.demands()}
        from eval.online.experiments import require_experiment

        expected = results(require_experiment(home.home, ""), store.events(), firms, home.home)
    assert expected.conclusion in page.text
    arms = {row["臂"]: row for row in rows_of(boss, "/tables/arms/export?format=csv")}
    assert {name: int(row["请求"]) for name, row in arms.items()} == {"在役": 20, "挑战者": 20}
    assert float(arms["挑战者"]["查看率"]) == expected.rates["click"].challenger
    steps = {row["步骤"]: row for row in rows_of(boss, "/tables/steps/export?format=csv")}
    assert float(steps["查看"]["差"]) == expected.rates["click"].difference
    assert float(steps["查看"]["下限"]) == expected.rates["click"].low
    assert "进行中" in boss.get("/models").text


def test_drift_and_evaluation_are_those_that_the_commands_left(boss, home):
    from eval.online.monitor_report import last_report

    report = last_report(home.home)
    assert report.demands >= 20
    drift = {row["特征"]: float(row["PSI"]) for row in rows_of(boss, "/tables/drift/export?format=csv")}
    assert drift == {name: one.index for name, one in report.features.items()}
    assert len(drift) > 10
    assert list(drift.values()) == sorted(drift.values(), reverse=True)
    page = boss.get("/quality").text
    assert all(one.message in page for one in report.findings)
    assert [row["值"] for row in rows_of(boss, "/tables/evaluation/export?format=csv")] == ["0.5"]


def test_pairs_behind_a_calibration_curve_are_as_many(boss, home):
    version = (home.bundles / "current").read_text().strip()
    total = 0
    for row in rows_of(boss, f"/tables/reliability/export?version={version}"):
        query = f"version={version}&low={row['概率自']}&high={row['至']}"
        assert len(rows_of(boss, f"/tables/held_out/export?{query}")) == int(row["配对数"])
        total += int(row["配对数"])
    assert total == len(rows_of(boss, f"/tables/held_out/export?version={version}")) > 0
    assert rows_of(boss, "/tables/held_out/export?version=../x") == []


def test_titles_are_found_in_any_case_and_sorted(boss, home):
    with Store.open(home.store_url) as store:
        titles = [record.title for record in store.achievements()]
    part = titles[0][1:4]
    wanted = sorted(title for title in titles if part.lower() in title.lower())
    found = rows_of(boss, f"/tables/achievements/export?achievements_find={part}&achievements_sort=title")
    assert [row["成果名称"] for row in found if part in row["成果名称"]] == wanted
    with Store.open(home.store_url) as store:
        changed = next(iter(store.achievements())).model_copy(update={"title": "改名之后 ABC"})
        store.upsert_achievements([changed])
    (row,) = rows_of(boss, "/tables/achievements/export?achievements_find=后 abc")
    assert row["编号"] == changed.achievement_id


def test_what_a_firm_answers_fills_the_demand_and_changes_the_list(boss, site, home):
    with Store.open(home.store_url) as store:
        vague = next(d for d in store.demands() if d.budget_max is None and d.budget_min is None)
    reviewer, record_encoder = Person(site, "reviewer"), Person(site, "viewer")
    asked = reviewer.get(f"/health/ask/questions?id={vague.demand_id}").text
    question, option = re.search(
        r'name="question" value="([^"]+)".*?name="answer" value="([^"]+)"', asked, re.S
    ).groups()
    assert "最值得问" in asked
    assert "需要“审核”角色" in record_encoder.get(f"/health/ask/questions?id={vague.demand_id}").text
    sent = {"id": vague.demand_id, "question": question, "answer": option}
    assert record_encoder.post("/health/answer", **sent).status_code == 403
    assert reviewer.post("/health/answer", csrf="0" * 64, **sent).status_code == 403
    assert reviewer.post("/health/answer", **(sent | {"answer": " "})).status_code == 422
    assert reviewer.post("/health/answer", **(sent | {"question": "limit:nothing"})).status_code == 422
    assert reviewer.post("/health/answer", **(sent | {"id": "nothing"})).status_code == 404
    assert reviewer.post("/health/answer", **sent).headers["location"].endswith("notice=answered")
    assert reviewer.post("/health/answer", id=vague.demand_id, question="limit:budget", answer="80").status_code == 303
    with Store.open(home.store_url) as store:
        told, answers = store.demand(vague.demand_id), store.clarifications(vague.demand_id)
        actions = [entry.action for entry in store.api_keys.trail(20) if entry.actor == "operator reviewer"]
    assert told.budget_max == 80
    assert [(one.question_id, one.actor) for one in answers] == [
        (question, "operator reviewer"),
        ("limit:budget", "operator reviewer"),
    ]
    assert actions.count("demands.clarify") == 2
    page = reviewer.get(f"/health/ask?id={vague.demand_id}").text
    assert "预算上限（万元）：80" in page
    assert "operator reviewer" in page
    changed = reviewer.get(f"/health/ask/list?id={vague.demand_id}").text
    assert "回答之后的推荐列表" in changed
    assert re.search(r"同名次|▲|▼|新进", changed)
    assert f'value="{question}"' not in reviewer.get(f"/health/ask/questions?id={vague.demand_id}").text
    (row,) = [row for row in rows_of(boss, "/tables/vague/export") if row["编号"] == vague.demand_id]
    assert row["已答"] == "2"


def test_the_quality_page_leads_with_what_users_get(boss):
    page = boss.get("/quality").text
    assert page.index("推荐列表的质量") < page.index("离线指标") < page.index("线上结果")
    assert page.count('aria-label="0.500，95% 区间 0.400 至 0.600"') == len(SYSTEMS)
    rows = rows_of(boss, "/tables/served/export?format=csv")
    assert [row["方法"] for row in rows] == ["本系统", "向量 + BM25 融合", "只用向量", "只用 BM25", "随机"]
    assert rows[0]["NDCG@10"] == "0.500 [0.400, 0.600]"
    assert (rows[0]["作答率"], rows[0]["校准误差"]) == ("1.000 [–]", "–")
