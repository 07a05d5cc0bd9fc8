import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data.records import (
    _PLAIN_ID,
    UNSTORED,
    Achievement,
    Demand,
    OutcomeEvent,
    UnstoredAchievement,
    _clean_text_id,
    clean_id,
)


def test_what_is_missing_may_be_blank_or_none():
    blank = {
        "price_min": "",
        "price_max": None,
        "trl": " ",
        "region": "",
        "published_at": "",
        "keywords": "",
        "status": "",
    }
    assert Achievement(achievement_id="A", title="题", **blank) == Achievement(achievement_id="A", title="题")
    event = {"event_id": "E", "demand_id": "D", "achievement_id": "A", "kind": "click", "occurred_at": "2024-05-01"}
    assert OutcomeEvent(**event, position="", level="", amount="", reason="") == OutcomeEvent(**event)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("title", "  ", "string_too_short"),
        ("title", "题" * 501, "string_too_long"),
        ("content", "题" * 50_001, "string_too_long"),
        ("demand_id", "a\tb", "string_pattern_mismatch"),
        ("region", "4101", "string_pattern_mismatch"),
        ("budget_min", -1, "greater_than_equal"),
        ("budget_min", "nan", "finite_number"),
        ("trl_min", 10, "less_than_equal"),
        ("keywords", ["k"] * 201, "too_long"),
        ("budget_max", "x", "float_parsing"),
    ],
)
def test_limits(field, value, kind):
    with pytest.raises(ValidationError) as caught:
        Demand.model_validate({"demand_id": "D", "title": "题", field: value})
    assert [(error["loc"], error["type"]) for error in caught.value.errors()] == [((field,), kind)]


def test_no_id_that_is_allowed_is_that_of_free_texts():
    assert Demand.of_text("污泥干化").demand_id == UnstoredAchievement(title="题").achievement_id == UNSTORED
    for sent in (UNSTORED, f" {UNSTORED} ", "\t"):
        with pytest.raises(ValidationError):
            Demand.model_validate({"demand_id": sent, "title": "题"})
        with pytest.raises(ValidationError):
            UnstoredAchievement.model_validate({"achievement_id": sent, "title": "题"})
        with pytest.raises(ValidationError):
            OutcomeEvent.model_validate(
                {
                    "event_id": "E",
                    "demand_id": sent,
                    "achievement_id": "A",
                    "kind": "click",
                    "occurred_at": "2024-05-01",
                }
            )


@given(st.text(alphabet="AaEeNn09_-.+", max_size=12).filter(_PLAIN_ID))
def test_what_the_rules_for_ids_leave_of_a_plain_id_is_the_id_itself(text):
    assert _clean_text_id(text) == clean_id(text) == text


@pytest.mark.parametrize("text", ["1e+5", "1.0", "12.0", "nan", "A B1", "\u200bA1", "=1", "１", "-", ""])
def test_an_id_that_some_rule_is_about_is_not_plain(text):
    assert not _PLAIN_ID(text)
