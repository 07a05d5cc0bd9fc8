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
from data.files.reading.lines import encoding_of
from data.files.reading.readers import open_table

ROWS = [
    {"成果编号": "A1", "成果名称": "低温污泥干化设备", "备注": "含水率,降到40%\n第二行"},
    {"成果编号": "A2", "成果名称": "石墨烯“导热”膜", "备注": ""},
]


def read(path):
    with open_table(path) as table:
        return (
            table.headers,
            [(row.number, row.cells, row.problem or row.note or None) for row in table.rows],
            table.notes,
        )


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
    assert encoding_of(write_csv(tmp_path / "u.csv", "utf-8")) == "utf-8"
    assert encoding_of(write_csv(tmp_path / "g.csv", "gb18030")) == "gb18030"


TRADITIONAL = [{"成果編號": f"A{i}", "成果名稱": "低溫污泥乾化設備與處理機構，節約能源"} for i in range(9)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "big5", "cp950", "gb18030", "utf-8"])
def test_traditional_characters_and_wide_encodings_are_read(tmp_path, encoding):
    headers, rows, _ = read(write_csv(tmp_path / "a.csv", encoding, TRADITIONAL))
    assert headers == ("成果編號", "成果名稱")
    assert [cells for _, cells, _ in rows] == TRADITIONAL


@pytest.mark.parametrize(
    "rows", [[{"id": "A1", "title": "低温乾燥装置のカタログ"}], [{"id": "A1", "title": "ダイヤモンド"}]]
)
def test_encodings_that_make_no_chinese_are_refused(tmp_path, rows):
    with pytest.raises(InputError, match="in no encoding that Chinese files use"):
        read(write_csv(tmp_path / "a.csv", "shift_jis", rows))


@pytest.mark.slow
def test_a_broken_byte_is_named_by_its_line_and_the_rest_is_read(tmp_path):
    path = tmp_path / "成果.csv"
    path.write_bytes(
        "成果编号,成果名称\n".encode() + "1,污泥\n".encode() * 300_000 + b"2,\xff\xe6\n" + "3,末尾\n".encode()
    )
    _, rows, _ = read(path)
    assert len(rows) == 300_002
    (broken,) = [(number, note) for number, _, note in rows if note]
    assert broken[0] == 300_002
    assert "第 300002 行有不属于文件编码的字节" in broken[1]
    assert rows[-1][1]["成果名称"] == "末尾"


def test_lines_in_another_encoding_are_read_where_files_were_joined(tmp_path):
    path = tmp_path / "成果.csv"
    path.write_bytes("成果编号,成果名称\nA1,低温污泥干化设备\n".encode() + "A2,高镍三元正极材料\n".encode("gb18030"))
    assert [cells["成果名称"] for _, cells, _ in read(path)[1]] == ["低温污泥干化设备", "高镍三元正极材料"]


def test_lines_may_end_in_cr_alone(tmp_path):
    path = tmp_path / "成果.csv"
    path.write_bytes("成果编号,成果名称\rA1,设备\rA2,材料\r".encode())
    assert [cells["成果编号"] for _, cells, _ in read(path)[1]] == ["A1", "A2"]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "，", "；", "^"])
def test_any_usual_separator(tmp_path, separator):
    path = tmp_path / "成果.csv"
    path.write_text(f"成果编号{separator}成果名称\nA1{separator}污泥、干化\n", encoding="utf-8")
    assert [cells for _, cells, _ in read(path)[1]] == [{"成果编号": "A1", "成果名称": "污泥、干化"}]


def test_the_separator_may_be_told_by_the_first_line(tmp_path):
    path = tmp_path / "成果.csv"
    path.write_text("\ufeffsep=;\n成果编号;成果名称\nA1;甲,乙\n", encoding="utf-8")
    assert read(path)[1] == [(3, {"成果编号": "A1", "成果名称": "甲,乙"}, None)]


