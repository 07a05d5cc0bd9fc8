"""What a text states of its maturity counts only as reached; the estimate abstains, and beats the commonest stage."""

import os
from pathlib import Path

import pytest

from data.records import Achievement
from eval.reading.stage_training import cross_validate, load_examples
from knowledge_graph.maturity.stage import STAGES, shipped_model, stage_of_level
from knowledge_graph.maturity.statements import stated_maturity

HENAN = Path(os.environ.get("GONGXU_SHARED_DATA", "../shared/data")) / "kinds/henan/achievements.csv"


@pytest.mark.parametrize(
    ("text", "level", "quote"),
    [
        ("采用新型催化剂，已完成中试，转化率达到95%。", 6, "已完成中试"),
        ("小试、中试均已完成；已在三家企业实现产业化。", 9, "已在三家企业实现产业化"),
        ("处于实验室阶段，下一步开展中试", 4, "处于实验室阶段"),
        ("建成年产500吨示范线", 7, "建成年产500吨示范线"),
        ("已小批量试制", 8, "已小批量试制"),
    ],
)
def test_the_highest_level_reached_counts_with_its_clause(text, level, quote):
    found = stated_maturity(text)
    assert (found.level, found.quote) == (level, quote)
    assert text[found.start : found.end] == quote


@pytest.mark.parametrize(
    "text",
    [
        "",
        "便于批量生产，具有良好的产业化前景",
        "尚未开展中试",
        "拟建示范线，有望规模化生产",
        "可以推广应用",
        "为产业化提供了基础",
        "解决了中试过程中的放大问题",
        "促进了行业的产业化",
    ],
)
def test_plans_prospects_and_possibilities_state_nothing(text):
    assert stated_maturity(text) is None


def test_levels_belong_to_stages():
    assert [stage_of_level(level) for level in range(1, 10)] == [0, 0, 0, 0, 1, 1, 1, 2, 2]


def test_the_estimate_follows_the_record_and_abstains_on_nothing():
    model = shipped_model()
    firm = Achievement(
        achievement_id="A1",
        title="高效节能破碎设备研发及产业化",
        content="设备已批量销售，客户反馈良好，效益显著。",
        holder="某机械有限公司",
        transfer_modes=("自我转化",),
        form="新产品",
    )
    found = model.estimate(firm)
    assert (STAGES[found.stage], found.sure) == ("成熟应用阶段", True)
    assert found.evidence
    assert not model.estimate(Achievement(achievement_id="A2", title="X")).sure


@pytest.mark.slow
def test_stages_of_real_achievements_are_estimated_better_than_the_commonest():
    if not HENAN.is_file():
        pytest.skip(f"{HENAN} is absent: set GONGXU_SHARED_DATA")
    found = cross_validate(load_examples(HENAN), seeds=1)
    assert found.macro_f1 >= found.majority + 0.15
