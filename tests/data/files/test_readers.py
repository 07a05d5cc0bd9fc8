import csv
import json
from datetime import date, datetime

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from data.errors import InputError
from data.files.readers import encoding_of, open_table

ROWS = [
    {"成果编号": "A1", "成果名称": "低温污泥干化设备", "备注": "含水率,降到40%\n第二行"},
    {"成果编号": "A2", "成果名称": "石墨烯“导热”膜", "备注": ""},
]


def read(path):
    with open_table(path) as table:
        return table.headers, list(table.rows), table.note


def write_csv(path, encoding, rows=ROWS):
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_csv_in_every_encoding(tmp_path, encoding):
    headers, rows, _ = read(write_csv(tmp_path / "a.csv", encoding))
    assert headers == ("成果编号", "成果名称", "备注")
    assert rows == [(2, ROWS[0], None), (3, ROWS[1], None)]


def test_encodings_are_told_apart(tmp_path):
    assert encoding_of(write_csv(tmp_path / "u.csv", "utf-8")) == "utf-8-sig"
    assert encoding_of(write_csv(tmp_path / "g.csv", "gb18030")) == "gb18030"


TRADITIONAL = [{"id": f"A{i}", "title": "低溫污泥乾化設備與處理機構，節約能源"} for i in range(9)]
LATIN = [{"id": "A1", "title": "Gerät für große Wärmeübertragung, Öl, façade, déjà"}]


@pytest.mark.parametrize(
    ("encoding", "rows", "message"),
    [
        ("utf-16", ROWS, "is UTF-16"),
        ("big5", TRADITIONAL, "neither UTF-8 nor GB18030"),
        ("latin-1", LATIN, "neither UTF-8 nor GB18030"),
        ("shift_jis", [{"id": "A1", "title": "低温乾燥装置のカタログ"}], "neither UTF-8 nor GB18030"),
    ],
)
def test_wrong_encodings_are_refused(tmp_path, encoding, rows, message):
    path = write_csv(tmp_path / "a.csv", encoding, rows)
    with pytest.raises(InputError, match=message):
        read(path)


def test_a_late_wrong_byte_is_found_before_anything_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("编号,名称\n".encode() + b"1,abc\n" * 300_000 + b"2,\xff\xff\n")
    with pytest.raises(InputError, match="neither UTF-8 nor GB18030"):
        read(path)


def test_csv_rows_that_do_not_fit_are_named_and_the_rest_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,title\n1,a,b\n\n2\n3,c,\n4,"d"e\n5,f\n6,"open\n', encoding="utf-8")
    _, rows, _ = read(path)
    assert [(number, cells) for number, cells, problem in rows if not problem] == [
        (4, {"id": "2"}),
        (5, {"id": "3", "title": "c"}),
        (7, {"id": "5", "title": "f"}),
    ]
    assert [(number, problem[:4]) for number, _, problem in rows if problem] == [
        (2, "有 3 "),
        (6, "引号不成"),
        (8, "引号不成"),
    ]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    cells=st.lists(
        st.tuples(*[st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)] * 2),
        min_size=1,
        max_size=8,
    )
)
def test_whatever_csv_writes_is_read_back(tmp_path_factory, cells):
    rows = [{"编号": f"A{i}", "甲": a, "乙": b} for i, (a, b) in enumerate(cells)]
    path = write_csv(tmp_path_factory.mktemp("csv") / "a.csv", "utf-8", rows)
    assert [cells for _, cells, _ in read(path)[1]] == rows


def test_xlsx(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "成果"
    book.active.append([None])
    book.active.append(["成果编号", "成果名称", "地区代码", "发布日期", "价格下限(万元)", None])
    book.active.append([1001, "设备", 410100.0, datetime(2024, 5, 1), 12.5])
    book.active.append([])
    book.active.append(["A2", None, None, None, None, "多余"])
    book.create_sheet("其他")
    book.save(tmp_path / "a.xlsx")
    headers, rows, note = read(tmp_path / "a.xlsx")
    assert headers == ("成果编号", "成果名称", "地区代码", "发布日期", "价格下限(万元)")
    first = dict(zip(headers, [1001, "设备", 410100, datetime(2024, 5, 1), 12.5], strict=True))
    assert rows[0] == (3, first, None)
    assert rows[1][0] == 5
    assert "没有对应的列" in rows[1][2]
    assert note == "只读取第一个工作表“成果”"


def test_json_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = ['{"id": "1"}', "", '{"id": "2", "title": "题", "keywords": ["a", "b"]}', "[1]", "{broken"]
    path.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    headers, rows, _ = read(path)
    assert headers == ("id", "title", "keywords")
    assert [(number, cells) for number, cells, problem in rows if not problem] == [
        (1, {"id": "1"}),
        (3, json.loads(lines[2])),
    ]
    assert [(number, problem[:5]) for number, _, problem in rows if problem] == [(4, "不是 JS"), (5, "不是有效的")]


def test_parquet(tmp_path):
    columns = {
        "id": [str(i) for i in range(2_500)],
        "price_min": [None, 1.5] * 1_250,
        "deadline": [date(2024, 5, 1)] * 2_500,
    }
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    headers, rows, _ = read(tmp_path / "a.parquet")
    assert headers == ("id", "price_min", "deadline")
    assert len(rows) == 2_500
    assert rows[1] == (2, {"id": "1", "price_min": 1.5, "deadline": date(2024, 5, 1)}, None)


def test_progress_reaches_the_end(tmp_path):
    path = write_csv(tmp_path / "a.csv", "utf-8", ROWS * 500)
    with open_table(path) as table:
        assert 0 <= table.done() < 1
        list(table.rows)
        assert table.done() == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n , \n", "is empty"),
        ("a.csv", "\ufeff".encode(), "is empty"),
        ("a.csv", b'"id,title\n1,a\n', "header row has a quotation mark"),
        ("a.csv", b"PK\x03\x04 really a workbook", "is a ZIP or Excel file"),
        ("a.csv", b"id,title\n1,\0\0\n", "neither UTF-8"),
        ("a.xlsx", b"no workbook", "no readable Excel workbook"),
        ("a.parquet", b"no parquet", "no readable Parquet file"),
        ("a.jsonl", b"[1, 2]\n", "line 1 is no JSON object"),
        ("a.jsonl", '{"id": "编号", "title": "设备的名称"}'.encode("gb18030"), "is not UTF-8"),
        ("a.jsonl", b"\n \n", "is empty"),
        ("a.doc", b"x", "format .doc is not read; use .csv, .xlsx, .jsonl"),
    ],
)
def test_unusable_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "a.csv")
