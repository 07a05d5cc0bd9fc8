"""新匹配: notices wait until somebody saw to them; managers send again what was given up."""

from datetime import UTC, datetime

from data.standing.types import Digest, Found, Source, SourceKind, StandingRequest
from data.store.standing.webhooks import MessageState, WebhookEndpoint, WebhookMessage
from data.store.store import Store
from tests.serving.dashboard.conftest import Person

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_notices_are_seen_to_and_dead_letters_are_sent_again(site, home):
    with Store.open(home.store_url) as store:
        achievement, demand = next(store.achievements()), next(store.demands())
        request = StandingRequest(
            "W1",
            Source(SourceKind.DEMAND, demand.demand_id, "demand"),
            ("achievement",),
            3.0,
            NOW,
            "t",
            digest=Digest.DAILY,
        )
        store.standing.put([request])
        store.notices.add([Found("W1", "achievement", achievement.achievement_id, 4.2)], {}, NOW)
        store.webhooks.put(WebhookEndpoint("hook", "https://example.cn/", "whsec_" + "a" * 32, NOW, "t"))
        store.webhooks.disable("hook", "接收方返回 410，已停止推送")
        store.webhooks.write(WebhookMessage("msg_1", "hook", "{}", NOW))
        store.webhooks.failed("msg_1", 410, "接收方返回 410", None, NOW)
        page = Person(site, "viewer").get("/standing").text
        assert achievement.title in page
        assert demand.title in page
        assert "接收方返回 410" in page
        assert "已处理</button>" not in page
        reviewer, manager = Person(site, "reviewer"), Person(site, "manager")
        assert "重新发送</button>" not in reviewer.get("/standing").text
        (notice,) = store.notices.page()
        assert reviewer.post("/standing/again", message="msg_1").status_code == 403
        assert reviewer.post("/standing/handle", number=notice.number).status_code == 303
        assert reviewer.post("/standing/handle", number="x").status_code == 422
        assert store.notices.page()[0].handled_by == "reviewer"
        assert "没有待处理的新匹配" in reviewer.get("/standing").text
        assert manager.post("/standing/again", message="msg_1").status_code == 303
        assert manager.post("/standing/again", message="msg_1").status_code == 404
        (message,) = store.webhooks.messages()
        assert (message.state, message.attempts) == (MessageState.WAITING, 0)
