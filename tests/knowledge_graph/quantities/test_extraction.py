"""Quantities are read as written: value, unit, comparator, and where they are."""

import pytest

from knowledge_graph.quantities import extract
from knowledge_graph.quantities.folding import fold
from knowledge_graph.quantities.units import convert, read_unit


def only(text, side="demand"):
    found = extract(text, side)
    assert len(found) == 1, [quantity.quote for quantity in found]
    return found[0]


@pytest.mark.parametrize(
    ("text", "op", "values", "unit"),
    [
        ("抗压强度不低于50MPa", "ge", (50,), "MPa"),
        ("抗压强度≥５０ＭＰａ", "ge", (50,), "ＭＰａ"),
        ("噪声不得高于60分贝", "le", (60,), "分贝"),
        ("噪声控制在60dB以内", "le", (60,), "dB"),
        ("误差小于0.5%", "lt", (0.5,), "%"),
        ("重量超过3吨", "gt", (3,), "吨"),
        ("直径超过5米以上", "gt", (5,), "米"),
        ("流速约为每秒2mm", "approx", (2,), "mm/秒"),
        ("温度25±2℃", "approx", (25,), "℃"),
        ("粒径3-5 mm", "range", (3, 5), "mm"),
        ("粒径100/120目", "range", (100, 120), "目"),
        ("工作温度-40℃到85℃", "range", (-40, 85), "℃"),
        ("占比60%～85%", "range", (60, 85), "%"),
        ("能耗降低了30%以上", "decrease", (30,), "%"),
        ("提高效率20%", "increase", (20,), "%"),
        ("合格率提高5个百分点", "increase", (5,), "个百分点"),
        ("产量提高到3倍", "times", (3,), "倍"),
        ("含水率降到12%以下", "le", (12,), "%"),
        ("处理能力达到三百吨", "eq", (300,), "吨"),
        ("投资1.2亿元", "eq", (1.2e8,), "元"),
        ("研发费用30-50万元", "range", (300_000, 500_000), "元"),
        ("销售收入一千余万元", "gt", (1e7,), "元"),
        ("浓度为1.5×10-2mol/L", "eq", (0.015,), "mol/L"),
        ("菌落总数小于10⁵CFU/g", "lt", (1e5,), "CFU/g"),
        ("利用率达到百分之九十五", "eq", (95,), "%"),
        ("硬度HRC55-65", "range", (55, 65), "HRC"),
        ("导热系数≥180W/(m·K)", "ge", (180,), "W/(m·K)"),
        ("转速3000转/分", "eq", (3000,), "转/分"),
        ("强屈比≥1.26", "ge", (1.26,), ""),
        ("堆積密度≥1.80克/立方厘米", "ge", (1.8,), "克/立方厘米"),
    ],
)
def test_reads_comparator_value_and_unit(text, op, values, unit):
    quantity = only(text)
    assert (quantity.op, quantity.values, quantity.unit) == (op, values, unit)


@pytest.mark.parametrize(
    "text",
    [
        "1、研发新工艺；2、建立示范线",
        "（1）电机（2）主轴",
        "ZFJ-11D型钻井装置",
        "采用42CrMo轴承钢和304N不锈钢",
        "公司通过ISO9001认证，执行GB/T 31485-2015",
        "专利号：ZL201721099528.4",
        "2012年至今，2019年10月12日",
        "含有Al2O3、SiO2和Na2O",
        "一种新型装置，两种方法，这两个问题",
        "3D打印与5G通信、二氧化碳",
        "参照Si3N4-10%BN陶瓷",
        "IP地址192.168.1.1",
    ],
)
def test_leaves_names_numbering_and_dates_alone(text):
    assert extract(text, "demand") == ()


def test_positions_are_those_of_the_text_as_written():
    text = "要求：抗压强度 ≥ ５０ ＭＰａ，含水率＜12％。"
    strength, moisture = extract(text, "demand")
    assert strength.quote == text[strength.start : strength.end]
    assert text[slice(*strength.value_span)] == "５０"
    assert text[slice(*strength.unit_span)] == "ＭＰａ"
    assert text[slice(*strength.parameter_span)] == "抗压强度"
    assert moisture.parameter == "含水率"


def test_a_list_shares_its_unit_and_its_parameter():
    found = extract("当电流为1,2,3,4A时", "supply")
    assert [(quantity.values, quantity.unit, quantity.parameter) for quantity in found] == [
        ((float(value),), "A", "电流") for value in (1, 2, 3, 4)
    ]


def test_a_table_gives_parameter_and_unit_in_other_cells():
    found = extract("硬度 | HRC | 55-60\n抗拉强度\tMPa\t≥600\n抗压强度(MPa)：≥50", "demand")
    assert [(quantity.parameter, quantity.unit) for quantity in found] == [
        ("硬度", "HRC"), ("抗拉强度", "MPa"), ("抗压强度", "MPa"),
    ]  # fmt: skip


def test_roles_follow_what_a_text_says_around_a_figure():
    text = (
        "公司现有员工120人，年产值2亿元。目前设备能耗高达1.2kWh/kg。需求内容：开发新设备，要求能耗不高于0.8kWh/kg，"
        "噪声≤60dB。"
    )
    assert [quantity.role for quantity in extract(text, "demand")] == [
        "business", "business", "current", "requirement", "requirement",
    ]  # fmt: skip
    assert extract("600MPa级抗震钢筋", "demand", title=True)[0].role == "requirement"
    settings, result = extract("将坯料加热至1150℃，所得钢板抗拉强度≥550MPa。", "supply")
    assert (settings.role, result.role) == ("setting", "achieved")


@pytest.mark.parametrize(
    ("value", "unit", "into", "expected"),
    [
        (1.8, "克/立方厘米", "kg/m3", 1800),
        (50, "μm", "mm", 0.05),
        (25, "℃", "K", 298.15),
        (15, "亩", "公顷", 1),
        (3, "万元", "元", None),  # 万 is part of the number
        (120, "r/min", "转/秒", 2),
        (5, "%", "ppm", 50_000),
        (1, "kWh", "MJ", 3.6),
        (2, "年", "个月", 24),
        (1, "年", "天", None),  # no exact number of days
        (1, "毫克每升", "g/m³", 1),
        (1, "百分点", "%", None),
        (7, "目", "目", 7),
        (7, "目", "mm", None),
    ],
)
def test_conversions_are_exact_and_dimensions_checked(value, unit, into, expected):
    assert convert(value, unit, into) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("W/(m·K)", "W/m·K"),
        ("MPa", "N/mm2"),
        ("Gpa", "GPa"),
        ("mg/L", "毫克/升"),
        ("μg·L-1·h-1", "μg/L/h"),
        ("m3/hr", "立方米/小时"),
        ("g/100mL", "g/dL"),
        ("瓶/年", "瓶/年"),
    ],
)
def test_one_unit_in_two_spellings(one, other):
    first, second = read_unit(fold(one), 0), read_unit(fold(other), 0)
    assert first.canonical == second.canonical
    assert first.factor == pytest.approx(second.factor)


def test_a_temperature_difference_is_not_a_temperature():
    level, difference = extract("工作温度不超过30℃，温差≤3℃", "demand")
    assert level.canonical == (None, 303.15)
    assert difference.canonical == (None, 3)
    assert level.canonical_unit != difference.canonical_unit
