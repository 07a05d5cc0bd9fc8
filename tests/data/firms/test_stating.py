"""One fact is stated at a time, by texts as a form sends them; what cannot be read is refused with the way out."""

from datetime import date

import pytest

from data.errors import InputError
from data.firms.facts import Figure, FirmFacts
from data.firms.stating import SHAPES, with_fact

START = FirmFacts(staff=Figure(value=1), sales={2022: Figure(value=5)})


def stated(field, **given):
    return with_fact(START, field, given).model_dump(exclude_defaults=True)


@pytest.mark.parametrize(
    ("field", "given", "found"),
    [
        ("staff", {"value": "1,234", "unit": "人"}, {"value": 1234, "unit": "人"}),
        ("staff", {"low": "80", "high": "100"}, {"low": 80, "high": 100}),
        ("legal_person", {"value": "是"}, {"value": True}),
        (
            "industry",
            {"value": "新材料、节能环保", "complete": "1"},
            {"values": ("新材料", "节能环保"), "complete": True},
        ),
        ("founded_on", {"value": "2019-03-01"}, date(2019, 3, 1)),
        ("region", {"value": "330110"}, "330110"),
        ("financing", {"value": "500", "term": "12"}, {"amount": 500, "term_months": 12}),
    ],
)
def test_each_shape_is_read(field, given, found):
    assert stated(field, **given)[field] == found


def test_source_and_date_are_kept():
    assert stated("staff", value="5", source="社保", as_of="2024-05-31")["staff"] == {
        "value": 5,
        "source": "社保",
        "as_of": date(2024, 5, 31),
    }
    assert stated("region", value="330110", source="执照")["origins"] == {"region": {"source": "执照"}}


def test_years_rights_and_qualifications_stay_beside_each_other():
    facts = with_fact(START, "sales", {"value": "7", "year": "2023"})
    assert {year: figure.value for year, figure in facts.sales.items()} == {2022: 5, 2023: 7}
    for count in ("3", "4"):
        facts = with_fact(facts, "rights", {"type": "invention", "state": "valid", "value": count})
    facts = with_fact(facts, "rights", {"type": "software", "value": "2"})
    assert [(right.type, right.state, right.count) for right in facts.rights] == [
        ("invention", "valid", 4),
        ("software", "granted", 2),
    ]
    for until in ("2024-01-01", "2027-01-01"):
        facts = with_fact(facts, "qualifications", {"value": "高新技术企业", "until": until})
    assert [held.valid_until for held in facts.qualifications] == [date(2027, 1, 1)]


@pytest.mark.parametrize(
    ("value", "kind"), [("12", {"value": 12}), ("是", {"value": True}), ("云计算", {"values": ("云计算",)})]
)
def test_a_fact_under_a_criterions_own_name(value, kind):
    assert stated("市场占有率排名", value=value)["other"] == {"市场占有率排名": kind}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("staff", {"value": "八十"}),
        ("staff", {"value": "5", "low": "3"}),
        ("staff", {"low": "9", "high": "3"}),
        ("staff", {"value": "nan"}),
        ("sales", {"value": "5"}),
        ("sales", {"value": "5", "year": "23"}),
        ("region", {"value": "杭州"}),
        ("founded_on", {"value": "2019年"}),
        ("legal_person", {"value": "也许"}),
        ("rights", {"type": "moon", "value": "1"}),
        ("qualifications", {}),
        ("years_registered", {"value": "3"}),
    ],
)
def test_what_cannot_be_stated_is_refused_in_chinese(field, given):
    with pytest.raises(InputError) as error:
        with_fact(START, field, given)
    assert error.value.chinese


def test_every_fact_of_the_form_can_be_stated():
    assert set(SHAPES) == set(FirmFacts.model_fields) - {
        "firm_id",
        "origins",
        "rights_complete",
        "qualifications_complete",
        "other",
    }
