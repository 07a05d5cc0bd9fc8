"""Verdicts on policies and products: branches, judgement, versions by day, the nearest miss, the best question."""

import csv
import json
import os
from datetime import date
from pathlib import Path

import pytest

from data.errors import InputError
from data.firms.facts import Financing, FirmFacts
from matcher.eligibility.assess import assess, eligibility_dict
from matcher.eligibility.policy import StatedPolicy
from matcher.eligibility.products import in_order
from matcher.eligibility.proposals import propose

AS_OF = date(2024, 6, 30)


def criterion(number, test, kind="hard", **more):
    return {"number": number, "kind": kind, "test": test, "quote": f"条件{number}"} | more


def leaf(field, op, value, unit=""):
    return {"field": field, "op": op, "value": value, "unit": unit}


def policy(*criteria, policy_id="P1", status="approved", **more):
    return StatedPolicy(policy_id=policy_id, status=status, criteria=criteria, **more)


STAFF = leaf("staff", ">=", 20, "人")
CAPITAL = leaf("registered_capital", ">=", 300, "万元")


def verdict(*policies, as_of=AS_OF, **facts):
    return [result.verdict for result in assess(FirmFacts(**facts), policies, as_of).results]


def test_the_four_verdicts():
    judged = policy(criterion(1, STAFF), criterion(2, leaf("管理规范", "=", True), kind="judgement"))
    plain = policy(criterion(1, STAFF))
    assert verdict(plain, staff={"value": 20}) == ["eligible"]
    assert verdict(judged, staff={"value": 20}) == ["needs judgement"]
    assert verdict(judged) == ["needs facts"]
    assert verdict(judged, staff={"value": 19}) == ["not eligible"]


def test_only_approved_policies_count():
    assert verdict(policy(criterion(1, STAFF), status="proposed"), staff={"value": 50}) == []


def test_a_policy_without_criteria_needs_a_person():
    assert verdict(policy()) == ["needs judgement"]


def test_where_only_absences_are_asked_for_a_person_decides():
    stated = policy(criterion(1, leaf("近三年违法记录", "=", 0)))
    assert verdict(stated, credit_records={"value": 0}) == ["needs judgement"]
    assert verdict(stated, other={"近三年违法记录": {"value": 1}}) == ["not eligible"]


def test_questions_name_the_qualification_in_chinese():
    stated = policy(criterion(1, leaf("qualifications", "contains", "国家高新技术企业")))
    assert (
        "请补充“资质：国家高新技术企业”" in eligibility_dict(assess(FirmFacts(), [stated], AS_OF))["question"]["text"]
    )


def test_preferences_decide_nothing():
    assert verdict(policy(criterion(1, STAFF), criterion(2, CAPITAL, role="preference")), staff={"value": 20}) == [
        "eligible"
    ]


def test_branches_are_ways_in_and_what_has_no_branch_binds_all():
    stated = policy(
        criterion(1, leaf("legal_person", "=", True)),
        criterion(2, STAFF, branch="试点单位"),
        criterion(3, leaf("staff", ">=", 90, "人"), branch="示范单位"),
    )
    firm = FirmFacts(legal_person={"value": True}, staff={"value": 30})
    result = assess(firm, [stated], AS_OF).results[0]
    assert (result.verdict, result.branch) == ("eligible", "试点单位")
    assert dict(result.branches) == {"试点单位": "eligible", "示范单位": "not eligible"}
    assert verdict(stated, legal_person={"value": False}, staff={"value": 99}) == ["not eligible"]


def test_versions_and_expiry_go_by_the_day_of_asking():
    old = policy(criterion(1, STAFF), valid_from="2022-01-01", valid_until="2023-12-31")
    new = policy(criterion(1, leaf("staff", ">=", 50, "人")), valid_from="2024-01-01", valid_until="2024-07-10")
    facts = {"staff": {"value": 30}}
    assert verdict(old, new, as_of=date(2023, 12, 31), **facts) == ["eligible"]
    assert verdict(new, old, as_of=date(2024, 1, 1), **facts) == ["not eligible"]
    assert verdict(old, new, as_of=date(2024, 7, 11), **facts) == []
    assert assess(FirmFacts(), [old, new], AS_OF).results[0].days_left == 10


def test_the_nearest_miss_is_the_one_least_short():
    stated = policy(criterion(1, STAFF), criterion(2, CAPITAL))
    found = assess(FirmFacts(staff={"value": 10}, registered_capital={"value": 270}), [stated], AS_OF)
    body = eligibility_dict(found)["results"][0]
    assert body["nearest_miss"] == "要求 >= 300万元，现为 注册资本270万元，相差 30万元"


