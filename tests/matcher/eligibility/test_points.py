"""创新积分制 as a card: what facts tell is computed with them named, everything else says what is missing."""

from datetime import date

import pytest

from data.firms.facts import Figure, FirmFacts, Right
from matcher.eligibility.points import point_indicators
from tests.some import some

DAY = date(2024, 6, 30)


def found(**facts):
    return {one.label: one for one in point_indicators(FirmFacts(**facts), DAY)}


def test_of_a_firm_of_which_nothing_is_known_every_indicator_says_what_is_missing():
    for one in some(found().values()):
        assert (one.value, one.rests_on) == (None, ())
        assert one.missing


@pytest.mark.parametrize(
    ("facts", "label", "value", "rests_on"),
    [
        ({"rd_cost": {2023: Figure(value=300)}}, "研发费用金额", "300 万元", ("2023年研发费用 300",)),
        (
            {"rd_cost": {2023: Figure(value=0.03, unit="亿元"), 2022: Figure(value=240)}},
            "研发费用增速",
            "25%",
            ("2023年研发费用 300", "2022年研发费用 240"),
        ),
        (
            {"rd_cost": {2023: Figure(low=250, high=300)}, "sales": {2023: Figure(value=5000)}},
            "研发费用占营业收入比重",
            "5–6%",
            ("2023年研发费用 250–300", "2023年营业收入 5000"),
        ),
        (
            {"rd_staff": Figure(value=8), "staff": Figure(value=40)},
            "研发人员占职工总数比重",
            "20%",
            ("研发人员数 8", "职工人数 40"),
        ),
        (
            {"profit": {2023: Figure(value=-50)}, "net_assets": Figure(value=1000)},
            "净资产利润率",
            "-5%",
            ("2023年利润 -50", "净资产 1000"),
        ),
        (
            {"other": {"技术合同成交额": Figure(value=120, unit="万元")}},
            "企业技术合同成交额",
            "120 万元",
            ("技术合同成交额 120 万元",),
        ),
    ],
)
def test_what_facts_tell_names_them(facts, label, value, rests_on):
    one = found(**facts)[label]
    assert (one.value, one.rests_on, one.missing) == (value, rests_on, ())


def test_one_missing_fact_is_named_and_open_ranges_and_zero_tell_nothing():
    share = "研发费用占营业收入比重"
    half = found(rd_cost={2023: Figure(value=300)})[share]
    assert (half.value, half.rests_on, half.missing) == (None, ("2023年研发费用 300",), ("2023年营业收入",))
    assert found(rd_cost={2023: Figure(low=300)})["研发费用金额"].value is None
    assert found(rd_cost={2022: Figure(value=300)})["研发费用金额"].missing == ("2023年研发费用",)
    zero = found(rd_cost={2023: Figure(value=3)}, sales={2023: Figure(value=0)})[share]
    assert (zero.value, zero.missing) == (None, ("上一年为零，无从计算",))


def test_applications_are_none_only_where_rights_are_complete():
    label = "与主营业务相关的发明专利申请量"
    assert found()[label].value is None
    assert found(rights_complete=True)[label].value.startswith("0 件")
    applied = (Right(type="invention", state="applied", count=3), Right(type="design", state="applied", count=2))
    assert found(rights=applied)[label].value.startswith("3 件")
