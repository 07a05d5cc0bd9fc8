"""Kinds: what a declaration says is what a record may hold; a wrong one is refused with its place."""

from datetime import date

import pytest

from data.errors import InputError
from data.kinds.declaration import Role
from data.kinds.record import read_record
from data.kinds.registry import load_kinds

KINDS = load_kinds()
INCUBATOR = """
name = "incubator"
label = "孵化空间"
role = "supply"
lifetime_days = 365

[aliases]
title = ["空间名称"]

[[fields]]
name = "desks"
label = "工位数"
type = "integer"
unit = "个"
filtered = true

[[fields]]
name = "stage"
label = "入驻阶段"
type = "label"
choices = ["苗圃", "孵化", "加速"]
"""


def write(folder, text, name="incubator"):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    load_kinds.cache_clear()
    return folder


def test_the_shipped_kinds_cover_the_platform():
    supply = {kind.name for kind in KINDS.of_role(Role.SUPPLY)}
    assert supply == {"achievement", "service", "expert", "equipment", "institution", "policy", "finance_product"}
    assert [kind.name for kind in KINDS.of_role(Role.PROFILE)] == ["firm"]
    assert [kind.name for kind in KINDS.of_role(Role.STAFF)] == ["broker"]


def test_a_new_kind_is_one_file(tmp_path):
    kinds = load_kinds(write(tmp_path / "kinds", INCUBATOR))
    record = read_record(kinds["incubator"], {"id": "I1", "title": "创客空间", "desks": "1,200", "stage": "孵化"})
    assert record.attributes == {"desks": 1200, "stage": "孵化"}
    assert kinds["incubator"].headers()["title"] == ("名称", "空间名称")
    assert kinds["incubator"].label_of("desks") == "工位数"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[[fields]]", "[[fields"), "is no TOML"),
        (('name = "incubator"', 'name = "space"'), r"declares 'space'; name the file space.toml"),
        (('type = "integer"', 'type = "whole"'), r"fields.0.type"),
        (('name = "desks"', 'name = "title"'), "'title' is a field that every record has"),
        (('name = "stage"', 'name = "desks"'), "'desks' is declared twice"),
        (('unit = "个"', 'choices = ["a"]'), "choices belong to a label"),
        (("title = [", "holder = ["), "'holder' is none of them"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(tmp_path, change, said):
    with pytest.raises(InputError, match=said):
        load_kinds(write(tmp_path / "kinds", INCUBATOR.replace(*change, 1)))


def test_a_shipped_name_is_taken(tmp_path):
    with pytest.raises(InputError, match="'service', which ships with gongxu"):
        load_kinds(write(tmp_path / "kinds", INCUBATOR.replace("incubator", "service", 1), "service"))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"id": "-x", "title": ""}, "title"),
        ({"id": "S1", "title": "检测", "service_class": "检测"}, "must be one of"),
        ({"id": "S1", "title": "检测", "lead_time_days": "三五天"}, r"lead_time_days \(服务周期\) is '三五天'"),
        ({"id": "S1", "title": "检测", "attributes": {"colour": "red"}}, "no field 'colour'"),
        ({"id": "S1", "title": "检测", "region": "广东"}, "region"),
    ],
)
def test_a_value_that_does_not_fit_is_named(values, said):
    with pytest.raises(InputError, match=said):
        read_record(KINDS["service"], values)


def test_validity_is_by_the_day_asked_for(tmp_path):
    kind = load_kinds(write(tmp_path / "kinds", INCUBATOR))["incubator"]
    aged = read_record(kind, {"id": "I1", "title": "创客空间", "published_at": "2024-01-01"})
    dated = read_record(kind, {"id": "I2", "title": "创客空间", "valid_until": "2024-03-01"})
    stopped = read_record(kind, {"id": "I3", "title": "创客空间", "status": "暂停"})
    assert [aged.offered(date(2024, 12, day), kind) for day in (30, 31)] == [True, True]
    assert not aged.offered(date(2025, 1, 1), kind)
    assert [dated.offered(date(2024, 3, day), kind) for day in (1, 2)] == [True, False]
    assert not stopped.offered(date(2024, 1, 1), kind)
