"""Expertise from outputs: the nearest few count, words of one output alone do not, endings of English words do not."""

import os
from pathlib import Path

import pytest

from eval.reading.expertise_evaluation import evaluate, ordered_right
from matcher.kinds.expertise import Expertise, outputs_of, stems

OUTPUTS = {
    "sludge": ["污泥干化装备研究", "污泥脱水与干化工艺", "城市供水管网"],
    "water": ["城市供水管网漏损", "供水管网压力调度", "污泥处置"],
    "none": [],
}


def test_the_nearest_outputs_tell_who_knows():
    expertise = Expertise.fit(OUTPUTS)
    scores = expertise.scores("低温污泥干化")
    assert scores["sludge"] > scores["water"] > scores["none"] == 0
    assert expertise.scores("供水管网")["water"] > expertise.scores("供水管网")["sludge"]
    assert expertise.nearest("污泥干化")["sludge"] == 0
    assert "none" not in expertise.nearest("污泥干化")
    assert set(expertise.scores("量子计算").values()) == {0.0}


def test_outputs_are_lines_or_parts():
    assert outputs_of("论文甲；论文乙;论文丙\n专利丁\n\n") == ["论文甲", "论文乙", "论文丙", "专利丁"]
    assert stems("Learning models") == stems("learned model")


def test_pairs_are_counted_by_the_order_of_their_ratings():
    rated = {"e": {"a": 5.0, "b": 3.0, "c": 3.0, "d": 1.0}}
    figures = ordered_right(rated, {("e", "a"): 0.9, ("e", "b"): 0.5, ("e", "c"): 0.5, ("e", "d"): 0.5})
    assert (figures.pairs, figures.right) == (5, (3 + 2 * 0.5) / 5)
    assert figures.weighted == pytest.approx((2 + 2 + 4 + 0.5 * (2 + 2)) / 12)


def test_marked_experts_are_ordered_right():
    folder = Path(os.environ.get("GONGXU_SHARED_DATA", "../shared/data")) / "kinds" / "experts"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: the marked experts are no part of the project")
    names = ("expert_publications.csv", "papers_to_judge.csv", "expertise_judgements.csv")
    assert evaluate(*(folder / name for name in names)).right >= 0.70
