"""The card says facts first, one sentence, and never one thing green here and red there."""

import pytest

from data.records import Achievement, Demand
from matcher.recommendation import Match, Quote, Reason, RequirementCheck
from serving.dashboard.figures.matching.card import Levels, cards_of, facts_of
from serving.dashboard.figures.matching.causes import AGAINST, FOR, MIXED, plain, tones_of


def reason(weight, **evidence):
    return Reason(kind="semantic" if weight > 0 else "caution", text="原文", weight=weight, evidence=evidence)


def check(status, brief, *, said=True):
    quote = Quote(text="x", field="content", start=0, end=1)
    nothing = dict.fromkeys(("required_low", "required_high", "offered_low", "offered_high", "margin"))
    return RequirementCheck(
        parameter="x", status=status, text=brief, brief=brief, required=quote, offered=quote if said else None,
        unit="", confidence=1.0, **nothing,
    )  # fmt: skip


def match(*reasons, requirements=(), probability=0.4):
    return Match(
        rank=1, id="A1", title="成果", owner="单位", region=None, status="发布", probability=probability, grade=2, score=1.0,
        channels=["dense"], reasons=list(reasons), requirements=list(requirements),
    )  # fmt: skip


def card(*reasons, pair=None, **values):
    return cards_of([match(*reasons, **values)], [pair], Levels(0.5, 0.3))[0]


@pytest.mark.parametrize(
    ("demand", "achievement", "expected"),
    [
        ({"budget_max": 50}, {"price_min": 30}, [("met", "报价 30 ≤ 预算 50 万元")]),
        ({"budget_max": 50}, {"price_min": 60}, [("missed", "报价 60 > 预算 50 万元")]),
        ({"budget_max": 50}, {}, [("unknown", "报价未说明")]),
        ({}, {"price_min": 60}, [("plain", "报价 60 万元")]),
        ({"region": "410100"}, {"region": "410100"}, [("met", "同城 · 河南省郑州市")]),
        ({"region": "410200"}, {"region": "410100"}, [("met", "同省 · 河南省郑州市")]),
        ({"region": "110000"}, {"region": "410100"}, [("plain", "外省 · 河南省郑州市")]),
        ({"trl_min": 6}, {"trl": 7}, [("met", "成熟度 7 ≥ 6 级")]),
        ({"trl_min": 6}, {"trl": 4}, [("missed", "成熟度 4 < 6 级")]),
        ({"trl_min": 6}, {}, [("unknown", "成熟度未说明（要求 6 级）")]),
        ({}, {}, []),
    ],
)
def test_price_region_and_maturity_are_facts(demand, achievement, expected):
    pair = Demand(demand_id="D", title="需求", **demand), Achievement(achievement_id="A", title="成果", **achievement)
    assert [(chip.status, chip.text) for chip in facts_of(*pair)] == expected


def test_requirements_come_first_and_silence_is_counted():
    pair = Demand(demand_id="D", title="需求", budget_max=9), Achievement(achievement_id="A", title="成果", price_min=3)
    known = [check("missed", "处理量 8.7 < 50 t/d"), check("met", "含水率 33% ≤ 40%")]
    silent = [check("unknown", f"指标{n} ≥ 1 未说明", said=False) for n in range(3)]
    shown = card(reason(1.0, cosine=0.8), requirements=known + silent, pair=pair)
    texts = [(chip.mark, chip.text) for chip in shown.chips]
    assert texts == [
        ("✗", "处理量 8.7 < 50 t/d"),
        ("✓", "含水率 33% ≤ 40%"),
        ("?", "3 项指标未说明"),
        ("✓", "报价 3 ≤ 预算 9 万元"),
    ]
    assert shown.chips[2].detail == "指标0 ≥ 1；指标1 ≥ 1；指标2 ≥ 1"
    assert shown.why == "讲的是同一类问题；不过有 1 项指标未达到。"
    many = card(reason(1.0, cosine=0.8), requirements=[check("met", str(n)) for n in range(8)])
    assert (len(many.chips), [chip.text for chip in many.more_chips]) == (6, ["6", "7"])


def test_the_same_evidence_has_one_colour_in_a_list():
    same = {"attribute": "same_field", "demand": "能源", "achievement": "能源", "value": 1.0}
    lists = [
        [reason(0.5, cosine=0.4), reason(0.2, **same)],
        [reason(-0.5, cosine=0.6), reason(-0.1, **same)],
        [reason(0.5, cosine=0.8), reason(-0.2, shared_terms=["泵"])],
        [reason(-0.3, cosine=0.1)],
    ]
    assert tones_of(lists) == [[MIXED, MIXED], [MIXED, MIXED], [FOR, AGAINST], [AGAINST]]


def test_a_cause_that_contradicts_its_fact_has_no_colour():
    price = {"attribute": "price_to_budget", "demand": "50 万元", "achievement": "30 万元", "value": -0.2}
    pair = (
        Demand(demand_id="D", title="需求", budget_max=50),
        Achievement(achievement_id="A", title="成果", price_min=30),
    )
    tones = [cause.tone for cause in card(reason(-0.4, **price), reason(0.5, cosine=0.7), pair=pair).causes]
    assert tones == [MIXED, FOR]
    far = {"attribute": "region_level", "demand": "河南", "achievement": "北京", "value": 0.0}
    assert card(reason(0.4, **far)).causes[0].tone == MIXED


def test_one_sentence_says_why_without_figures():
    terms = reason(0.6, shared_terms=["污泥", "干化"])
    words = reason(0.5, partners=["需求“脱水”≈成果“干燥”（0.71）"])
    past = reason(-0.4, grade=0.0, likeness=0.6)
    assert card(terms, words, past).why == (
        "双方都谈到“污泥”“干化”，需求的“脱水”对应成果的“干燥”；不过以往相近的一对没有谈成。"
    )
    assert card(reason(-0.4, cosine=0.1)).why == "整体讲的不完全是一回事，仅供参考。"
    assert card().why == ""
    assert "标准差" not in plain(reason(0.5, cosine=0.7, deviations=2.1))


@pytest.mark.parametrize(("probability", "level"), [(0.5, "高"), (0.36, "中"), (0.1, "低"), (None, "")])
def test_a_probability_is_a_level_with_what_it_means(probability, level):
    shown = card(reason(0.5, cosine=0.7), probability=probability)
    assert shown.level == level
    assert (f"100 对中约 {100 * (probability or 0):.0f} 对被认可" in shown.meaning) == bool(level)