def test_csv_rows_that_do_not_fit_are_named_and_the_rest_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,title\n1,a,b\n\n2\n3,c,\n4,"d"e\n5,f\n6,"open\n', encoding="utf-8")
    _, rows, _ = read(path)
    assert [(number, cells) for number, cells, note in rows if not note] == [
        (2, {"id": "1", "title": "a", "第3列": "b"}),
        (4, {"id": "2"}),
        (5, {"id": "3", "title": "c"}),
        (7, {"id": "5", "title": "f"}),
    ]
    assert [(number, note) for number, _, note in rows if note] == [
        (6, "第 6 行的引号不成对，已按一行读取"),
        (8, "第 8 行的引号没有关闭，已按一行读取"),
    ]


@pytest.mark.parametrize("closed_at", [None, 14, 19])
@pytest.mark.parametrize("opened_at", [1, 5])
def test_an_open_quotation_mark_swallows_no_row(tmp_path, opened_at, closed_at):
    lines = [f"A{i:03d},名称{i},简介,某校" for i in range(20)]
    lines[opened_at] = f'A{opened_at:03d},名称{opened_at},"没有关的引号,某校'
    if closed_at is not None:
        lines[closed_at] = f'A{closed_at:03d},名称{closed_at},"有引号, 的简介",某校'
    path = tmp_path / "成果.csv"
    path.write_text("成果编号,成果名称,成果简介,完成单位\n" + "\n".join(lines) + "\n", encoding="utf-8")
    _, rows, _ = read(path)
    assert [cells["成果编号"] for _, cells, _ in rows] == [f"A{i:03d}" for i in range(20)]
    assert [number for number, _, note in rows if note] == [opened_at + 2]
    if closed_at is not None:
        assert rows[closed_at][1]["成果简介"] == "有引号, 的简介"


def test_a_cell_of_many_lines_is_no_open_quotation_mark(tmp_path):
    text = '第一段，含水率。\n\n第二段, 有逗号\n第三段 5"管' * 20
    path = write_csv(tmp_path / "成果.csv", "utf-8", [{"成果编号": "A1", "成果名称": "题", "成果简介": text}] * 3)
    assert [(cells["成果简介"], note) for _, cells, note in read(path)[1]] == [(text, None)] * 3


def test_backslashes_before_quotation_marks(tmp_path):
    path = tmp_path / "成果.csv"
    path.write_text('成果编号,成果名称\nA1,"5\\"管, 道"\n', encoding="utf-8")
    assert read(path)[1] == [(2, {"成果编号": "A1", "成果名称": '5"管, 道'}, None)]


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
    book.create_sheet("其他").append(["甲", "乙"])
    book.save(tmp_path / "a.xlsx")
    headers, rows, notes = read(tmp_path / "a.xlsx")
    assert headers == ("成果编号", "成果名称", "地区代码", "发布日期", "价格下限(万元)")
    assert rows[0] == (3, dict(zip(headers, [1001, "设备", 410100, date(2024, 5, 1), 12.5], strict=True)), None)
    assert rows[1][0] == 5
    assert rows[1][1]["第6列"] == "多余"
    assert notes == ("未读取没有数据表的工作表：其他",)


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
        ("a.csv", b"PK\x03\x04 really a workbook", "no readable Excel"),
        ("a.csv", b"id,title\n1,\0\0\n", "is no text file"),
        ("a.xlsx", b"no workbook\0", "no readable Excel, WPS or OpenDocument workbook"),
        ("a.xls", b"<html><body>login</body></html>", "a web page without a table"),
        ("a.parquet", b"no parquet", "no readable Parquet file"),
        ("a.jsonl", b"[1, 2]\n", "line 1 is no JSON object"),
        (
            "a.jsonl",
            '{"id": "编号", "title": "设备的名称"}'.encode("gb18030"),
            "line 1 is no JSON object; give one object a line, in UTF-8",
        ),
        ("a.jsonl", b"\n \n", "is empty"),
        ("a.doc", b"x", "format .doc is not read; use .csv, .tsv"),
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
