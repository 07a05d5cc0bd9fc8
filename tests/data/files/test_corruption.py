"""A good file damaged in one or two of more than thirty ways: no crash, every row accounted for, nothing known lost."""

import csv
import io
import random
import re
import tempfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import InputError
from data.files.importer import import_paths
from data.records import Achievement
from data.store.store import Store

HEADER = [
    "成果编号",
    "成果名称",
    "成果简介",
    "完成单位",
    "地区代码",
    "技术成熟度",
    "价格下限(万元)",
    "发布日期",
    "状态",
    "备注",
]
ROWS = [
    [
        f"A{i:03d}",
        f"污泥干化装置{i}型",
        f"含水率由80%降至{30 + i}%",
        f"某某大学{i % 3}",
        "410100",
        "6",
        "50",
        "2024-05-01",
        "发布",
        "x",
    ]
    for i in range(12)
]
KNOWN = [
    Achievement(
        achievement_id=f"A{i:03d}",
        title="旧名称",
        content="旧简介",
        holder="旧单位",
        indicators="旧指标",
        region="110000",
        trl=3,
    )
    for i in range(0, 12, 2)
]


def cell(value, column=None):
    """Return the damage that writes a value into a random cell (of a column)."""

    def damage(rows, rng):
        row = rng.randrange(1, len(rows))
        rows[row][rng.randrange(1, len(HEADER)) if column is None else column] = value

    return damage


def insert(line, at=None):
    def damage(rows, rng):
        rows.insert(rng.randrange(2, len(rows) + 1) if at is None else at, list(line))

    return damage


def change(function):
    def damage(rows, rng):
        row = rng.randrange(1, len(rows))
        rows[row] = function(rows[row])

    return damage


def of_column(function):
    def damage(rows, rng):
        column = rng.randrange(2, len(HEADER))
        for row in rows:
            if column < len(row):
                function(row, column)

    return damage


def shuffle_columns(rows, rng):
    order = list(range(len(HEADER)))
    rng.shuffle(order)
    for row in rows:
        row[:] = [row[i] if i < len(row) else "" for i in order]


def repeat(rows, rng):
    rows.append(list(rows[rng.randrange(1, len(rows))]))


def same_id(rows, rng):
    rows.append([rows[1][0], *rows[2][1:]])


def column_gone(rows, rng):
    at = rng.randrange(2, len(HEADER))
    for row in rows:
        del row[at : at + 1]


