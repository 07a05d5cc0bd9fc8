"""Other words for a demand: checked for form, sent without people, proposing candidates and nothing more."""

from datetime import UTC, datetime

import numpy as np
import pytest

from data.errors import InputError, ModelUnavailableError
from data.records import Demand
from data.text.segment import content_words
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.channels import candidates_of, search_channels
from matcher.rewriting.gate import FILE, RewriteGate, load_gate
from matcher.rewriting.queries import PROMPT, ask_queries
from models.encoder.base import load_encoder
from tests.matcher.worlds import make_world
from tests.models.remote.judging import chat_at, completion
from tests.models.remote.scripted import scripted
from tests.some import some

NEED = Demand.of_text("需要低温污泥干化设备。联系人：张三丰，电话13812345678")


def test_only_wordings_of_usual_length_are_kept_and_nobody_is_named(tmp_path):
    said = ["污泥热泵干化", "污泥热泵干化 ", "泥", "长" * 200, "", "带式干燥机脱水", "桨叶干化", "第五条语句"]
    with scripted(completion({"queries": said})) as script, chat_at(script.url, tmp_path) as chat:
        assert ask_queries(chat, NEED) == ("污泥热泵干化", "带式干燥机脱水", "桨叶干化")
        assert ask_queries(chat, NEED) == ("污泥热泵干化", "带式干燥机脱水", "桨叶干化")
        ((_, body, _),) = script.requests
    assert not any(personal in str(body) for personal in ("张三丰", "13812345678"))


@pytest.mark.parametrize("answer", [{"queries": "污泥"}, {"other": []}, {"queries": [1]}])
def test_what_is_no_list_of_texts_is_no_answer(tmp_path, answer):
    with (
        scripted(completion(answer)) as script,
        chat_at(script.url, tmp_path) as chat,
        pytest.raises(ModelUnavailableError),
    ):
        ask_queries(chat, NEED)


def test_rewritings_propose_candidates_beside_the_other_channels():
    world = make_world(6, 30)
    engine = Engine(MatchingModel.build(world.achievements, world.demands, load_encoder("default")))
    query = engine.query(world.demands[0], "achievements")
    collection, subject = query.collection, query.subject
    vector = np.asarray(subject.view.texts.full.vectors[subject.place])
    words = content_words(subject.text.full)
    allowed = np.ones(len(collection), dtype=np.bool_)
    other = "小麦抗病育种，锈病种质资源"
    rewritten = [(engine.model.space.encoder.encode([other], "query")[0], content_words(other))]
    plain = candidates_of(search_channels(vector, words, collection, allowed, depth=5), 5)
    found = search_channels(vector, words, collection, allowed, depth=5, rewritten=rewritten)
    more = candidates_of(found, 5, asked_again=True)
    new = [place for place, row in enumerate(more.rows.tolist()) if row not in plain.rows.tolist()]
    assert 0 < len(new) <= 5
    assert {channel for place in new for channel in more.proposed_by(place)} == {"rewriting"}
    assert {int(world.achievement_topic[more.rows[place]]) for place in new} == {2}
    assert set(plain.rows.tolist()) <= set(more.rows.tolist())
    answer = engine.recommend_achievements(world.demands[0], top=30, rewritings=(other,))
    assert any("rewriting" in item.channels for item in some(answer.items))


def test_a_gate_holds_for_its_model_and_instruction_alone(tmp_path):
    facts = {
        "gain": 0.02,
        "low": 0.01,
        "high": 0.03,
        "demands": 12,
        "bundle_version": "v",
        "measured_at": datetime.now(UTC),
    }
    for prompt, allowed in ((PROMPT, True), ("0" * 64, False)):
        gate = RewriteGate(chat="http://h/v1#m", prompt=prompt, **facts)
        (tmp_path / FILE).write_text(gate.model_dump_json(), encoding="utf-8")
        assert (load_gate(tmp_path, "http://h/v1#m") is not None) == allowed
        assert load_gate(tmp_path, "http://h/v1#other") is None
    (tmp_path / FILE).write_text('{"chat": "m", "low": -1}', encoding="utf-8")
    with pytest.raises(InputError, match="gongxu lab rewrite"):
        load_gate(tmp_path, "m")
    (tmp_path / FILE).unlink()
    assert load_gate(tmp_path, "m") is None
