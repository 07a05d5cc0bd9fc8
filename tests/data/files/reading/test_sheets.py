"""Sheets as people make them: titles, two header rows, merged cells, help sheets, totals, formulas, other formats."""

import zipfile
from datetime import date, datetime

import openpyxl
import pytest
import xlwt

from data.errors import InputError
from data.files.reading.readers import open_tables

HEADER = ["成果编号", "成果名称", "完成单位", "发布日期"]
ROWS = [["A1", "污泥干化", "某校", date(2024, 5, 1)], ["A2", "正极材料", "某所", date(2024, 6, 1)]]


def read(path, **options):
    with open_tables(path, **options) as tables:
        return [(table.sheet, table.headers, list(table.rows), table.notes) for table in tables]


def only(path, **options):
    ((_, headers, rows, notes),) = read(path, **options)
    return headers, [row for row in rows if not row.skipped], notes


def book_of(path, *rows, merged=(), title="成果", more=None):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    for name, lines in (more or {}).items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


def as_xls(path, *rows):
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("成果")
    style = xlwt.XFStyle()
    style.num_format_str = "yyyy-mm-dd"
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write(i, j, datetime.combine(cell, datetime.min.time()), style)
            else:
                sheet.write(i, j, cell)
    book.save(str(path))
    return path


def as_ods(path, *rows):
    def cell(value):
        if isinstance(value, date):
            return f'<table:table-cell office:value-type="date" office:date-value="{value}"/>'
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    lines = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {names}><office:body><office:spreadsheet>'
        f'<table:table table:name="成果">{lines}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:x"/>')
    return path


def as_html(path, *rows):
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    path.write_text(f'<html><meta charset="gbk"><table border=1>{lines}</table></html>', encoding="gbk")
    return path


def as_xml(path, *rows):
    cells = ["".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in row) for row in rows]
    lines = "".join(f"<Row>{row}</Row>" for row in cells)
    path.write_text(
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Worksheet ss:Name="成果"><Table>{lines}</Table></Worksheet></Workbook>',
        encoding="utf-8",
    )
    return path


def as_text(path, *rows):
    path.write_text("\n".join("\t".join(map(str, row)) for row in rows), encoding="gbk")
    return path


