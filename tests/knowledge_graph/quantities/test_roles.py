"""What part a figure plays in a demand, and what money a demand offers."""

import pytest

from knowledge_graph.quantities import extract
from knowledge_graph.quantities.budget import stated_budget


def roles(text, side="demand"):
    return {quantity.quote: quantity.role for quantity in extract(text, side)}


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ("想上机器人自动焊接，板厚8-30毫米，预算80万以内", {"板厚8-30毫米"}),
        ("做鲜湿面条的，夏天放两天就酸了", set()),
        ("帮我们招两个会计，月薪6000", set()),
        ("废水COD约8000mg/L，寻求零排放技术", set()),
        ("廢水COD約8000mg/L，尋求零排放技術", set()),
        ("需要污泥干化设备，含水率降到40%以下，费用不超过200万", {"含水率降到40%以下"}),
        ("粮食烘干机，三天要交货，招聘5个工程师", set()),
        ("面包放一周就长霉，想延长保质期到30天", {"想延长保质期到30天"}),
        ("废气VOCs浓度大概500mg/m3，净化率要达到95%以上", {"净化率要达到95%以上"}),
        ("我们厂200多人，年产值1.5亿，想做油烟净化，净化率95%以上", {"净化率95%以上"}),
        ("我国每年产生秸秆9亿吨，利用率不足40%。需要打捆机，成捆率≥98%", {"成捆率≥98%"}),
        ("合同签订后6个月以内交付样机，定位误差小于5mm", {"定位误差小于5mm"}),
        ("申请发明专利不少于3项，效率不低于94%", {"效率不低于94%"}),
    ],
)
def test_only_what_the_solution_must_meet_is_a_requirement(text, required):
    assert {quote for quote, role in roles(text).items() if role == "requirement"} == required


def test_a_life_is_required_and_a_date_of_delivery_is_not():
    found = roles("保质期不少于12个月；12个月内完成验收")
    assert found["保质期不少于12个月"] == "requirement"
    assert found["12个月内"] == "business"


def test_results_and_settings_of_an_achievement_are_told_apart():
    found = roles("将坯料加热至1150℃保温2h，所得钢板抗拉强度达到780MPa", "supply")
    assert list(found.values()) == ["setting", "setting", "achieved"]


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("板厚8-30毫米，预算80万以内", (None, 80.0)),
        ("项目预算50-80万元", (50.0, 80.0)),
        ("费用不超过200万", (None, 200.0)),
        ("经费不少于100万元", (100.0, None)),
        ("已投入研发费用300万", (None, None)),
        ("注册资金3000万元，年产值2亿元", (None, None)),
        ("吨水成本不超过5元", (None, None)),
        ("", (None, None)),
    ],
)
def test_the_budget_of_a_text_is_read_in_ten_thousand_yuan(text, money):
    assert stated_budget(text) == money


@pytest.mark.parametrize(
    ("text", "op", "values", "unit"),
    [
        ("组成满足0≤x≤2", "range", (0, 2), ""),
        ("Cr：15.0%以上、小于20.0%", "range", (15, 20), "%"),
        ("边长为500纳米-10微米", "range", (500, 10_000), "纳米"),
        ("厚度偏差控制在±1um以内", "le", (1,), "um"),
        ("投入资金约1500万", "approx", (1.5e7,), ""),
        ("粘度为120～800泊", "range", (120, 800), "泊"),
        ("动态范围达到6个数量级", "eq", (6,), "个数量级"),
        ("经济损失350多亿元人民币", "gt", (3.5e10,), "元"),
    ],
)
def test_bounds_in_two_parts_are_one_range(text, op, values, unit):
    quantity = extract(text, "demand")[0]
    assert (quantity.op, quantity.values, quantity.unit) == (op, values, unit)


@pytest.mark.parametrize("text", ["三元前驱体材料", "百公里油耗低", "千粒重高", "304HR不锈钢", "2015-2016年两年"])
def test_names_that_hold_a_numeral_are_no_quantities(text):
    assert extract(text, "supply") == ()
