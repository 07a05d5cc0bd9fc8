"""POST /v1/eligibility: approved criteria of the store against a firm's facts on a day that the caller names."""

from datetime import UTC, date, datetime

import pytest

from data.store.store import Store
from matcher.eligibility.kept import document_of
from matcher.eligibility.policy import ProductTerms, StatedPolicy
from tests.serving.conftest import running

STAFF = {
    "number": 1,
    "kind": "hard",
    "test": {"field": "staff", "op": ">=", "value": 20, "unit": "人"},
    "quote": "职工20人以上",
}
NOW = datetime(2024, 6, 1, tzinfo=UTC)


def policy(policy_id, **more):
    return StatedPolicy.model_validate({"policy_id": policy_id, "name": policy_id, "criteria": [STAFF]} | more)


@pytest.fixture
def approved(site):
    policies = [
        policy("P1", valid_from="2024-01-01", valid_until="2024-12-31", amount={"max_wan": 80, "quote": "最高80万元"}),
        policy("P2", criteria=[STAFF | {"kind": "judgement"}]),
        policy("L1", kind="finance_product", product=ProductTerms(amount_max=100, term_months=12).model_dump()),
        policy("L2", kind="finance_product", product=ProductTerms(amount_max=900, term_months=12).model_dump()),
        policy("R1", kind="finance_product", product=ProductTerms(retail=True).model_dump()),
    ]
    with Store.open(site.store_url) as store:
        store.policy_criteria.append([document_of(one, "张三", NOW) for one in policies])
    with running(site) as client:
        yield client


def ask(client, **facts):
    return client.post("/v1/eligibility", json={"as_of": "2024-06-30", "facts": facts})


def test_verdicts_quotes_amounts_and_the_question(approved):
    body = ask(approved).json()
    assert body["counts"] == {"eligible": 0, "needs judgement": 1, "needs facts": 3, "not eligible": 0}
    assert body["question"]["field"] == "staff"
    body = ask(approved, staff={"value": 25, "source": "社保"}).json()
    first = next(row for row in body["results"] if row["policy_id"] == "P1")
    assert (first["verdict"], first["days_left"], first["amount"]["max_wan"]) == ("eligible", 184, 80)
    assert first["criteria"][0]["quote"] == "职工20人以上"
    assert first["criteria"][0]["facts"] == ["职工25人（社保）"]
    assert body["question"] is None
    assert "probability" not in ask(approved).text


def test_products_come_in_the_order_of_their_fit_and_never_for_persons(approved):
    body = ask(approved, staff={"value": 25}, financing={"amount": 500}).json()
    assert [row["policy_id"] for row in body["results"]] == ["P1", "P2", "L2", "L1"]
    assert body["results"][3]["fit"]["amount"] == 0.2


def test_the_day_is_the_callers(approved):
    sent = {"as_of": "2023-12-31", "facts": {}, "policies": ["P1"]}
    assert approved.post("/v1/eligibility", json=sent).json()["results"] == []
    assert approved.post("/v1/eligibility", json={"facts": {}}).status_code == 422


def test_what_is_asked_for_is_what_comes(approved):
    sent = {"as_of": "2024-06-30", "facts": {}, "verdicts": ["needs judgement"], "criteria": False}
    rows = approved.post("/v1/eligibility", json=sent).json()["results"]
    assert [(row["policy_id"], row["criteria"]) for row in rows] == [("P2", [])]


@pytest.mark.parametrize(
    "facts", [{"staff": {"value": 1, "low": 0}}, {"surprise": 1}, {"other": {"staff": {"value": 1}}}, {"region": "x"}]
)
def test_impossible_facts_are_refused(approved, facts):
    answer = ask(approved, **facts)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_withdrawn_and_replaced_approvals_do_not_count(site):
    with Store.open(site.store_url) as store:
        old, new = policy("P1", valid_from="2024-01-01"), policy("P1", valid_from="2024-01-01", name="新")
        store.policy_criteria.append([document_of(old, "张三", NOW)])
        store.policy_criteria.append([document_of(new, "李四", NOW)])
        documents = store.policy_criteria.latest()
        assert [(one.approved_by, one.valid_from) for one in documents] == [("李四", date(2024, 1, 1))]
        store.policy_criteria.append([document_of(new, "李四", NOW, withdrawn=True)])
        assert store.policy_criteria.latest("P1") == []
