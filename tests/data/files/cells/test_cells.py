from datetime import date as day
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.files.cells import date, event, industry, maturity, money, number, region, status, text
from data.records import AchievementStatus, DemandStatus


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("50", 50, 50),
        ("1,200", 1200, 1200),
        ("1，200", 1200, 1200),
        ("1 200", 1200, 1200),
        ("１２０．５", 120.5, 120.5),
        ("1e3", 1000, 1000),
        ("50万", 50, 50),
        ("50 万元", 50, 50),
        ("50w", 50, 50),
        ("500000元", 50, 50),
        ("￥50万", 50, 50),
        ("¥500,000.00", 50, 50),
        ("人民币50万元整", 50, 50),
        ("1.2亿元", 12000, 12000),
        ("50千元", 5, 5),
        ("5百万", 500, 500),
        ("500k", 50, 50),
        ("五十万元", 50, 50),
        ("一百二十万", 120, 120),
        ("约50万", 50, 50),
        ("50万左右", 50, 50),
        ("50多万", 50, 50),
        ("预算100万元", 100, 100),
        ("50-100万元", 50, 100),
        ("50~100", 50, 100),
        ("50万元至1亿元", 50, 10000),
        ("10万—20万", 10, 20),
        ("≥100万元", 100, None),
        ("不低于100万元", 100, None),
        ("100万元以上", 100, None),
        ("50万以内", None, 50),
        ("不超过50万", None, 50),
        ("免费", 0, 0),
        ("0元", 0, 0),
        (12.5, 12.5, 12.5),
        (Decimal("50.50"), 50.5, 50.5),
    ],
)
def test_money(written, low, high):
    assert money.read(written) == money.Cell((low, high))


@pytest.mark.parametrize(
    "written", ["面议", "价格面议", "双方协商", "可议", "待定", "-", "/", "暂无", "N/A", "null", "nan", "", None]
)
def test_no_price_is_none_and_no_fault(written):
    assert money.read(written) == money.Cell()


@pytest.mark.parametrize(
    ("written", "value"), [("100万/年", (100, 100)), ("100万+提成3%", (100, 100)), ("入门费50万+5%销售额", (50, 50))]
)
def test_money_with_conditions_is_read_and_noted(written, value):
    cell = money.read(written)
    assert (cell.value, cell.note) == (value, "只读取了其中的金额")


@pytest.mark.parametrize(
    "written",
    ["50万美元", "$50,000", "inf", "-5", "几百万", "合作开发", "100-50万", "技术入股30%", True, float("nan"), 1e30],
)
def test_what_is_no_amount_of_ours_is_noted(written):
    cell = money.read(written)
    assert cell.value is None
    assert cell.note


def test_a_columns_unit_holds_where_a_cell_names_none():
    assert money.read("500000", 1e-4).value == (50, 50)
    assert money.read("50万元", 1e-4).value == (50, 50)


@pytest.mark.parametrize(
    ("written", "level"),
    [
        *[
            (spelling, 6)
            for spelling in (
                "6",
                "６",
                "6.0",
                "TRL6",
                "TRL 6",
                "trl_6",
                "TRL-6级",
                "第6级",
                "六级",
                "Ⅵ",
                "6-7级",
                "6~7",
            )
        ],
        *[("6级（中试）", 6), ("中试", 6), ("通过中试", 6), ("样机", 6), ("原理样机", 4), ("小试", 4), ("小试阶段", 4)],
        *[
            ("实验室阶段", 4),
            ("中试/小试", 4),
            ("研发阶段", 3),
            ("小批量生产", 8),
            ("可以量产", 8),
            ("可量产", 8),
            ("较成熟", 8),
        ],
        *[
            ("产业化", 9),
            ("已产业化", 9),
            ("规模化生产", 9),
            ("成熟应用阶段", 9),
            ("成熟", 9),
            (Decimal(6), 6),
            (6.0, 6),
        ],
        *[("", None), (None, None), ("无", None)],
    ],
)
def test_maturity(written, level):
    assert maturity.read(written) == maturity.Cell(level)


@pytest.mark.parametrize("written", ["0", "10", "十", "高", "未中试", True, float("inf")])
def test_no_maturity_is_noted(written):
    cell = maturity.read(written)
    assert cell.value is None
    assert cell.note


