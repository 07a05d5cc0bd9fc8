"""Requirements are met, missed or unknown by what a record states; conflicts and full loads exclude; visibility hides."""

from datetime import date

import pytest

from data.kinds.disclosure import disclosed
from data.kinds.record import KindRecord, read_record
from data.kinds.registry import load_kinds
from data.records import Achievement, Demand
from matcher.kinds.requirements import check, implied
from matcher.kinds.rules import barred_firms, folded_firm, has_room, same_firm

KINDS = load_kinds()
DAY = date(2024, 6, 30)


def record(kind, **values):
    return read_record(KINDS[kind], {"id": "R1", "title": "记录"} | values)


def statuses(kind, wanted, **values):
    return {one.field: one.status for one in check(record(kind, **values), KINDS[kind], wanted, DAY)}


@pytest.mark.parametrize(
    ("wanted", "stated", "status"),
    [
        ({"lead_time_days": 10}, {"lead_time_days": 10}, "met"),
        ({"lead_time_days": 10}, {"lead_time_days": 11}, "missed"),
        ({"lead_time_days": 10}, {}, "unknown"),
        ({"qualifications": ("cma", "CNAS")}, {"qualifications": ["CMA", "CNAS", "ISO9001"]}, "met"),
        ({"qualifications": ("CMA", "CNAS")}, {"qualifications": ["CMA"]}, "missed"),
        ({"voucher": True}, {"voucher": "否"}, "missed"),
        ({"coverage": "330110"}, {"coverage": ["江苏", "浙江"]}, "met"),
        ({"coverage": "330110"}, {"coverage": ["杭州市"]}, "met"),
        ({"coverage": "330210"}, {"coverage": ["杭州市"]}, "missed"),
        ({"coverage": "330210"}, {"coverage": ["全国"]}, "met"),
        ({"coverage": "650100"}, {"coverage": ["火星"]}, "missed"),
        ({"service_class": "知识产权"}, {"service_class": "科普"}, "missed"),
    ],
)
def test_a_service_is_checked_against_what_it_states(wanted, stated, status):
    assert statuses("service", wanted, **stated) == {next(iter(wanted)): status}


@pytest.mark.parametrize(
    "value", ["330110", "浙江", "九" * 5000, "9" * 5000, 3, 10**4000, float("inf"), True, ("330110",)]
)
def test_whatever_is_required_has_a_verdict_in_words(value):
    for name in ("coverage", "lead_time_days", "qualifications", "service_class", "voucher"):
        offered = record("service", coverage=["浙江"], lead_time_days=3, qualifications=["CMA"], voucher="是")
        (one,) = check(offered, KINDS["service"], {name: value}, DAY)
        assert one.text.startswith(one.label)
        assert one.status in ("met", "missed", "unknown")


def test_a_region_is_called_by_its_name():
    (one,) = check(record("service", coverage=["浙江"]), KINDS["service"], {"coverage": "330110"}, DAY)
    assert one.text == "服务地区浙江：满足（要求覆盖浙江省杭州市）"


def test_a_demand_states_requirements_itself():
    offered = [record("service", qualifications=["CMA", "ISO9001"]), record("service", qualifications=["CMAX", "MA"])]
    demand = Demand(demand_id="D", title="污泥检测", content="须出具CMA报告", region="330110", budget_max=3)
    assert implied(demand, KINDS["service"], offered) == {
        "price_min": 3,
        "coverage": "330110",
        "qualifications": ("CMA",),
    }
    assert implied(Demand(demand_id="D", title="污泥检测"), KINDS["service"], offered) == {}


def test_a_qualification_ends_with_its_day():
    held = {"qualifications": ["CMA"], "qualified_until": "2024-06-30"}
    assert statuses("institution", {"qualifications": ("CMA",)}, **held) == {"qualifications": "met"}
    held["qualified_until"] = "2024-06-29"
    (ended,) = check(record("institution", **held), KINDS["institution"], {"qualifications": ("CMA",)}, DAY)
    assert (ended.status, ended.text) == ("missed", "资质CMA已于2024-06-29到期，要求CMA")


@pytest.mark.parametrize(
    ("values", "enterprise", "fits"),
    [
        ({"conflicts": ["甲化工有限公司"]}, "甲化工有限公司", False),
        ({"conflicts": ["甲化工"]}, "甲化工有限公司", True),  # three characters name too many
        ({"conflicts": ["甲乙化工"]}, "甲乙化工有限公司", False),
        ({"provider": "甲乙化工有限公司"}, "甲乙化工有限公司", False),  # who works there
        ({"conflicts": ["甲乙化工"]}, "", True),
        ({"open_limit": 3, "in_progress": 3}, "甲", False),
        ({"open_limit": 3, "in_progress": 2}, "甲", True),
        ({"in_progress": 9}, "甲", True),  # no limit is stated
    ],
)
def test_an_expert_with_a_conflict_or_a_full_load_is_left_out(values, enterprise, fits):
    expert, kind, firm = record("expert", **values), KINDS["expert"], folded_firm(enterprise)
    barred = any(same_firm(firm, name) for name in barred_firms(expert, kind))
    assert (has_room(expert, kind) and not barred) is fits


@pytest.mark.parametrize(
    ("visibility", "shown"),
    [("公开", {"person_name", "outputs", "open_limit"}), ("摘要公开", {"open_limit"}), ("授权", set()), ("保密", None)],
)
def test_a_persons_name_is_shown_of_public_records_alone(visibility, shown):
    expert = record("expert", person_name="张三", outputs="论文", open_limit=3, visibility=visibility, content="简介")
    found = disclosed(expert, KINDS["expert"])
    assert (None if found is None else set(found.attributes)) == shown
    assert found is None or (found.content == "简介") == (visibility == "公开")


def test_the_kinds_with_a_table_of_their_own_declare_what_their_records_have():
    common = set(KindRecord.model_fields)
    for name, model in (("achievement", Achievement), ("demand", Demand)):
        assert set(KINDS[name].by_name) <= set(model.model_fields) - common
