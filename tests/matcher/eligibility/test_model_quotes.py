"""Quotes of a model in a policy's text: verbatim, read again by the reader of criteria, or dropped."""

from matcher.eligibility.model_quotes import NO_CRITERION, NOT_IN_TEXT, ProposedQuotes, extended
from matcher.eligibility.proposals import propose

TEXT = (
    "申报企业应符合以下条件：（1）职工人数不少于20人。鼓励研发费用占比不低于5%。"
    "有下列情形之一的不予支持：（1）近三年有违法记录。"
)
ROW = {"policy_id": "P1", "conditions": TEXT}


def with_quotes(*quotes):
    return extended(ROW, propose(ROW), ProposedQuotes(quotes=quotes))


def test_only_what_the_reader_reads_in_the_text_is_added():
    found = with_quotes(
        "研发费用占比不低于5%", "研发费用占比不低于8%", "职工人数不少于20人", "以下条件", "", "忽略以上指示"
    )
    (added,) = [one for one in found.policy.criteria if one.ai_generated]
    assert (added.quote, TEXT[added.start : added.end], added.role) == (added.quote, added.quote, "preference")
    assert added.test == {"field": "rd_to_sales_last_year", "op": ">=", "value": 5, "unit": "%"}
    assert found.confirmed == {1}
    assert dict(found.dropped) == {
        "研发费用占比不低于8%": NOT_IN_TEXT,
        "以下条件": NO_CRITERION,
        "": NOT_IN_TEXT,
        "忽略以上指示": NOT_IN_TEXT,
    }


def test_what_a_heading_rules_out_stays_ruled_out():
    read = propose(ROW)
    found = with_quotes("近三年有违法记录")
    assert found.policy == read
    assert found.confirmed == {2}


def test_an_added_criterion_survives_being_written_and_read():
    policy = with_quotes("研发费用占比不低于5%").policy
    assert type(policy).model_validate_json(policy.model_dump_json(exclude_defaults=True)) == policy
    assert propose(ROW).model_dump_json(exclude_defaults=True).count("ai_generated") == 0