WRITERS = {
    "a.xlsx": book_of, "a.xlsm": book_of, "b.csv": book_of, "a.xls": as_xls, "a.et": as_xls, "a.ods": as_ods,
    "b.xls": as_html, "a.html": as_html, "c.xls": as_xml, "d.xls": as_text, "a.tsv": as_text,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_is_what_it_holds_whatever_its_name(tmp_path, name):
    headers, rows, _ = only(WRITERS[name](tmp_path / name, HEADER, *ROWS))
    assert headers == tuple(HEADER)
    assert [[str(cell) for cell in row.cells.values()] for row in rows] == [[str(cell) for cell in row] for row in ROWS]


def test_titles_above_the_header_are_no_data(tmp_path):
    rows = [["某大学2023年度成果汇总表"], ["填报单位：科技处", None, None, "2023年5月"], HEADER, *ROWS]
    _, found, notes = only(book_of(tmp_path / "a.xlsx", *rows, merged=["A1:D1"]))
    assert [row.number for row in found] == [4, 5]
    assert notes == ("表头在第 3 行，其上 2 行未当作数据",)


def test_a_header_over_two_rows(tmp_path):
    rows = [
        ["成果编号", "成果名称", "合作信息", None],
        [None, None, "合作方式", "完成单位"],
        ["A1", "题", "转让", "某校"],
    ]
    merged = ["A1:A2", "B1:B2", "C1:D1"]
    headers, found, _ = only(book_of(tmp_path / "a.xlsx", *rows, merged=merged))
    assert headers == ("成果编号", "成果名称", "合作方式", "完成单位")
    assert [list(row.cells.values()) for row in found] == [["A1", "题", "转让", "某校"]]
    assert only(book_of(tmp_path / "b.xlsx", *rows))[0] == headers


def test_cells_merged_down_are_filled(tmp_path):
    rows = [
        HEADER,
        ["A1", "甲", "某校", None],
        ["A2", "乙", None, None],
        ["A3", "丙", None, None],
        ["A4", "丁", "某所", None],
    ]
    _, found, _ = only(book_of(tmp_path / "a.xlsx", *rows, merged=["C2:C4"]))
    assert [row.cells["完成单位"] for row in found] == ["某校", "某校", "某校", "某所"]


def test_help_sheets_are_left_out_and_all_data_sheets_read(tmp_path):
    more = {"2022": [HEADER, ROWS[0]], "2023": [HEADER, ROWS[1]], "字典": [["高校"], ["企业"]]}
    path = book_of(tmp_path / "a.xlsx", ["填表说明"], ["1.名称必填"], title="说明", more=more)
    assert [(sheet, len(rows)) for sheet, _, rows, _ in read(path)] == [("2022", 1), ("2023", 1)]
    assert read(path)[0][3] == ("未读取没有数据表的工作表：说明、字典",)
    assert only(path, sheet="2023")[1][0].cells["成果编号"] == "A2"
    assert only(path, sheet="2")[1][0].cells["成果编号"] == "A1"
    with pytest.raises(InputError, match="has no sheet '2024'; it has: 说明, 2022, 2023, 字典"):
        read(path, sheet="2024")


def test_the_header_row_can_be_told(tmp_path):
    path = book_of(tmp_path / "a.xlsx", HEADER, ["编", "名", "位", "期"], *ROWS)
    assert only(path, header_row=2)[0] == ("编", "名", "位", "期")
    with pytest.raises(InputError, match="has no row 99 with content"):
        read(path, header_row=99)


def test_columns_without_header_or_with_the_same_one(tmp_path):
    header = ["成果编号", None, "成果名称", "备注", "备注"]
    headers, rows, _ = only(book_of(tmp_path / "a.xlsx", header, ["A1", "x", "题", "一", "二", "三"]))
    assert headers == ("成果编号", "第2列", "成果名称", "备注", "备注(2)")
    assert rows[0].cells == dict(zip([*headers, "第6列"], ["A1", "x", "题", "一", "二", "三"], strict=True))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (HEADER, "与表头相同，已跳过"),
        (["合计", 2, None, None], "是合计行，已跳过"),
        (["合 计", "2 项", None, None], "是合计行，已跳过"),
        (["填表人：张三", "审核人：李四", None, "2023-05-10"], "是填表、审核等签署行，已跳过"),
        (["单位（盖章）：", None, None, None], "是填表、审核等签署行，已跳过"),
        (["注：1.本表由各学院填写", None, None, None], "是说明文字，已跳过"),
        (["示例", "某装置", "某校", None], "是填写示例，已跳过"),
        (["A9", "合计功率可调的电源", "某校", None], ""),
        (["A8", "负责人电话录音分析", None, None], ""),
    ],
)
def test_rows_that_are_no_records_are_skipped_by_name(tmp_path, row, why):
    ((_, _, rows, _),) = read(book_of(tmp_path / "a.xlsx", HEADER, *ROWS, row))
    assert [one.skipped for one in rows] == ["", "", why]


def test_a_formula_without_value_says_so(tmp_path):
    _, rows, _ = only(book_of(tmp_path / "a.xlsx", HEADER, ["A1", '=A2&"题"', "某校", None]))
    assert str(rows[0].cells["成果名称"]) == "公式没有计算结果，请用表格软件打开、保存后再导入"


def test_hidden_sheets_and_sheets_of_nothing(tmp_path):
    path = book_of(tmp_path / "a.xlsx", HEADER, *ROWS, more={"隐藏": [HEADER, ["A9", "题"]], "空": []})
    book = openpyxl.load_workbook(path)
    book["隐藏"].sheet_state = "hidden"
    book.save(path)
    assert [row.cells["成果编号"] for row in only(path)[1]] == ["A1", "A2"]