@pytest.mark.parametrize(
    ("written", "achievement", "demand"),
    [
        ("已发布", AchievementStatus.PUBLISHED, DemandStatus.PUBLISHED),
        ("对接中 ", AchievementStatus.NEGOTIATING, DemandStatus.NEGOTIATING),
        ("有效", AchievementStatus.PUBLISHED, DemandStatus.PUBLISHED),
        ("洽谈中", AchievementStatus.NEGOTIATING, DemandStatus.NEGOTIATING),
        ("已成交", AchievementStatus.TRANSFERRED, DemandStatus.SIGNED),
        ("已解决", None, DemandStatus.SOLVED),
        ("草稿", AchievementStatus.OFFLINE, DemandStatus.DRAFT),
        ("审核中", AchievementStatus.OFFLINE, DemandStatus.DRAFT),
        ("已过期", AchievementStatus.OFFLINE, DemandStatus.EXPIRED),
        ("已撤回", AchievementStatus.WITHDRAWN, DemandStatus.WITHDRAWN),
        ("Published", AchievementStatus.PUBLISHED, DemandStatus.PUBLISHED),
    ],
)
def test_status(written, achievement, demand):
    assert status.read(written, "achievements").value == achievement
    assert status.read(written, "demands").value == demand


def test_an_unknown_status_names_those_there_are():
    assert "发布、对接中、已转让、下架、撤回" in status.read("飞走了", "achievements").note
    assert status.read("", "demands") == status.Cell()


@pytest.mark.parametrize(
    ("written", "end", "found"),
    [
        *[(spelling, False, day(2021, 3, 1)) for spelling in (
            *("2021-03-01", "2021/3/1", "2021.3.1", "2021年3月1日", "2021年3月1号", "2021 年 3 月 1 日", "２０２１年３月１日"),
            *("二〇二一年三月一日", "2021、3、1", "2021—03—01", "20210301", "21.3.1", "3/1/2021", "01-Mar-21"),
            *("44256", "44256.5"),
            *("2021/3/1 0:00", "2021-3-1 9:05", "2021-03-01T09:05:00.000+0800", "2021/3/1（周一）", "2021年3月1日前"),
            *("2021年3月", "2021.03", "2021-03", "202103", "Mon Mar 01 00:00:00 CST 2021", "1614528000", "1614528000000"),
            *(44256, 44256.5, 20210301, datetime(2021, 3, 1, 9), day(2021, 3, 1), "2021.3.1-2022.3.1", "2021-3-1至2023-3-1"),
        )],
        ("2021年3月", True, day(2021, 3, 31)),
        ("2021", True, day(2021, 12, 31)),
        ("2021年底", True, day(2021, 12, 31)),
        ("2020-2023", True, day(2023, 12, 31)),
        ("2021.3.1-2022.3.1", True, day(2022, 3, 1)),
        ("2021-3-1至2023-3-1", True, day(2023, 3, 1)),
        *[(spelling, True, None) for spelling in ("长期", "长期有效", "永久", "9999-12-31", "待定", "/", "—", "", None)],
    ],
)  # fmt: skip
def test_days(written, end, found):
    assert date.day(written, end=end) == date.Cell(found)


@pytest.mark.parametrize(
    "written",
    [
        "0000-00-00",
        "1900-01-00",
        "0001-01-01",
        "2021-13-01",
        "2021-02-30",
        "即日起",
        "昨天",
        "3",
        3,
        True,
        1e300,
        "9" * 5_000,
    ],
)
def test_no_day_is_noted(written):
    cell = date.day(written)
    assert cell.value is None
    assert cell.note


def test_days_and_moments_to_come_are_refused_where_they_cannot_have_been():
    later = datetime.now() + timedelta(days=40)
    assert date.day(later, past=True).note == "是将来的日期"
    assert date.day(later).value == later.date()
    assert date.moment(later.isoformat()).note == "是将来的时间"
    assert date.moment("2926-05-01 09:00:00").note
    assert date.moment("0001-01-01 00:00:00").note
    assert date.moment("9999-12-31T23:59:59-01:00").note
    assert date.moment(46143.378).value.isoformat() == "2026-05-01T01:04:19+00:00"
    assert date.moment("2026/5/1 9:05").value.isoformat() == "2026-05-01T01:05:00+00:00"


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        *[
            (spelling, ("3511",))
            for spelling in ("C3511", "3511", "c3511", "C-3511", "3511 矿山机械制造", 3511, 3511.0)
        ],
        *[
            ("C", ("C",)),
            ("制造业", ("C",)),
            ("35", ("35",)),
            ("专用设备制造业(35)", ("35",)),
            ("通用设备制造业", ("34",)),
        ],
        *[("制造业>专用设备制造业", ("35",)), ("环境治理业", ("77",)), ("N772", ("772",))],
        ("C35；C3511、I65", ("35", "3511", "65")),
        ("计算机、通信和其他电子设备制造业", ("39",)),
        (("C35", "35"), ("35",)),
        ("", None),
    ],
)
def test_industries(written, codes):
    assert industry.read(written) == industry.Cell(codes)