# On rows: the file still holds all of them, one record a line.
ON_ROWS = {
    "price in words": cell("五十多万元吧", 6), "price in dollars": cell("$5", 6), "price below zero": cell("-1", 6),
    "date of nobody": cell("2024-13-45", 7), "null date": cell("0001-01-01", 7), "serial date": cell("45413", 7),
    "level in words": cell("快成熟了", 5), "place of nobody": cell("火星", 4), "status of nobody": cell("?!", 8),
    "error value": cell("#REF!"), "formula": cell("=SUM(A1:A9)"), "null": cell("NULL"), "dash": cell("—"),
    "long text": cell("长" * 60_000, 2), "long label": cell("长" * 900, 3), "replacement mark": cell("\ufffd\ufffd\ufffd"),
    "invisible marks": cell("\u200b\ufeff\u2060"), "surrogate": cell("𠀀\U0010ffff"), "huge number": cell("9" * 400),
    "infinity": cell("inf"), "quotes": cell('a"b"c'), "comma": cell("甲,乙"), "line break": cell("甲\n乙", 2),
    "damaged id": cell("4.1E+17", 0), "no id": cell("", 0), "dash as id": cell("-", 0), "quoted id": cell('="A003"', 0),
    "marked id": cell("\ufeffA004\u200b", 0), "empty title": cell("无", 1), "blank title": cell("", 1),
    "header again": insert(HEADER), "total": insert(["合计", "12"]), "signature": insert(["填表人：张三", "审核人：李四"]),
    "remark": insert(["注：由科技处填写"]), "title row": insert(["某某大学科技成果汇总表"], 0),
    "short row": change(lambda row: row[:3]), "long row": change(lambda row: [*row, "多", "余"]),
    "repeated row": repeat, "second row of an id": same_id, "columns in another order": shuffle_columns,
    "trailing columns": lambda rows, _: [row.extend(["", ""]) for row in rows],
    "no header of a column": of_column(lambda row, column: row.__setitem__(column, "" if row[0] == HEADER[0] else row[column])),
    "column gone": column_gone,
}  # fmt: skip
# On the text of a CSV file.
ON_TEXT = {
    "open quotation mark": lambda text, rng: _in_line(text, rng, lambda line: line.replace("含水率", '"含水率', 1)),
    "stray quotation mark": lambda text, rng: _in_line(text, rng, lambda line: line.replace("污泥", '污"泥', 1)),
    "tabs": lambda text, _: text.replace(",", "\t"),
    "semicolons": lambda text, _: text.replace(",", ";"),
    "sep line": lambda text, _: "sep=,\n" + text,
    "carriage returns": lambda text, _: text.replace("\n", "\r"),
    "windows line ends": lambda text, _: text.replace("\n", "\r\n"),
    "no last line end": lambda text, _: text.rstrip("\n"),
}
ON_BYTES = {
    "gb18030": lambda text, _: text.encode("gb18030"),
    "utf-16": lambda text, _: text.encode("utf-16"),
    "mark": lambda text, _: text.encode("utf-8-sig"),
    "broken byte": lambda text, rng: _with_broken_byte(text.encode(), rng),
    "two encodings": lambda text, _: text[: len(text) // 2].encode() + text[len(text) // 2 :].encode("gb18030"),
}


def _in_line(text, rng, function):
    lines = text.split("\n")
    at = rng.randrange(1, len(lines))
    lines[at] = function(lines[at])
    return "\n".join(lines)


def _with_broken_byte(data, rng):
    at = rng.randrange(len(data) // 2, len(data))
    return data[:at] + b"\xff" + data[at + 1 :] if data[at : at + 1] not in (b"\n", b"\r", b",", b'"') else data


def test_there_are_at_least_thirty_ways_of_damage():
    assert len(ON_ROWS) + len(ON_TEXT) + len(ON_BYTES) >= 50


def damaged(names, text_name, bytes_name, seed):
    rng = random.Random(seed)
    rows = [list(HEADER), *map(list, ROWS)]
    for name in names:
        ON_ROWS[name](rows, rng)
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    text = file.getvalue()
    if text_name:
        text = ON_TEXT[text_name](text, rng)
    return rows, ON_BYTES[bytes_name](text, rng) if bytes_name else text.encode()


def check(path, rows, *, exact):
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/store.db") as store:
        store.upsert_achievements(KNOWN)
        before = store.digest()
        try:
            summary = import_paths(store, [path], rejects=Path(folder) / "rejects")
        except InputError as error:
            assert store.digest() == before, "refused, yet written"
            assert_clear(str(error), path)
            assert_clear(error.chinese, path)
            return
        (result,) = summary.files
        accounted = (
            result.inserted + result.updated + result.unchanged + result.repeated + result.skipped + result.rejected
        )
        assert result.read == accounted
        for listed in (result.rejects_file, result.notes_file):
            if listed is not None:
                assert_listed(listed, path)
        above = next((i for i, row in enumerate(rows) if row[:2] == HEADER[:2] or set(row) >= set(HEADER[:2])), 0)
        if exact:
            assert result.read == len(rows) - 1 - above
        for known in KNOWN:
            now = store.achievement(known.achievement_id)
            assert now.title
            assert now.indicators == "旧指标", "the file has no such column"
            assert now.holder or any(row and row[0] == known.achievement_id for row in rows)
            assert now.trl is not None or now.trl == known.trl or _blank(rows, known.achievement_id)
        again = import_paths(store, [path], rejects=Path(folder) / "rejects").files[0]
        assert (again.inserted, again.updated) == (0, 0)


def assert_clear(line, path):
    """An error is one line that names the file and says more than that."""
    assert path.name in line
    assert len(line) > len(str(path)) + 8
    assert len(line.splitlines()) == 1
    assert "Error" not in line
    assert "Traceback" not in line


def assert_listed(file, path):
    """Every row of a list of rejected or noted rows names the file and the row, and has a reason of one line in Chinese."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        for line in csv.DictReader(opened):
            assert line["文件"].startswith(path.name)
            assert line["行"].isdigit()
            assert re.search("[\u4e00-\u9fff]", line["原因"]), line
            assert len(line["原因"].splitlines()) == 1


def _blank(rows, wanted):
    """Tell whether the file has a blank or missing-word level for the record: then it may be emptied."""
    mine = [row for row in rows if (row and wanted in str(row[0])) or wanted in row]
    return any("6" not in row for row in mine) or not mine


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    names=st.lists(st.sampled_from(sorted(ON_ROWS)), min_size=1, max_size=2, unique=True),
    text_name=st.sampled_from(["", "", *sorted(ON_TEXT)]),
    bytes_name=st.sampled_from(["", "", *sorted(ON_BYTES)]),
    seed=st.integers(0, 2**16),
)
def test_a_damaged_csv_file_loses_nothing(names, text_name, bytes_name, seed):
    rows, data = damaged(names, text_name, bytes_name, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "成果.csv"
        path.write_bytes(data)
        lines = "line break" in names or (text_name == "carriage returns")
        odd = text_name in ("tabs", "semicolons") and {"line break", "comma", "quotes", "long row"} & set(names)
        check(path, rows, exact=not lines and not odd and bytes_name != "broken byte" and text_name != "sep line")


@pytest.mark.parametrize("lost", ["column gone", "no header of a column"])
@pytest.mark.parametrize("seed", range(4))
def test_a_header_below_a_damaged_one_is_no_new_beginning(lost, seed, tmp_path):
    """The whole header further down has more known names than the first, whose rows are records all the same."""
    rows, data = damaged([lost, "header again"], "", "", seed)
    path = tmp_path / "成果.csv"
    path.write_bytes(data)
    check(path, rows, exact=True)


@pytest.mark.parametrize("name", sorted(ON_ROWS))
def test_a_damaged_workbook_loses_nothing(name, tmp_path):
    rows = [list(HEADER), *map(list, ROWS)]
    ON_ROWS[name](rows, random.Random(7))
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([value[:32_000] if isinstance(value, str) else value for value in row])
    book.save(tmp_path / "成果.xlsx")
    check(tmp_path / "成果.xlsx", rows, exact=True)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("成果.csv", b""),
        ("成果.csv", b"\n\n\n"),
        ("成果.csv", bytes(range(256)) * 8),
        ("成果.csv", "成果编号,简介\nA1,x\n".encode()),
        ("成果.csv", b"\xff\xfe\x00\xd8" * 90),
        ("成果.xlsx", b"PK\x03\x04 no workbook"),
        ("成果.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("成果.xls", b"<html><body>404 Not Found</body></html>"),
        ("成果.ods", b"\0" * 700),
        ("成果.jsonl", b"[1, 2]\n"),
        ("成果.jsonl", b"not json\n"),
        ("成果.parquet", b"PAR1 nothing PAR1"),
        ("成果.pdf", b"%PDF-1.7"),
    ],
)
def test_every_error_is_one_clear_line_in_either_language(name, data, tmp_path):
    (tmp_path / name).write_bytes(data)
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        with pytest.raises(InputError) as raised:
            import_paths(store, [tmp_path / name], rejects=tmp_path / "rejects")
        assert store.counts().achievements == 0
        assert store.imports.latest() == []
    assert_clear(str(raised.value), tmp_path / name)
    assert_clear(raised.value.chinese, tmp_path / name)
    assert re.search("[\u4e00-\u9fff]{4}", raised.value.chinese.replace(str(tmp_path / name), ""))
