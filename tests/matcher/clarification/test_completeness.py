"""Completeness: what is stated is seen with its words, what lacks is named, hostile texts cost little."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import BundleError
from data.records import Demand
from data.text.normalise import normalise
from matcher.clarification.completeness import (
    PART_NAMES,
    Weights,
    as_dict,
    completeness,
    load_weights,
    shipped_weights,
    stated_parts,
)
from tests.matcher.particulars import demand

FULL = demand(
    "以市政污泥为原料的干化。目前采用板框压滤工艺，含水率80%，外运费用高。希望研发一种低温干化设备，用于县级污水处理厂，"
    "提高脱水效率，含水率降到40%以下，处理量不低于50吨/天。现场厂房高度6米。预算300万元，希望6个月内完成，可委托开发。"
)


def test_a_full_demand_states_every_part_in_its_own_words():
    found = completeness(FULL, None)
    assert [part.name for part in found.parts if not part.stated] == []
    assert found.score == pytest.approx(1.0)
    text = normalise(FULL.content)
    for part in found.parts:
        assert part.evidence
        assert all(word in text for word in part.evidence), part
    assert any("40%" in quote for quote in stated_parts(FULL, None)["requirement"])


def test_an_empty_demand_states_nothing_and_is_told_what_to_add():
    found = completeness(demand("技术升级"), None)
    assert found.score == 0.0
    assert {part.name for part in found.lacks} == set(PART_NAMES)
    assert found.lacks[0].share == max(part.share for part in found.parts)
    assert found.text.startswith("需求完整度 0%")
    assert found.lacks[0].title in found.text


def test_fields_count_as_much_as_texts():
    told = Demand(demand_id="D", title="技术升级", budget_max=80.0, deadline="2027-01-01", cooperation_modes=("许可",))
    stated = {part.name for part in completeness(told, None).parts if part.stated}
    assert stated == {"budget", "deadline", "cooperation"}


def test_the_graph_adds_typed_terms(known):
    found = completeness(known.world.demands[0], known.model.graph)
    words = {word for part in found.parts for word in part.evidence}
    assert words & {"污泥", "絮凝剂", "压滤机", "脱水", "烘干", "干化", "含水率", "污水处理"}


@given(st.sets(st.sampled_from(sorted(PART_NAMES))))
def test_saying_more_never_lowers_score_or_chance(parts):
    """Whatever was fitted: weights are never below 0, so that leaving something out is never rewarded."""
    assert min(shipped_weights().parts.values()) >= 0
    told = {
        "budget": "预算80万元。",
        "deadline": "希望6个月内完成。",
        "current": "目前靠人工。",
        "cooperation": "可委托开发。",
    }
    less = "".join(told[name] for name in sorted(parts) if name in told)
    before, after = (
        completeness(demand("升级。" + less), None),
        completeness(demand("升级。" + less + "含水率≤40%。"), None),
    )
    assert after.score >= before.score
    assert after.answered >= before.answered


def test_the_shipped_weights_name_every_part():
    assert set(shipped_weights().parts) == set(PART_NAMES)
    assert shipped_weights().fitted_on


def test_own_weights_are_read_and_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "weights.json"
    assert load_weights(path) == shipped_weights()
    own = Weights(intercept=0.0, parts=dict.fromkeys(PART_NAMES, 0.5), base_rate=0.3)
    path.write_text(own.model_dump_json(), encoding="utf-8")
    assert completeness(FULL, None, load_weights(path)).base_rate == 0.3
    path.write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match=r"weights\.json"):
        load_weights(path)


HOSTILE = {
    "numbers": "".join(f"指标{i}不低于{i}MPa，" for i in range(2500)),
    "brackets": "（" * 9_000 + "含水率≤40%" + "）" * 9_000,
    "cue": "提高" * 20_000,
    "one word": "以" * 40_000,
    "mixed": "Ω≥5μm；≤ ５００ｍｇ／Ｌ以内目前" * 2_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_read_in_bounded_time(name):
    record = demand("题。" + HOSTILE[name][:49_000])
    started = time.process_time()
    found = completeness(record, None)
    assert time.process_time() - started < 10.0
    assert 0.0 <= found.score <= 1.0
    assert all(len(word) < 500 for part in found.parts for word in part.evidence)


@given(st.text(max_size=400))
def test_any_text_has_a_completeness(text):
    found = completeness(Demand(demand_id="D", title="题", content=text), None)
    assert 0.0 <= found.score <= 1.0
    assert 0.0 < found.answered < 1.0
    assert as_dict(found)["text"] == found.text
