from pathlib import Path

import pytest

from data.errors import InputError
from data.files.headers import HEADERS, REQUIRED, FileKind, columns_of, kind_of
from data.records import Achievement, Demand, OutcomeEvent


def fields(headers, kind=FileKind.ACHIEVEMENTS):
    return [column.field for column in columns_of(headers, kind, "file")]


@pytest.mark.parametrize(
    ("kind", "model", "left_out"),
    [
        (FileKind.ACHIEVEMENTS, Achievement, {"extra"}),
        (FileKind.DEMANDS, Demand, {"extra"}),
        (FileKind.EVENTS, OutcomeEvent, set()),
    ],
)
def test_every_field_has_a_chinese_header_and_no_other(kind, model, left_out):
    amounts = {"price", "budget"}  # one column for both ends
    assert set(HEADERS[kind]) - amounts == set(model.model_fields) - left_out


@pytest.mark.parametrize("kind", list(FileKind))
def test_no_header_means_two_fields(kind):
    spelled = [name.lower() for field, names in HEADERS[kind].items() for name in (field, *names.split())]
    assert [name for name in spelled if spelled.count(name) > 1] == []
    assert fields(list(HEADERS[kind]), kind) == list(HEADERS[kind])


@pytest.mark.parametrize(
    ("header", "field", "scale"),
    [
        ("价格下限(万元)", "price_min", 1.0),
        ("价格下限（万元）", "price_min", 1.0),
        (" 价格 下限 【单位：元】 ", "price_min", 1e-4),
        ("價格上限(億元)", "price_max", 1e4),
        ("ＩＰＣ分类号", "ipc", 1.0),
        ("Price_Min", "price_min", 1.0),
        ("Price Min", "price_min", 1.0),
        ("*成熟阶段", "stage", 1.0),
        ("关键词(用分号隔开)", "keywords", 1.0),
        ("联系电话", None, 1.0),
        ("1.成果简介", "content", 1.0),
        ("关键词3", "keywords", 1.0),
        ("联系单位地址", None, 1.0),
        ("技术领域（先进制造业、农业、生物医药、现代服务业及其他）", "field", 1.0),
        ("成果所处阶段", "stage", 1.0),
        ("成果体现形式", "form", 1.0),
        ("成果水平", "indicators", 1.0),
        ("主要完成单位名称", "holder", 1.0),
    ],
)
def test_spelling_does_not_matter(header, field, scale):
    column = columns_of(["成果编号", "成果名称", header], FileKind.ACHIEVEMENTS, "file")[-1]
    assert (column.field, column.scale) == (field, scale)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (["成果编号", "achievement_id", "成果名称"], "both mean achievement_id; remove one"),
        (["成果编号", "简介"], r"no column title \(成果名称\) for achievements; it has: 成果编号, 简介"),
    ],
)
def test_unusable_headers_are_refused(headers, message):
    with pytest.raises(InputError, match=message):
        fields(headers)


def test_of_several_columns_for_a_field_the_most_telling_counts():
    columns = columns_of(["编号", "成果编号", "标题", "成果名称", "申请日", "公开日"], FileKind.ACHIEVEMENTS, "file")
    assert [(c.header, c.field) for c in columns if c.field and not c.spare] == [
        ("成果编号", "achievement_id"),
        ("成果名称", "title"),
        ("公开日", "published_at"),
    ]
    assert [c.header for c in columns if c.spare] == ["标题", "申请日"]


def test_headers_that_are_nearly_known_are_proposed_and_others_are_not():
    columns = columns_of(["需求名称", "详细的需求描述", "联系人电话", "企业负责人"], FileKind.DEMANDS, "file")
    assert [(c.field, c.how) for c in columns] == [("title", "name"), ("content", "similar"), (None, ""), (None, "")]


def test_a_mapping_overrules_headers():
    headers = ["名称", "难点", "成果编号"]
    columns = columns_of(headers, FileKind.DEMANDS, "file", {"难点": "需求内容", "成果编号": "-"})
    assert [(c.field, c.how) for c in columns] == [("title", "name"), ("content", "given"), (None, "given")]
    for mapping, message in [({"难": "content"}, "names the column '难'"), ({"难点": "x"}, "names the field 'x'")]:
        with pytest.raises(InputError, match=message):
            columns_of(headers, FileKind.DEMANDS, "file", mapping)


@pytest.mark.parametrize(
    ("name", "headers", "kind"),
    [
        ("achievements.csv", ["a"], "achievements"),
        ("2024年需求表.xlsx", ["a"], "demands"),
        ("judgments.csv", ["a"], "judgements"),
        ("events.jsonl", ["a"], "events"),
        ("export.csv", ["成果编号", "成果名称"], "achievements"),
        ("export.csv", ["需求名称", "需求编号"], "demands"),
        ("export.csv", ["demand_id", "achievement_id", "level"], "judgements"),
        ("需求成果匹配.csv", ["需求编号", "成果编号", "匹配等级"], "judgements"),
        ("log.jsonl", ["event_id", "demand_id", "achievement_id", "kind", "occurred_at", "level"], "events"),
        ("export.csv", ["id", "title"], None),
        ("export.csv", ["x"], None),
        ("立项名单.csv", ["承担单位", "级别", "序号", "项目名称", "支持方向"], "achievements"),
        ("2024.csv", ["需求名称", "需求详情", "预算金额"], "demands"),
        ("patents.csv", ["申请号", "专利名称", "摘要"], "achievements"),
    ],
)
def test_kind_is_told_by_name_or_headers(name, headers, kind):
    assert kind_of(Path(name), headers) == kind


def test_required_fields_are_known():
    assert all(set(REQUIRED[kind]) <= set(HEADERS[kind]) for kind in FileKind)


def test_the_documentation_names_every_header():
    text = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    missing = [
        name for names in HEADERS.values() for headers in names.values() for name in headers.split() if name not in text
    ]
    assert missing == []
