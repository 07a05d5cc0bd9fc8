"""The measure of criteria: what counts as found, and the figures on the open marked policies by cross-validation."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import InputError
from eval.reading.criteria_evaluation import evaluate, same_test
from eval.reading.criteria_gold import Card, Mark, load_all, load_cards
from eval.reading.criteria_training import cross_validate
from knowledge_graph.criteria.types import Criterion, Group, Leaf

TEXT = "企业注册资本不低于200万元，管理规范。"
CARD = Card("P1", "政策", "conditions", TEXT, 0, {"conditions": TEXT})
MARK = Mark("P1", 1, "hard", Leaf("registered_capital", ">=", 200.0, "万元"), TEXT[:13], "conditions", ((0, 13),))
READ = Criterion("hard", Leaf("capital", ">=", 2_000_000.0, "元"), TEXT[2:13], 2, 13, "conditions")


def f1(read, mark=MARK):
    return evaluate({"P1": CARD}, [mark], lambda _: read).figures()["criteria"]["f1"]


def test_a_criterion_is_found_by_overlap_kind_and_figures():
    assert f1([READ]) == 1.0
    assert f1([replace(READ, kind="judgement")]) == 0.0
    assert f1([replace(READ, start=14, end=17)]) == 0.0
    assert f1([replace(READ, test=Leaf("capital", ">", 200.0, "万元"))]) == 0.0
    assert f1([replace(READ, test=Leaf("capital", ">=", 201.0, "万元"))]) == 0.0
    assert f1([replace(READ, test=Leaf("capital", ">=", 200.0, "亿元"))]) == 0.0


def test_one_read_criterion_finds_one_mark_and_more_cost_precision():
    figures = evaluate({"P1": CARD}, [MARK, replace(MARK, number=2)], lambda _: [READ]).figures()["criteria"]
    assert (figures["precision"], figures["recall"]) == (1.0, 0.5)
    assert evaluate({"P1": CARD}, [MARK], lambda _: [READ, READ]).figures()["criteria"]["precision"] == 0.5


def test_grouping_by_all_does_not_matter():
    parts = (Leaf("a", ">=", 1.0, "年"), Leaf("b", "<", 9.0, "人"))
    mark = replace(MARK, test=Group("all", parts))
    result = evaluate({"P1": CARD}, [mark], lambda _: [replace(READ, test=part) for part in parts])
    assert result.figures()["criteria"]["f1"] == 1.0
    assert result.figures()["as_written"]["f1"] == 0.0


def test_absence_is_written_in_two_ways():
    assert same_test(Leaf("records", "=", 0.0, "条"), Leaf("records", "=", False))
    assert not same_test(Leaf("records", "=", 0.0, "条"), Leaf("records", "=", True))


def test_bad_files_are_named(tmp_path):
    path = tmp_path / "cards.jsonl"
    path.write_text('{"name": "x"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1: no id"):
        load_cards(path)
    path.write_text(json.dumps({"policy_id": "A", "conditions": TEXT}) + "\n", encoding="utf-8")
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"programme_id": "B", "kind": "hard", "quote": "x", "test": {}}\n', encoding="utf-8")
    with pytest.raises(InputError, match="policy B is not among"):
        load_all([gold], [path])


@pytest.fixture(scope="module")
def policies():
    folder = Path(os.environ.get("GONGXU_SHARED_DATA", "../shared/data")) / "kinds" / "policies"
    if not folder.is_dir():
        pytest.skip(f"no marked policies at {folder}; set GONGXU_SHARED_DATA")
    gold = [
        folder / f"{name}_gold{part}.jsonl" for name, part in (("beijing_criteria", ""), ("beijing_criteria", "_2"))
    ]
    gold.append(folder / "hangzhou_criteria_gold.jsonl")
    return load_all(gold, [folder / "beijing_policy_cards.jsonl", folder / "hangzhou_programmes.jsonl"])


def test_every_quote_of_the_open_marks_is_in_its_text(policies):
    assert all(mark.places for mark in policies[1])


def test_cross_validated_figures_reach_the_targets(policies):
    figures = cross_validate(*policies, folds=5).figures()
    assert figures["numeric"]["f1"] >= 0.85
    assert figures["criteria"]["f1"] >= 0.75
