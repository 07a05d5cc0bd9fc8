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
    assert set(HEADERS[kind]) == set(model.model_fields) - left_out


@pytest.mark.parametrize("kind", list(FileKind))
def test_no_header_means_two_fields(kind):
    spelled = [name.lower() for field, names in HEADERS[kind].items() for name in (field, *names.split())]
    assert len(set(spelled)) == len(spelled)
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
        ("成果简介(英文)2", None, 1.0),
    ],
)
def test_spelling_does_not_matter(header, field, scale):
    column = columns_of(["成果编号", "成果名称", header], FileKind.ACHIEVEMENTS, "file")[-1]
    assert (column.field, column.scale) == (field, scale)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (["成果编号", "成果名称", "成果名称"], "both mean title; remove one"),
        (["成果编号", "成果名称", "title"], "'成果名称' and 'title' both mean title"),
        (["成果编号", "成果名称", "备注", "备注"], "column '备注' occurs twice"),
        (["成果编号", "简介"], r"no column title \(成果名称\) for achievements; it has: 成果编号, 简介"),
        (["成果编号", "成果名称", "价格下限(万美元)"], "is in '万美元'; use 万元, 元 or 亿元"),
    ],
)
def test_unusable_headers_are_refused(headers, message):
    with pytest.raises(InputError, match=message):
        fields(headers)


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
