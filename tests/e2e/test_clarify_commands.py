"""Clarify, gaps and advise as their users run them, on a copy of the suite's platform."""

import json
import shutil

import pytest

from data.store.store import Store
from tests.e2e.conftest import run_in
from tests.some import some


@pytest.fixture(scope="module")
def home(platform, tmp_path_factory):
    base = tmp_path_factory.mktemp("clarify")
    home = base / "home"
    home.mkdir()
    for path in platform.settings.home.glob("store.db*"):
        shutil.copy(path, home)
    shutil.copytree(platform.settings.bundles, home / "bundles")
    return home


@pytest.fixture(scope="module")
def records(home):
    with Store.open(f"sqlite:///{home / 'store.db'}") as store:
        return list(store.demands()), list(store.achievements())


def done(run, *words):
    result = run(*words, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_question_is_asked_answered_and_kept(home, records):
    run = run_in(home)
    every = ((each, done(run, "clarify", "--demand", each.demand_id, "--top", 12)) for each in records[0][:6])
    demand, asked = next((each, told) for each, told in every if told["questions"])
    assert asked["completeness"]["text"].startswith("需求完整度")
    question = asked["questions"][0]
    told = done(run, "clarify", "--demand", demand.demand_id, "--answer", "#1", "--by", "张三")
    assert told["clarification"]["question_id"] == question["question_id"]
    assert told["clarification"]["answer"] == question["options"][0]["answer"]
    assert told["clarification"]["actor"] == "张三"
    assert told["completeness"]["score"] >= asked["completeness"]["score"]
    with Store.open(f"sqlite:///{home / 'store.db'}") as store:
        assert [kept.question_id for kept in store.clarifications(demand.demand_id)] == [question["question_id"]]
        assert store.demand(demand.demand_id).content == demand.content
    listed = done(run, "recommend", "--demand", demand.demand_id)
    assert [match["id"] for match in listed["items"]] == [match["id"] for match in told["after"]]


def test_an_entered_number_is_checked_from_the_next_list_on(home, records):
    run = run_in(home)
    demand_id = records[0][3].demand_id
    question = "threshold:ge:MPa:抗压强度"
    told = done(run, "clarify", "--demand", demand_id, "--question", question, "--answer", "50", "--by", "李四")
    assert told["clarification"]["changes"]["keywords"] == ["抗压强度≥50MPa"]
    assert told["after"]
    for match in told["after"]:
        entered = [check for check in match["requirements"] if check["field"] == "keywords"]
        assert [check["required"] for check in entered] == ["抗压强度≥50MPa"]
        assert entered[0]["text"].startswith("补充的要求“抗压强度≥50MPa”")
    listed = done(run, "recommend", "--demand", demand_id, "--explain", "--all-statuses")
    assert "抗压强度≥50MPa" in [check["required"]["text"] for check in listed["items"][0]["requirements"]]
    assert listed["items"][0]["requirements_text"].startswith("指标核对：")
    strict = done(run, "recommend", "--demand", demand_id, "--least-known", "1")
    assert all(
        check["status"] in ("met", "missed") for match in strict["items"] for check in match.get("requirements", [])
    )
    assert len(strict["items"]) <= len(listed["items"])


def test_the_answer_carries_its_verdict_and_the_gaps_on_request(home, records):
    run = run_in(home)
    for demand in some(records[0][:2]):
        answer = done(run, "recommend", "--demand", demand.demand_id, "--gaps", "--hide-hard-misses")
        verdict = answer["verdict"]
        assert verdict["answered"] == answer["answered"]
        assert ("gap_report" in answer) == (not answer["answered"])
    nothing = run("recommend", "--text", "量子引力波望远镜的镜面抛光", "--gaps")
    assert nothing.returncode == 0, nothing.stderr
    assert "匹配" in nothing.stdout or "1." in nothing.stdout


def test_a_filter_by_figures_that_cannot_be_is_one_line(home, records):
    refused = run_in(home)("recommend", "--demand", records[0][0].demand_id, "--worst-margin", "7")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: --worst-margin 7.0 cannot be used")
    assert refused.stderr.count("\n") == 1


def test_answers_that_do_not_fit_are_one_line(home, records):
    run = run_in(home)
    refused = run("clarify", "--demand", records[0][1].demand_id, "--question", "limit:budget", "--answer", "很多")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: the answer '很多' holds no number")
    assert refused.stderr.count("\n") == 1


def test_gaps_and_advice_are_told_in_chinese(home, records):
    run = run_in(home)
    told = run("gaps", "--demand", records[0][2].demand_id)
    assert told.returncode == 0, told.stderr
    assert "匹配（" in told.stdout
    offer = next(offer for offer in records[1] if offer.status.value == "发布")
    body = done(run, "advise", "--achievement", offer.achievement_id, "--top", 3, "--demands", 4)
    assert body["achievement_id"] == offer.achievement_id
    assert all(item["rank_after"] < item["rank_before"] for item in body["advice"])
