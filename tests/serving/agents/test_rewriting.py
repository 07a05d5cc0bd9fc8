"""Rewriting in answers: off without a sure gain, in time or not at all, said where it is missing."""

import time
from datetime import UTC, datetime

import pytest

from matcher.rewriting.gate import FILE, RewriteGate
from matcher.rewriting.queries import PROMPT
from models.remote.breaker import Breaker
from serving.access.roles import Role
from serving.runtime.outside.rewriting import Rewriting
from tests.models.remote.judging import completion
from tests.models.remote.scripted import HANG
from tests.some import some


@pytest.fixture
def rewriting(server, site, monkeypatch):
    """The server with rewriting switched on."""
    services = server.app.state.services
    services.chat.endpoint._breaker = Breaker()
    chosen = site.model_copy(update={"rewrite": True, "rewrite_budget": 0.5})
    monkeypatch.setattr(services, "rewriting", Rewriting(chosen, services.chat, services.model_threads))
    yield services
    (site.home / FILE).unlink(missing_ok=True)


def allow(site, services):
    facts = {
        "gain": 0.02,
        "low": 0.01,
        "high": 0.03,
        "demands": 12,
        "bundle_version": "v",
        "measured_at": datetime.now(UTC),
    }
    gate = RewriteGate(chat=services.chat.identity, prompt=PROMPT, **facts)
    (site.home / FILE).write_text(gate.model_dump_json(), encoding="utf-8")


def ask(server, text):
    headers = {"authorization": f"Bearer {server.secrets[Role.SCIENTIST]}"}
    body = {"text": text, "top_k": 50}
    return server.post("/v1/recommendations/achievements", json=body, headers=headers).json()


def test_without_a_sure_gain_no_model_is_asked(server, script, rewriting):
    script.requests.clear()
    assert ask(server, "需要低温污泥干化设备，第一次")["lacks"] == ["rerank", "rewrite"]
    assert script.requests == []


def test_with_one_candidates_come_from_other_words(server, script, site, rewriting):
    allow(site, rewriting)
    script.requests.clear()
    script.steps = [completion({"queries": ["锂离子电池正极材料", "固态电解质隔膜"]})]
    answer = ask(server, "需要低温污泥干化设备，第二次")
    assert answer["lacks"] == ["rerank"]
    assert len(script.requests) == 1
    channels = [channel for item in some(answer["items"]) for channel in item["channels"]]
    assert "rewriting" in channels
    assert answer["verdict"] is not None


def test_late_words_are_done_without_and_the_answer_says_so(server, script, site, rewriting):
    allow(site, rewriting)
    script.steps = [HANG]
    started = time.monotonic()
    answer = ask(server, "需要低温污泥干化设备，第三次")
    assert time.monotonic() - started < 3.0
    assert answer["lacks"] == ["rerank", "rewrite"]
    assert answer["items"]
