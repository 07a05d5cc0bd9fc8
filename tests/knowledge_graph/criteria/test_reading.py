"""Criteria are read with figures, comparators, quotes and places; every text here is our own."""

import pytest

from knowledge_graph.criteria import Group, Leaf, Tiers, read_criteria, read_test, write_test
from knowledge_graph.criteria.figures import find_figures, mask
from knowledge_graph.criteria.types import leaves


def figures(text):
    return [(figure.op, figure.value, figure.unit) for figure in find_figures(mask(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("企业成立三年以上", [(">=", 3, "年")]),
        ("注册资金不低于人民币300万元", [(">=", 300, "万元")]),
        ("职工不超过80人", [("<=", 80, "人")]),
        ("从业人员60人以下", [("<", 60, "人")]),
        ("从业人员60人（含）以下", [("<=", 60, "人")]),
        ("年收入800万元以上（不含）", [(">", 800, "万元")]),
        ("研发投入占销售收入的5%以上", [(">=", 5, "%")]),
        ("外包费用不得超过项目总经费的30%", [("<=", 30, "%")]),
        ("市场占有率全国前5名", [("<=", 5, "名")]),
        ("持股1/4以上", [(">=", 0.25, "")]),
        ("聚焦2-4个方向", [(">=", 2, "个"), ("<=", 4, "个")]),
        ("项目于2021年3月1日（含）以后开工", [(">=", "2021-03-01", "日期")]),
        ("项目于2021年3月1日后开工", [(">", "2021-03-01", "日期")]),
        ("建设时间在上一年度7月1日（含）以后", [(">=", "上一年度07-01", "日期")]),
        ("单位面积产出超过3万元/平方米", [(">", 3, "万元/平方米")]),
        ("销售额达到或超过2亿元", [(">=", 2, "亿元")]),
        ("不低于4%或800万元", [(">=", 4, "%"), (">=", 800, "万元")]),
        ("评估等级在3A及以上", [(">=", 3, "A")]),
        ("同一企业只能申报一个项目", [("<=", 1, "个")]),
        ("近三年无违法记录", []),
        ("三年内未发生安全事故", []),
        ("符合（京科发〔2021〕15号）第3、4条规定", []),
        ("如有两个以上主体联合申报", []),
    ],
)
def test_figures_have_the_comparator_that_the_words_say(text, expected):
    assert figures(text) == expected


def one(text, **options):
    found = read_criteria(text, **options)
    assert len(found) == 1, [criterion.quote for criterion in found]
    return found[0]


def test_quote_is_verbatim_and_in_place():
    text = "申报企业应符合以下条件：\n1．企业注册资本不低于200万元；\n2．研发人员不少于12人。"
    found = read_criteria(text)
    assert [text[criterion.start : criterion.end] for criterion in found] == [criterion.quote for criterion in found]
    assert [criterion.test for criterion in found] == [
        Leaf("registered_capital", ">=", 200.0, "万元"),
        Leaf("rd_staff", ">=", 12.0, "人"),
    ]


def test_or_joins_and_and_binds_tighter():
    test = one("近3年收入均不低于3亿元或近3年收入均不低于1亿元且近3年复合增长率不低于15%").test
    assert isinstance(test, Group)
    assert test.mode == "any"
    assert isinstance(test.parts[1], Group)
    assert test.parts[1].mode == "all"
    assert [leaf.value for leaf in leaves(test)] == [3.0, 1.0, 15.0]


def test_tiers_by_size_are_one_criterion():
    text = (
        "研发费用比例不低于：\n1）最近一年销售收入小于2,000万元（含）的企业，比例不低于6%。\n"
        "2）最近一年销售收入在2,000万元至1亿元（含）的企业，比例不低于5%。\n"
        "3）最近一年销售收入在1亿元以上的企业，比例不低于2%。"
    )
    test = one(text).test
    assert isinstance(test, Tiers)
    assert [(tier.low, tier.high, tier.high_included) for tier in test.tiers] == [
        (None, 2000.0, True),
        (2000.0, 10000.0, True),
        (10000.0, None, False),
    ]
    assert [leaf.value for leaf in leaves(test)] == [6.0, 5.0, 2.0]


def test_branches_preferences_and_exclusions_come_from_headings():
    text = (
        "1．申报试点单位应同时具备以下条件：\n（1）有效专利拥有量不低于20件；\n"
        "2．申报示范单位应同时具备以下条件：\n（1）有效专利拥有量不低于90件；\n"
        "3．有下列情况之一的，不得认定为试点、示范单位：\n（1）近三年有重大违法违规行为的。"
    )
    first, second, third = read_criteria(text)
    assert (first.branch, second.branch) == ("试点单位", "示范单位")
    assert next(leaves(third.test)).value == 0.0


def test_places_mean_those_of_the_policy():
    assert Leaf("registered_city", "=", "320500") in leaves(one("在本市注册的企业", region=320500).test)
    assert Leaf("registered_province", "=", "320000") in leaves(one("在本省登记注册", region=320500).test)


def test_too_long_a_text_is_refused():
    with pytest.raises(ValueError, match="100001 characters"):
        read_criteria("一" * 100_001)


def test_tests_survive_json():
    criterion = one("年营业收入不低于3亿元，或细分行业市场占有率全国前8名")
    assert read_test(write_test(criterion.test)) == criterion.test


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"all": []},
        {"field": "x", "op": "~", "value": 1},
        {"field": "x", "op": ">", "value": True},
        {"field": "", "op": "="},
        3,
    ],
)
def test_what_is_no_test_is_refused(row):
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_test(row)


def test_a_bare_figure_after_or_is_an_alternative_of_the_one_before_alone():
    test = one("销售收入在3亿元以上的，研发投入占销售收入比例不低于2%或900万元").test
    assert isinstance(test, Group)
    assert test.mode == "all"
    assert isinstance(test.parts[1], Group)
    assert test.parts[1].mode == "any"


def test_the_definition_of_a_word_binds_nobody():
    text = "在孵企业应不少于15家。其中，“在孵企业”指从事硬科技的企业；且从业人员总数在60人以下。"
    assert [criterion.role for criterion in read_criteria(text) if next(leaves(criterion.test)).unit] == [
        "requirement",
        "definition",
    ]


def test_shareholders_that_are_firms_are_no_legal_form():
    assert "legal_person" not in {leaf.field for leaf in leaves(one("有三个以上法人股东").test)}
    assert Leaf("legal_person", "=", False) in leaves(one("不具备法人资格").test)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("已被认定为省级专精特新中小企业", "省级专精特新中小企业"),
        ("获得国家“高新技术企业”证书的企业", "国家高新技术企业"),
        ("持有《音像制品制作许可证》", "音像制品制作许可证"),
    ],
)
def test_qualifications_have_their_names(text, name):
    assert name in [leaf.value for leaf in leaves(one(text).test) if leaf.field == "qualifications"]


def test_fields_of_business_are_a_choice():
    test = one("主营业务应属于新材料、智能制造、医药健康等高精尖产业领域").test
    assert test == Leaf("industry", "in", ("新材料", "智能制造", "医药健康"))
