"""Separators of thousands are read, what may be a decimal comma is refused, wherever numbers are read from text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from data.errors import InputError
from data.files.cells import declared, money, number
from data.firms.facts import FirmFacts
from data.firms.profile import facts_of
from data.firms.stating import with_fact
from data.kinds.record import Integer, KindRecord, Number
from data.text.digits import SeparatorError, without_separators

UNCLEAR = ["1,5", "12,34", "1,000,00", "1,2345", "1 5", "1，5", "0,75", "1,,200", "1,200,5"]


@given(st.integers(-(10**15), 10**15), st.sampled_from([",", "，", " ", ", "]))
def test_groups_of_three_are_thousands(amount, separator):
    assert int(without_separators(f"{amount:,}".replace(",", separator))) == amount


@pytest.mark.parametrize("written", UNCLEAR)
def test_what_may_be_a_decimal_comma_is_refused(written):
    with pytest.raises(SeparatorError, match="千分位"):
        without_separators(written)


@pytest.mark.parametrize("written", UNCLEAR)
def test_no_reader_of_cells_guesses(written):
    for cell in (number.read(written), money.read(written), money.read(f"约{written}万元"), declared.number(written)):
        assert (cell.value, bool(cell.note)) == (None, True)
    assert "千分位" in money.read(written).note


@pytest.mark.parametrize("kind", [Number, Integer])
def test_no_other_way_in_guesses(kind):
    adapter = TypeAdapter(kind)
    assert adapter.validate_python("1,500") == 1500
    with pytest.raises(ValidationError):
        adapter.validate_python("1,5")
    with pytest.raises(InputError, match="thousands"):
        with_fact(FirmFacts(), "staff", {"value": "1,5"})
    record = KindRecord(
        kind="firm", id="F1", title="某公司", extra={"2023年营业收入（万元）": "1,5", "2022年利润": "1,500"}
    )
    facts = facts_of(record)
    assert (facts.sales, facts.profit[2022].value) == ({}, 1500)
