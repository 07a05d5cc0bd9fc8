"""Orders through the API: the way from publishing to evaluation, what is refused and why, and what training and quality get."""

from datetime import UTC, datetime, timedelta

import pytest

from data.clocks import china_today
from data.settings import Settings
from data.store.store import Store
from serving.runtime.work.ordering import submit_orders
from tests.serving.conftest import running
from tests.some import some

YESTERDAY, TOMORROW = (str(china_today() + timedelta(days=days)) for days in (-1, 1))
SCORES = {"result": 5, "response": 4, "skill": 5, "conduct": 5}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("orders"), threads=1, serve_threads=1)
    with running(settings) as client:
        demand = {"title": "污泥含水率检测", "region": "420100", "enterprise": "武汉某环保有限公司"}
        assert client.put("/v1/demands/D1", json=demand | {"demand_id": "D1"}).status_code == 200
        client.store_url = settings.store_url
        yield client


def service(client, record_id, kind="service", **stated):
    record = {"title": f"检测{record_id}", "provider": f"机构{record_id}"} | stated
    written = client.put(f"/v1/records/{kind}/{record_id}", json=record)
    assert written.status_code == 200, written.text
    return {"kind": kind, "record_id": record_id}


_tokens = iter(range(10_000))


def act(client, number, action, **more):
    sent = {"action": action, "operator": "张三", "token": f"t{next(_tokens)}"} | more
    return client.post(f"/v1/orders/{number}/steps", json=sent)


def published(site, *records, **more):
    sent = {"demand_id": "D1", "operator": "张三", "token": f"t{next(_tokens)}"} | more
    answer = site.post("/v1/orders", json=sent)
    assert answer.status_code == 200, answer.text
    number = answer.json()["number"]
    for record in records:
        assert act(site, number, "shortlist", **record).status_code == 200
    return number


def accepted(client, record):
    number = published(client, record)
    assert act(client, number, "order", **record).status_code == 200
    return number, act(client, number, "accept")


def refusal(answer):
    assert answer.status_code == 422, answer.text
    return answer.json()["detail"]


def test_an_order_goes_from_publishing_to_evaluation_and_reaches_training_and_quality(server):
    first, second = service(server, "A1", coverage=["湖北省"]), service(server, "A2", voucher=True)
    number = published(server, first, second)
    assert act(server, number, "order", **first).json()["state"] == "已下单"
    declined = act(server, number, "decline", reason="手上任务已满").json()
    assert (declined["state"], declined["decline_reason"]) == ("已拒单", "手上任务已满")
    assert "已拒单" in refusal(act(server, number, "order", **first))
    ordered = act(server, number, "order", **second, voucher="鄂2026-17").json()
    unknown = [one["text"] for one in ordered["shortlist"][1]["checks"] if one["status"] == "unknown"]
    assert unknown == ["未说明服务地区", "未说明资质", "没有企业档案，未核对创新券“鄂2026-17”", "未说明同时承接数"]
    act(server, number, "accept")
    act(server, number, "deliver")
    assert act(server, number, "evaluate", party="provider", scores=SCORES).json()["state"] == "已交付"
    done = act(server, number, "evaluate", scores=SCORES).json()
    assert (done["state"], done["evaluated"], done["next"]) == ("已评价", ["provider", "client"], [])
    assert server.get("/v1/orders", params={"provider": "机构A2"}).json()["orders"][0]["number"] == number
    history = server.get(f"/v1/orders/{number}").json()["steps"]
    said = [
        "publish",
        "shortlist",
        "shortlist",
        "order",
        "decline",
        "order",
        "accept",
        "deliver",
        "evaluate",
        "evaluate",
    ]
    assert [one["action"] for one in history] == said
    with Store.open(server.store_url) as store:
        kinds = server.app.state.services.kinds.kinds
        assert submit_orders(store, kinds, datetime.now(UTC) - timedelta(minutes=10)) == 0
        assert [submit_orders(store, kinds, datetime.now(UTC)) for _ in range(2)] == [6, 0]
        pairs = {one.record_id: one.good for one in store.kind_outcomes.pairs("service")}
        assert pairs == {"A1": False, "A2": True}
        (given,) = store.quality.evaluations()
    assert (given.token, given.provider, given.evaluator) == (f"order-{number}", "机构A2", "武汉某环保有限公司")
    assert server.get("/v1/providers/机构A2").json()["counted"] == 1


# What a record states, what the order names, and what the refusal has to say: the value, the limit, the way out.
IMPOSSIBLE = {
    "full": ({"capacity": 2, "in_progress": 2}, {}, ("在办 2 项", "同时承接数 2", "改选")),
    "elsewhere": ({"coverage": ["江苏省", "上海市"]}, {}, ("江苏省、上海市", "湖北省武汉市", "改选")),
    "expired": ({"qualifications": ["CMA"], "qualified_until": YESTERDAY}, {}, ("CMA", YESTERDAY, "续期")),
    "no-voucher": ({"voucher_only": True}, {}, ("仅限创新券", "没有写明创新券", "湖北创新券（P-new）")),
    "takes-none": ({"voucher": False}, {"voucher": "甲"}, ("不接受创新券", "“甲”", "不填创新券")),
    "old-policy": ({"voucher": True}, {"voucher": "P-old"}, (YESTERDAY, "不再有效", "湖北创新券（P-new）")),
    "other-policy": ({"voucher": True}, {"voucher": "P-other"}, ("设备补贴", "不发放创新券", "P-new")),
    "suspended": ({"status": "暂停"}, {}, ("“暂停”", "改选")),
    "over": ({"valid_until": YESTERDAY}, {}, (YESTERDAY, "今天", "改选")),
}


