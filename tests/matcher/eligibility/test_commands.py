"""From a card to a verdict on the command line: extract, approve, ask; by file and by store."""

import json

import pytest
from typer.testing import CliRunner

import gongxu
from data.errors import InputError
from data.settings import settings

CARD = {
    "policy_id": "X1",
    "name": "某专项",
    "region": "320500",
    "conditions": "1．职工不少于20人；\n2．注册资本不低于300万元。",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    for name, value in {"GONGXU_HOME": str(tmp_path / "home"), "COLUMNS": "120", "LC_ALL": "C.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GONGXU_DATABASE_URL", raising=False)
    settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(gongxu.app, [*map(str, arguments)])
    settings.cache_clear()


@pytest.fixture
def files(tmp_path):
    cards, facts = tmp_path / "cards.jsonl", tmp_path / "firm.json"
    cards.write_text(json.dumps(CARD, ensure_ascii=False) + "\n", encoding="utf-8")
    facts.write_text('{"staff": {"value": 18}, "registered_capital": {"value": 500}}', encoding="utf-8")
    return cards, facts, tmp_path / "proposals.jsonl", tmp_path / "approved.jsonl"


def test_a_proposal_counts_once_it_is_approved(run, files):
    cards, facts, proposals, approved = files
    assert "1 policies, 2 criteria proposed" in run("policies", "extract", cards, "-o", proposals).output
    ask = ("eligibility", "--facts", facts, "--as-of", "2024-06-30")
    assert "不符合条件 0" in run(*ask, "--policies", proposals).output
    run("policies", "approve", proposals, "--by", "张三", "-o", approved)
    found = run(*ask, "--policies", approved, "--details").output
    assert "[不符合条件] X1 某专项" in found
    assert "× 职工不少于20人 ← 职工18人" in found
    assert "√ 注册资本不低于300万元 ← 注册资本500万元" in found
    assert "相差 2人" in found


def test_the_store_keeps_approvals_and_shows_what_changed(run, files):
    cards, facts, proposals, _ = files
    run("policies", "extract", cards, "-o", proposals)
    assert "1 policies approved by 张三" in run("policies", "approve", proposals, "--by", "张三").output
    proposals.write_text(proposals.read_text(encoding="utf-8").replace("20", "15"), encoding="utf-8")
    changed = run("policies", "approve", proposals, "--by", "李四").output
    assert "X1 - hard 职工不少于20人" in changed
    assert "X1 + hard 职工不少于15人" in changed
    assert "李四" in run("policies", "list").output
    answer = json.loads(run("eligibility", "--facts", facts, "--as-of", "2024-06-30", "--json").output)
    assert answer["counts"]["eligible"] == 1
    assert "1 versions withdrawn" in run("policies", "withdraw", "X1", "--by", "李四").output
    answer = json.loads(run("eligibility", "--facts", facts, "--as-of", "2024-06-30", "--json").output)
    assert answer["results"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("eligibility", "--facts", "none.json", "--as-of", "2024-06-30"), "no file at none.json"),
        (("eligibility", "--facts", "{facts}", "--as-of", "June"), "--as-of is 'June'"),
        (("eligibility", "--facts", "{facts}", "--as-of", "2024-06-30", "--policies", "{facts}"), "line 1: no policy"),
        (("policies", "approve", "{cards}", "--by", "x"), "line 1: no policy"),
        (("policies", "extract", "{facts}", "-o", "x"), "line 1: no id"),
        (("policies", "withdraw", "X9", "--by", "x"), "no approved policy with id 'X9'"),
    ],
)
def test_bad_input_is_one_line_that_names_it(run, files, arguments, message):
    cards, facts = files[0], files[1]
    result = run(*(part.format(facts=facts, cards=cards) for part in arguments))
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
