"""Reranked answers: in the new order where the reranker answers in time, else in the ranker's, and they say which."""

import time

import pytest

from matcher.reranking.weight import FILE
from models.remote.breaker import Breaker
from serving.access.roles import Role
from tests.matcher.reranking.test_weight import FITTED
from tests.models.remote.scripted import BROKEN, DROP, HANG, SLOW
from tests.some import some


def later_is_better(_, body):
    """Score the texts by their places, the last highest."""
    return {"results": [{"index": i, "relevance_score": float(i)} for i in range(len(body["documents"]))]}


@pytest.fixture
def weight(server, site, reranker):
    """A weight of the server's reranker that outweighs the ranker."""
    server.app.state.services.reranking.endpoint._breaker = Breaker()
    path = site.home / FILE
    values = {"reranker": f"{reranker.url}#scripted", "weight": 10.0}
    path.write_text(FITTED.model_copy(update=values).model_dump_json())
    yield
    path.unlink()


def ask(server, top, side="achievements", **subject):
    headers = {"authorization": f"Bearer {server.secrets[Role.SCIENTIST]}"}
    body = {"top_k": top, "diversity": "none"} | (subject or {"demand_id": "D000002"})
    answer = server.post(f"/v1/recommendations/{side}", json=body, headers=headers).json()
    return answer["lacks"], [item["id"] for item in answer["items"]], answer


def test_without_a_weight_that_passed_its_gate_the_answer_says_so(server, reranker):
    asked = len(reranker.requests)
    lacks, _, answer = ask(server, 4)
    assert (lacks, answer["degraded"], len(reranker.requests)) == (["rerank"], True, asked)


@pytest.mark.parametrize("side", ["achievements", "demands"])
def test_in_time_the_order_is_the_reranker_s(server, reranker, weight, side):
    subject = {"demand_id": "D000002"} if side == "achievements" else {"achievement_id": "A0000002"}
    reranker.steps = [500]
    _, plain, _ = ask(server, 5, side, **subject)
    reranker.steps = [later_is_better]
    lacks, ids, answer = ask(server, 5, side, **subject)
    assert (lacks, ids) == ([], plain[::-1])
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3, 4, 5]
    scores = [item["score"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)
    asked = len(reranker.requests)
    assert ask(server, 5, side, **subject)[1] == ids
    assert len(reranker.requests) == asked  # the answer is kept


FAILURES = [SLOW, HANG, 500, BROKEN, DROP, {"results": []}]


@pytest.mark.parametrize("number", range(len(FAILURES)))
def test_late_or_failed_the_order_is_the_ranker_s(server, reranker, weight, number):
    text = f"需要污泥干化设备{number}"
    reranker.steps = [FAILURES[number]]
    started = time.monotonic()
    lacks, plain, _ = ask(server, 6, text=text)
    assert time.monotonic() - started < 2.0
    assert lacks == ["rerank"]
    assert len(plain) > 1
    reranker.steps = [later_is_better]
    assert ask(server, 6, text=text)[:2] == ([], plain[::-1])  # what failed was not kept


def test_it_is_counted(server, reranker, weight):
    reranker.steps = [401]
    ask(server, 7)
    headers = {"authorization": f"Bearer {server.secrets[Role.SCIENTIST]}"}
    metrics = server.get("/metrics", headers=headers).text.splitlines()
    for line in ('gongxu_degraded_answers_total{lacking="rerank"}', 'gongxu_model_calls_total{endpoint="rerank"'):
        assert [one for one in metrics if one.startswith(line)], line
    assert some([body for _, body, _ in reranker.requests])[0]["query"]
