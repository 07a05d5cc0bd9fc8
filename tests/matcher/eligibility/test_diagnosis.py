"""What is one step away for a firm: only with a record, a rule and a quote; policies of one condition are left out."""

from datetime import date

import pytest

from data.firms.facts import Figure, FirmFacts, Qualification
from matcher.eligibility.assess import verdicts
from matcher.eligibility.diagnosis import RULES, diagnose
from matcher.eligibility.known import Facts
from matcher.eligibility.policy import StatedPolicy

DAY = date(2024, 6, 30)
STAFF = {"field": "staff", "op": ">=", "value": 20, "unit": "人"}
RD = {"field": "rd_staff", "op": ">=", "value": 10, "unit": "人"}
HELD = {"field": "qualifications", "op": "contains", "value": "高新技术企业", "unit": ""}


def policy(*tests, **more):
    criteria = [
        {"number": n, "kind": "hard", "test": test, "quote": f"第{n}条原文"} for n, test in enumerate(tests, start=1)
    ]
    stated = {"policy_id": "P1", "name": "奖补", "status": "approved", "criteria": criteria}
    return StatedPolicy.model_validate(stated | more)


def found(firm, *policies):
    return [
        (one.rule, one.text, one.record_id, one.evidence)
        for one in diagnose("F1", firm, verdicts(Facts(firm, DAY), policies), DAY)
    ]


FIRM = FirmFacts(staff=Figure(value=25), rd_staff=Figure(value=8))


def test_a_certificate_that_ended_or_will_soon():
    held = [
        Qualification(name=name, valid_until=until, source="证书")
        for name, until in (
            ("甲", date(2024, 6, 29)),
            ("乙", DAY),
            ("丙", date(2024, 9, 28)),
            ("丁", date(2024, 9, 29)),
            ("戊", None),
        )
    ]
    lines = found(FirmFacts(qualifications=tuple(held)))
    assert [(rule, text) for rule, text, *_ in lines] == [
        ("expired", "甲已于2024-06-29到期"),
        ("expiring", "乙还有 0 天到期"),
        ("expiring", "丙还有 90 天到期"),
    ]
    assert lines[0][3] == "有效期至2024-06-29，来源：证书"


@pytest.mark.parametrize(
    ("tests", "line"),
    [
        (
            (STAFF, RD),
            ("one missed", "奖补只差一项：研发人员数，要求 >= 10人，现为 研发人员8人，相差 2人", "P1", "第2条原文"),
        ),
        ((STAFF, HELD), ("one unknown", "奖补只缺一项事实：资质：高新技术企业", "P1", "第2条原文")),
        ((STAFF, RD, HELD), None),  # two steps
        ((RD,), None),  # of a policy of one condition everybody is one step away
    ],
)
def test_a_policy_is_one_step_away_by_its_own_words(tests, line):
    assert found(FIRM, policy(*tests)) == ([line] if line else [])


def test_a_policy_that_can_be_applied_for_and_ends():
    ends = policy(STAFF, valid_until="2024-07-30")
    assert found(FIRM, ends) == [("policy ends", "奖补还有 30 天截止", "P1", "第1条原文")]
    assert found(FIRM, policy(STAFF, valid_until="2025-06-30")) == []
    assert found(FIRM, policy(STAFF)) == []


def test_every_line_has_its_rule_in_words():
    assert {rule for rule, *_ in found(FIRM, policy(STAFF, RD))} <= RULES.keys()