def test_an_unknown_industry_is_named_and_the_others_are_read():
    cell = industry.read("C35；炼金术")
    assert cell.value == ("35",)
    assert "炼金术" in cell.note
    assert industry.read("A35").note


def test_regions_beyond_the_tables_are_noted():
    assert region.read("河南省郑州市高新区") == region.Cell("410100")
    assert region.read(410100.0) == region.Cell("410100")
    assert [region.read(other).value for other in ("全国", "CN", "000000", "999999", "41.01", "鼓楼区")] == [None] * 6
    assert region.read("全国").note


def test_numbers_events_and_texts():
    assert [number.read(one).value for one in ("3", "3.0", "三", 3.0, "")] == [3, 3, 3, 3, None]
    assert [number.read(one).note for one in ("x", 2.5, True, float("inf"))] == ["不是整数"] * 4
    assert event.kind("点击").value == "click"
    assert event.kind("DEAL").value == "deal"
    assert event.kind("").note
    assert event.reason("价格太高").value == "price"
    assert text.items("锂电池；正极、负极").value == ("锂电池", "正极", "负极")
    assert text.label("#N/A") == text.Cell()
    assert text.text("长" * 50_001).note


READERS = [
    *(
        money.read,
        maturity.read,
        region.read,
        industry.read,
        number.read,
        event.kind,
        event.reason,
        text.text,
        text.items,
    ),
    *(date.day, date.moment, lambda cell: date.day(cell, end=True), lambda cell: status.read(cell, "demands")),
]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.datetimes(),
    st.dates(),
    st.text(max_size=40),
    st.text("0123456789.,-~年月日万亿元级TRL 约以上至/()一二十百", max_size=20),
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(ANYTHING)
def test_no_cell_makes_a_reader_fail(cell):
    for read in READERS:
        found = read(cell)
        assert found.value is not None or isinstance(found.note, str)


@pytest.mark.parametrize("said", ["几十万元", "数十万", "数百万元左右", "百万级", "5-8折", "作价入股30%"])
def test_vague_money_is_no_figure(said):
    assert money.read(said).value is None
    assert money.read(said).note


def test_a_unit_in_brackets_is_a_unit():
    assert money.read("50(万元)").value == (50.0, 50.0)
    assert money.read("1.5（亿元）").value == (15_000.0, 15_000.0)


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("2024年上半年", "2024-01-01", "2024-06-30"),
        ("2024年下半年", "2024-07-01", "2024-12-31"),
        ("2024年第一季度", "2024-01-01", "2024-03-31"),
        ("2024Q3", "2024-07-01", "2024-09-30"),
        ("2024年5月上旬", "2024-05-01", "2024-05-10"),
        ("2024年2月下旬", "2024-02-21", "2024-02-29"),
        ("2024年12月底", "2024-12-31", "2024-12-31"),
        ("2024年底前", "2024-12-31", "2024-12-31"),
        ("24年5月1日", "2024-05-01", "2024-05-01"),
        ("截至2024年5月1日", "2024-05-01", "2024-05-01"),
        ("2024年5月1日 下午3时", "2024-05-01", "2024-05-01"),
        ("2024-05-01 24:00", "2024-05-01", "2024-05-01"),
    ],
)
def test_parts_of_years_and_months_are_days(said, first, last):
    assert str(date.day(said).value) == first
    assert str(date.day(said, end=True).value) == last


def test_what_ends_when_it_is_full_has_no_deadline():
    assert date.day("招满为止", end=True) == date.day("长期", end=True)


@pytest.mark.parametrize(
    ("said", "kind", "meant"),
    [
        ("解决中", "demands", "对接中"),
        ("揭榜中", "demands", "发布"),
        ("已揭榜", "demands", "对接中"),
        ("长期有效", "demands", "发布"),
        ("挂牌中", "achievements", "发布"),
        ("已上线", "achievements", "发布"),
        ("下架了", "achievements", "下架"),
        ("TRUE", "achievements", "发布"),
        ("停止", "achievements", "下架"),
        ("停用", "records", "暂停"),
        ("现行有效", "records", "有效"),
    ],
)
def test_statuses_in_the_words_of_platforms(said, kind, meant):
    assert status.read(said, kind).value == meant


@pytest.mark.parametrize(("said", "level"), [("TRL=8", 8), ("Level 6", 6), ("Lv6", 6), ("产品化", 8)])
def test_levels_in_other_spellings(said, level):
    assert maturity.read(said).value == level


def test_an_industry_with_its_code_in_brackets():
    assert industry.read("[C35]专用设备制造业").value == ("35",)
    assert industry.read("【C35】专用设备制造业").value == ("35",)


@given(st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})\Z"))
def test_a_moment_as_programs_write_it_reads_as_any_other_text(written):
    assert date.moment(written) == date.moment(f" {written} ")