def test_the_question_is_the_fact_that_decides_most():
    policies = [
        policy(criterion(1, CAPITAL), policy_id="A"),
        policy(criterion(1, CAPITAL), policy_id="B"),
        policy(criterion(1, STAFF), policy_id="C"),
        policy(criterion(1, STAFF), criterion(2, leaf("净利", ">=", 1, "万元")), policy_id="D"),
        policy(criterion(1, STAFF), criterion(2, leaf("净利", ">=", 1, "万元")), policy_id="E"),
    ]
    question = assess(FirmFacts(), policies, AS_OF).question
    # capital ends two either way (4); staff ends one either way and two if missed (4), asked by more
    assert (question.field, question.decides, question.policies) == ("staff", 4, 3)
    assert assess(FirmFacts(staff={"value": 1}), policies, AS_OF).question.field == "registered_capital"
    assert assess(FirmFacts(staff={"value": 1}, registered_capital={"value": 1}), policies, AS_OF).question is None


def test_no_answer_holds_a_probability():
    body = json.dumps(eligibility_dict(assess(FirmFacts(), [policy(criterion(1, STAFF))], AS_OF)))
    assert "probab" not in body


def test_every_status_has_its_quote_and_its_fact():
    body = eligibility_dict(
        assess(FirmFacts(staff={"value": 25, "source": "社保"}), [policy(criterion(1, STAFF))], AS_OF)
    )
    item = body["results"][0]["criteria"][0]
    assert item["status"] == "met"
    assert item["quote"] == "条件1"
    assert item["facts"] == ["职工25人（社保）"]


def test_a_proposal_quotes_the_card_and_waits_for_approval():
    card = {
        "policy_id": "X1", "issuer": "苏州市科技局", "valid_time": "2022年8月1日起，有效期3年",
        "conditions": "1．在本市注册，成立一年以上；\n2．研发人员不少于10人。", "content": "给予最高不超过80万元补贴。",
    }  # fmt: skip
    found = propose(card)
    assert found.status == "proposed"
    assert (found.valid_from, found.valid_until) == (date(2022, 8, 1), date(2025, 7, 31))
    assert (found.amount.max_wan, found.amount.quote) == (80.0, "给予最高不超过80万元补贴")
    assert all(card["conditions"][c.start : c.end] == c.quote for c in found.criteria)
    with pytest.raises(InputError, match="no id"):
        propose({"conditions": "x"})


def product(product_id, **row):
    return propose({"product_id": product_id, "name": product_id} | row).model_copy(update={"status": "approved"})


@pytest.mark.parametrize(
    ("words", "retail"),
    [
        ("具有完全民事行为能力的自然人", True),
        ("年龄在60周岁以下", True),
        ("面向公务员发放", True),
        ("成立1年以上的企业，实际控制人个人征信良好", False),
        ("正常经营的企业客户", False),
    ],
)
def test_products_for_persons_never_reach_a_firm(words, retail):
    found = assess(FirmFacts(), [product("R", applicable_to=words)], AS_OF).results
    assert (found == ()) is retail


def test_products_are_ordered_by_verdict_then_fit():
    products = [
        product("small", quote="成立1年以上的企业", age_years="≥1", amount_max_wan="100"),
        product("large", quote="成立1年以上的企业", age_years="≥1", amount_max_wan="500", term_max_months="24"),
        product("closed", quote="成立9年以上的企业", age_years="≥9", amount_max_wan="900", term_max_months="36"),
    ]
    firm = FirmFacts(founded_on="2020-01-01", financing=Financing(amount=300, term_months=24))
    ordered = in_order(assess(firm, products, AS_OF).results, firm.financing)
    assert [result.policy.policy_id for result, _ in ordered] == ["large", "small", "closed"]
    assert ordered[0][1].amount == 1.0


def test_public_cards_and_products_are_read_without_a_retail_product_for_a_firm():
    folder = Path(os.environ.get("GONGXU_SHARED_DATA", "../shared/data")) / "kinds"
    if not folder.is_dir():
        pytest.skip(f"no public cards at {folder}; set GONGXU_SHARED_DATA")
    rows = []
    for name in ("beijing_policy_cards", "hangzhou_programmes"):
        rows += [
            json.loads(line)
            for line in (folder / "policies" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
    for name in ("tech", "gongyi"):
        with (folder / "finance" / f"finance_products_{name}.csv").open(encoding="utf-8") as file:
            rows += list(csv.DictReader(file))
    approved = [propose(row).model_copy(update={"status": "approved"}) for row in rows]
    found = assess(FirmFacts(region="110108", founded_on="2018-01-01"), approved, date(2024, 6, 1))
    reached = {result.policy.policy_id for result in found.results}
    assert len(reached) > 150
    persons = {"anjie", "fangchandai", "nongdaitong", "shangdaitong", "xinyidai", "zhidaitong"}
    assert not reached & ({f"GYNSH-{name}" for name in persons} | {"TF15"})
