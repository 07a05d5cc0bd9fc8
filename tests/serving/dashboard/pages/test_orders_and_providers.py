"""订单 and 服务方: an order goes from publishing to delivery by forms, a manager decides an appeal and has a review done."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from data.kinds.record import KindRecord
from data.quality.ladder import Step
from data.quality.ratings import SCALES, Evaluation
from data.store.store import Store
from tests.serving.dashboard.conftest import Person

PROVIDER = "华光检测中心"


@pytest.fixture
def reviewer(site):
    return Person(site, "reviewer")


def test_an_order_is_published_shortlisted_refused_ordered_and_undone(home, reviewer):
    with Store.open(home.store_url) as store:
        full = {"capacity": 1, "in_progress": 1}
        store.kinds.upsert(
            [
                KindRecord(kind="service", id="O1", title="满负荷检测", provider=PROVIDER, attributes=full),
                KindRecord(kind="service", id="O2", title="有空检测", provider=PROVIDER, attributes={"capacity": 1}),
            ]
        )
        published = reviewer.post("/orders/publish", demand="D000001", client="甲公司", token="o1")
        assert published.status_code == 303
        number = int(re.search(r"number=(\d+)", published.headers["location"])[1])

        def step(action, **fields):
            return reviewer.post(
                "/orders/step", number=number, seen=store.orders.get(number).last, step=action, **fields
            )

        for name in ("O1", "O2"):
            step("shortlist", record="service", record_id=name)
        page = reviewer.get(f"/orders/order?number={number}").text
        assert "“满负荷检测”在办 1 项（其中本平台订单 0 项），已达同时承接数 1" in page
        refused = step("order", record="service/O1")
        assert (refused.status_code, "改选其他入围服务" in refused.text) == (422, True)
        assert step("order", record="service/O2").status_code == 303
        assert re.search(
            r"等服务方答复的订单</span></h2>\s*<p class=\"count-big\">1 <small>最久 0 天", reviewer.get("/").text
        )
        assert step("accept", token="o2").status_code == 303
        stale = reviewer.post("/orders/step", number=number, seen=1, step="deliver")
        assert stale.status_code == 409
        assert reviewer.post("/orders/undo", number=number).status_code == 303
        assert store.orders.get(number).state.value == "已下单"
        step("accept")
        step("deliver")
        step("evaluate", party="client", **dict.fromkeys(SCALES, "4"))
        assert store.orders.get(number).state.value == "已评价"
    shown = reviewer.get(f"/orders/order?number={number}").text
    assert ("接单（已撤销）" in shown, "成效 4，响应 4" in shown.replace("\n", "")) == (True, True)
    assert "服务方评价…" in shown
    assert f"number={number}" in reviewer.get("/orders?orders_find=甲公司&orders_state=已评价").text
    assert reviewer.get("/orders/order?number=99999").status_code == 404


def test_hidden_records_leave_the_desk_s_lists_and_come_back(site, home, reviewer):
    """Until they come back a pair says why it is in no list."""
    lists = [f"/browse/demand?id=D{number:06}" for number in range(1, 10)]
    listed = next(found for path in lists if (found := re.search(r"achievement=(A\d+)", reviewer.get(path).text)))
    path, hidden = next(one for one in lists if listed[1] in reviewer.get(one).text), listed[1]
    pair = f"/browse/pair?{path.rpartition('?')[2].replace('id', 'demand')}&achievement={hidden}"
    with Store.open(home.store_url) as store:
        hide = Step("record", "achievement", hidden, "隐藏", "R1", datetime.now(UTC), "platform", "已不再展示")
        store.quality.append([hide])
        site.app.state.services.withheld.refresh(store)
        try:
            assert f"achievement={hidden}" not in reviewer.get(path).text
            assert "完成单位已被暂停，或这条成果久未更新" in reviewer.get(pair).text
        finally:
            back = reviewer.post("/providers/act", subject="record", kind="achievement", name=hidden, step="confirm")
    assert back.status_code == 303
    assert f"achievement={hidden}" in reviewer.get(path).text


def test_a_manager_decides_an_appeal_and_has_the_review_done(site, home, reviewer):
    manager, now = Person(site, "manager"), datetime.now(UTC)
    with Store.open(home.store_url) as store:
        given = [
            Evaluation(f"p{n}", PROVIDER, f"企业{n}", dict.fromkeys(SCALES, 4), now - timedelta(days=9 * n))
            for n in range(5)
        ]
        store.quality.evaluate(given)
        notice = Step("provider", "", PROVIDER, "提醒", "P1", now - timedelta(days=31), "platform", "请更新资料")
        store.quality.append([notice])
    page = reviewer.get(f"/providers/one?name={PROVIDER}").text
    assert ("4.00" in page, "95% 区间" in page, "请更新资料" in page, "驳回申诉" in page) == (True, True, True, False)
    asked = {"name": PROVIDER, "step": "appeal"}
    assert "须写明理由" in reviewer.post("/providers/act", **asked).text
    assert reviewer.post("/providers/act", **asked, reason="设备检修").status_code == 303
    assert reviewer.post("/providers/act", name=PROVIDER, step="uphold", reason="属实").status_code == 422
    assert "待决定" in manager.get("/providers?providers_appeal=待决定").text
    assert manager.post("/providers/act", name=PROVIDER, step="uphold", reason="属实").status_code == 303
    dry = manager.get("/providers?review=1").text
    due = int(re.search(r"现在检查会怎样.*?(\d+) 步", dry)[1])
    assert (due > 0, manager.post("/providers/review").status_code) == (True, 422)
    assert reviewer.post("/providers/review", sure="1").status_code == 403
    assert manager.post("/providers/review", sure="1").status_code == 303
    with Store.open(home.store_url) as store:
        histories = store.quality.histories("provider") | store.quality.histories("record")
    assert len([one for steps in histories.values() for one in steps if one.at > now]) == due + 2
    assert "没有要走的步" in manager.get("/providers?review=1").text
