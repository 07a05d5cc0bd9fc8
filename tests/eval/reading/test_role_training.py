"""Roles are learned from marked texts, and judged on texts that were not learned from."""

import os
from pathlib import Path

import pytest

from eval.reading.quantity_evaluation import FILES, load_markings
from eval.reading.role_training import cross_validate, fit, own_examples
from knowledge_graph.quantities.roles import likeliest


@pytest.fixture(scope="module")
def gold() -> Path:
    shared = os.environ.get("GONGXU_SHARED_DATA")
    if not shared or not (Path(shared) / "quantities").is_dir():
        pytest.skip("marked texts absent: set GONGXU_SHARED_DATA to their folder")
    return Path(shared) / "quantities"


def test_weights_tell_a_budget_from_a_bound():
    weights = fit("demand", own_examples("demand"))
    assert likeliest("demand", {"bias": 1.0, "sure_money": 3.0, "unit_money": 1.0}, weights) == "business"
    assert likeliest("demand", {"bias": 1.0, "bound": 1.0, "op_le": 1.0, "wish_last": 1.0}, weights) == "requirement"


def test_further_markings_are_read_with_the_first(gold):
    assert len(load_markings(gold, "demands")) == 68


def test_figures_of_texts_not_learned_from_reach_the_target(gold):
    figures = cross_validate(gold)
    assert figures.keys() == FILES.keys()
    demands, supply = figures["demands"], figures["supply"]
    assert demands["value_unit_f1"] >= 0.95
    assert demands["role_accuracy"] >= 0.86
    assert demands["requirement_f1"] >= 0.85
    assert supply["value_unit_f1"] >= 0.90
    assert supply["role_accuracy"] >= 0.80
