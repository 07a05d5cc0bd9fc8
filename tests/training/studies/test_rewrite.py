"""What rewriting gains is measured on judged demands; only a sure gain is written down."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from data.errors import InputError
from data.records import EventKind
from data.store.store import Store
from eval.metrics.bootstrap import Estimate
from matcher.engine import Engine
from matcher.reranking.weight import rerank_text
from matcher.rewriting.queries import PROMPT
from tests.models.remote.judging import chat_at, completion
from tests.models.remote.scripted import scripted
from training.studies.rewrite import study


def judged_demands(store):
    return [store.demand(one) for one in {event.demand_id for event in store.events({EventKind.JUDGEMENT})}]


def test_words_of_another_field_gain_nothing_and_are_not_allowed(platform, model, tmp_path, monkeypatch):
    monkeypatch.setattr("training.studies.rewrite.LEAST_DEMANDS", 4)  # the suite's platform has few judged demands
    everybody = platform.settings.model_copy(update={"held_out_share": 1.0})
    step = completion({"queries": ["小麦抗病育种", "疫苗佐剂研究"]})
    with (
        Store.open(everybody.store_url) as store,
        scripted(step) as script,
        chat_at(script.url, tmp_path) as chat,
    ):
        found = study(everybody, Engine(model), store, chat)
        asked = [demand for demand in judged_demands(store) if rerank_text(demand)]  # nobody outside reads a 保密 one
        assert len(script.requests) == len(asked) >= 3
        assert found.rewritings == 2 * len(asked) / found.demands
        assert found.without["ndcg10"].value > 0.3
        assert found.gain["ndcg10"].low <= 0
        assert found.gate(chat, "v", datetime.now(UTC)) is None
        sure = replace(found, gain={"ndcg10": Estimate(0.02, 0.01, 0.03)})
        gate = sure.gate(chat, "v", datetime.now(UTC))
        assert (gate.chat, gate.prompt, gate.low) == (chat.identity, PROMPT, 0.01)
        with pytest.raises(InputError, match="held-out demands have judgements"):
            study(platform.settings.model_copy(update={"held_out_share": 0.0}), Engine(model), store, chat)