@pytest.fixture(scope="module")
def policies(server):
    for name, title, until in (
        ("P-new", "湖北创新券", TOMORROW),
        ("P-old", "旧创新券", YESTERDAY),
        ("P-other", "设备补贴", TOMORROW),
    ):
        service(server, name, "policy", title=title, valid_until=until)


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_order_is_refused_with_value_limit_and_way_out(server, policies, name):
    stated, named, words = IMPOSSIBLE[name]
    record = service(server, f"I-{name}", **stated)
    number = published(server, record)
    said = refusal(act(server, number, "order", **record, **named))
    assert [word for word in words if word not in said] == [], said
    assert server.get(f"/v1/orders/{number}").json()["order"]["state"] == "已入围"


def test_a_conflict_of_interest_is_refused(server):
    record = service(server, "E1", "expert", title="污泥处理", conflicts=["武汉某环保有限公司"])
    assert "利益关系" in refusal(act(server, published(server, record), "order", **record))


def test_a_voucher_is_checked_with_the_firm_s_record(server, policies):
    record = service(server, "V1", voucher=True)
    service(server, "F1", "firm", title="持券公司", vouchers=["甲-1"], vouchers_until=TOMORROW)
    service(server, "F2", "firm", title="过期公司", vouchers=["乙-1"], vouchers_until=YESTERDAY)
    holds, ended = (published(server, record, client=name) for name in ("持券公司", "过期公司"))
    assert "甲-1，没有“乙-1”" in refusal(act(server, holds, "order", **record, voucher="乙-1"))
    assert act(server, holds, "order", **record, voucher="甲-1").json()["voucher"] == "甲-1"
    assert YESTERDAY in refusal(act(server, ended, "order", **record, voucher="乙-1"))
    assert act(server, ended, "order", **record, voucher="P-new").status_code == 200


def test_a_place_is_taken_by_acceptance_and_freed_by_delivery_and_checked_again_at_both(server):
    record = service(server, "C1", capacity=1)
    number, answer = accepted(server, record)
    assert answer.json()["state"] == "已接单"
    said = refusal(accepted_order := act(server, published(server, record), "order", **record))
    assert ("本平台订单 1 项" in said, accepted_order.status_code) == (True, 422)
    act(server, number, "deliver")
    other = published(server, record)
    act(server, other, "order", **record)
    service(server, "C1", capacity=1, status="撤回")
    assert "撤回" in refusal(act(server, other, "accept"))
    assert act(server, other, "withdraw").json()["state"] == "已撤回"


def test_sending_again_changes_nothing_and_what_is_not_possible_says_so(server):
    record = service(server, "R1")
    sent = {"demand_id": "D1", "operator": "张三", "token": "again"}
    number = server.post("/v1/orders", json=sent).json()["number"]
    assert server.post("/v1/orders", json=sent).json()["number"] == number
    for action, more in (("shortlist", record), ("order", record), ("accept", {})):
        answers = [act(server, number, action, token=f"again-{action}", **more) for _ in range(2)]
        assert [one.status_code for one in some(answers)] == [200, 200]
        assert answers[0].json() == answers[1].json()
    assert "另一步" in refusal(act(server, number, "deliver", token="again-accept"))
    twice = act(server, number, "accept")
    assert (twice.status_code, "张三 已处理" in twice.json()["detail"]) == (409, True)
    assert "可以：拒单、交付、撤回" in refusal(act(server, number, "evaluate", scores=SCORES))
    assert "不是需求方" in refusal(act(server, number, "deliver", party="client"))
    assert "原因" in refusal(act(server, number, "decline"))
    assert act(server, number, "deliver", seen=1).status_code == 409
    assert "不能下单" in refusal(act(server, published(server), "shortlist", kind="policy", record_id="P-new"))
    missing = act(server, published(server), "shortlist", kind="service", record_id="nowhere")
    assert missing.status_code == 404
    assert server.get("/v1/orders/999999").status_code == 404


def test_a_step_can_be_undone_by_who_took_it_until_somebody_acts(server):
    record = service(server, "U1", capacity=1)
    number, _ = accepted(server, record)
    act(server, number, "deliver")
    other, answer = accepted(server, record)
    assert answer.status_code == 200
    undo = {"operator": "张三"}
    full = server.post(f"/v1/orders/{number}/undo", json=undo)
    assert "同时承接数 1" in refusal(full)
    assert server.post(f"/v1/orders/{other}/undo", json={"operator": "李四"}).status_code == 404
    assert server.post(f"/v1/orders/{other}/undo", json=undo).json()["state"] == "已下单"
    assert server.post(f"/v1/orders/{number}/undo", json=undo).json()["state"] == "已接单"
    act(server, other, "withdraw", operator="李四")
    assert server.post(f"/v1/orders/{other}/undo", json=undo).status_code == 409
    steps = server.get(f"/v1/orders/{number}").json()["steps"]
    assert [one["undone_at"] is None for one in steps] == [True, True, True, True, False]
