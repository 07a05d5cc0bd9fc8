"""A firm's facts from its record and from what was stated: ranges stay ranges, what nobody said stays unknown."""

from datetime import date

import pytest

from data.firms.facts import Figure, FirmFacts, Qualification, Right, Words
from data.firms.profile import facts_of, joined, known_of, unstated
from data.kinds.record import KindRecord


def firm(extra=(), **attributes):
    return KindRecord(kind="firm", id="F1", title="某公司", attributes=attributes, extra=dict(extra))


@pytest.mark.parametrize(
    ("header", "cell", "series", "year", "low", "high", "unit"),
    [
        ("2023年营业收入（万元）", "4,200.5", "sales", 2023, 4200.5, 4200.5, "万元"),
        ("营业收入(2022年度)", "1.2亿元", "sales", 2022, 1.2, 1.2, "亿元"),
        ("2023年研发费用", "250-300万元", "rd_cost", 2023, 250, 300, "万元"),
        ("2021年度净利润（元）", "-30000", "profit", 2021, -30000, -30000, "元"),
        ("2023出口额", "120万元至150万元", "export", 2023, 120, 150, "万元"),
        ("2023出口额", "1000万-2000万", "export", 2023, 1000, 2000, "万元"),
        ("2023年营业收入", "2亿元以上", "sales", 2023, 2, None, "亿元"),
        ("2023年营业收入", "不低于3000", "sales", 2023, 3000, None, "万元"),
        ("2023年营业收入", "≤500万元", "sales", 2023, None, 500, "万元"),
        ("2023年营业收入", "小于500", "sales", 2023, None, 500, "万元"),
        ("2023年营业收入", "800余万元", "sales", 2023, 800, None, "万元"),
    ],
)
def test_columns_by_year_are_read_as_written(header, cell, series, year, low, high, unit):
    figure = getattr(facts_of(firm({header: cell})), series)[year]
    ends = (figure.value, figure.value) if figure.value is not None else (figure.low, figure.high)
    assert (*ends, figure.unit, figure.as_of) == (low, high, unit, date(year, 12, 31))


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("2023年营业收入", "2百万元"),  # no number of 万元
        ("2023年营业收入", "约三千万"),
        ("2023年营业收入", "300-250"),
        ("2023年营业收入", "85人"),
        ("营业收入", "4200"),  # of which year?
        ("2023年用电量", "4200"),
        ("2023年营业收入", "nan"),
    ],
)
def test_what_is_not_understood_stays_unknown(header, cell):
    facts = facts_of(firm({header: cell}))
    assert facts.sales == {}


def test_a_range_in_a_column_of_one_number_stays_a_range():
    """The import keeps the higher end, and the cell aside."""
    assert facts_of(firm({"职工人数": "80-100人"}, staff=100)).staff.model_dump(exclude_defaults=True) == {
        "low": 80,
        "high": 100,
        "unit": "人",
        "source": "企业档案",
    }
    assert facts_of(firm({"职工人数": "百余人"})).staff.value is None


def test_what_was_stated_comes_before_the_record_fact_by_fact():
    recorded = FirmFacts(
        staff=Figure(value=85),
        sales={2022: Figure(value=1), 2023: Figure(value=2)},
        rights=(Right(type="invention", count=3), Right(type="software", count=5)),
        qualifications=(Qualification(name="高新技术企业"),),
        region="330110",
    )
    stated = FirmFacts(
        staff=Figure(source="社保"),  # a source without a figure says nothing
        sales={2023: Figure(value=3)},
        rights=(Right(type="invention", count=4),),
        qualifications=(Qualification(name="高新技术企业", valid_until=date(2025, 1, 1)),),
        business=Words(values=("隔膜",)),
    )
    both = joined(recorded, stated)
    assert (both.staff.value, both.region) == (85, "330110")
    assert {year: figure.value for year, figure in both.sales.items()} == {2022: 1, 2023: 3}
    assert {(right.type, right.count) for right in both.rights} == {("invention", 4), ("software", 5)}
    assert both.qualifications == stated.qualifications
    complete = stated.model_copy(
        update={"rights_complete": True, "qualifications_complete": True, "qualifications": ()}
    )
    assert joined(recorded, complete).rights == stated.rights
    assert joined(recorded, complete).qualifications == ()


def test_unknown_facts_are_named():
    assert "staff" in unstated(known_of(None, FirmFacts(staff=Figure(source="社保"))))
    assert "staff" not in unstated(known_of(firm(staff=85), None))
    assert "sales" not in unstated(known_of(firm({"2023年营业收入": "5"}), None))
