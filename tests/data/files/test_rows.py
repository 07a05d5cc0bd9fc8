"""What of a row goes in, what is noted, and what refuses it."""

import csv

import pytest

from data.files.importer import import_paths
from data.store.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


@pytest.fixture
def run(store, tmp_path):
    def import_them(*paths, **options):
        return import_paths(store, paths, rejects=tmp_path / "rejects", **options)

    return import_them


def write(path, headers, *rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([headers, *rows])
    return path


def rejects_in(result):
    return listed(result.rejects_file)


def notes_in(result):
    return listed(result.notes_file)


def listed(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(int(row["行"]), row["列"], row["值"], row["原因"]) for row in csv.DictReader(file)]


LONG = "长" * 50_001
HEADERS_OF_ALL = [
    "成果编号",
    "成果名称",
    "成果简介",
    "发布日期",
    "价格下限(万元)",
    "地区代码",
    "技术成熟度",
    "状态",
    "备注",
]
BAD_ROWS = [
    (["", "无编号"], "成果编号", "", "必填，不能为空"),
    (["B1", "  "], "成果名称", "  ".strip(), "必填，不能为空"),
    (["B2", "题" * 501], "成果名称", "题" * 200 + "…", "超过 500 字"),
    (["-", "题"], "成果编号", "'-", "“-”不是编号，请填写真实的编号"),
    (["4.1E+17", "题"], "成果编号", "4.1E+17", "“4.1E+17”是被表格软件改写过的编号，请把该列设为文本后重新导出"),
    (["B3", "详见附件"], "成果名称", "详见附件", "名称没有实际内容"),
    (["G1", "又来"], "成果编号", "G1", "编号重复，首次出现在第 2 行"),
]
# An optional cell that cannot be read, and why: the record goes in without it.
UNREAD = [
    ({"成果简介": LONG}, "长" * 200 + "…", "超过 50000 字，多出的部分未读取"),
    ({"发布日期": "2024-13-01"}, "2024-13-01", "日历上没有这一天"),
    ({"发布日期": "昨天"}, "昨天", "不是有效的日期，例如 2024-05-01"),
    ({"发布日期": "2926-01-01"}, "2926-01-01", "晚于 2199 年"),
    ({"价格下限(万元)": "-5"}, "-5", "不能小于 0"),
    ({"价格下限(万元)": "一口价"}, "一口价", "不是数字"),
    ({"价格下限(万元)": "inf"}, "inf", "不是有限的数字"),
    ({"地区代码": "火星"}, "火星", "看不出是哪个地区（GB/T 2260 代码或省、市、区县的名称）"),
    ({"技术成熟度": "12"}, "12", "不是 1 至 9 级"),
    ({"状态": "飞走了"}, "飞走了", "不是已知的状态，可用：发布、对接中、已转让、下架、撤回"),
    ({"备注": LONG}, "长" * 200 + "…", "超过 50000 字，多出的部分未读取"),
]


def test_bad_rows_are_listed_and_good_rows_go_in(store, run, tmp_path):
    rows = [["G1", "好"], *(row for row, *_ in BAD_ROWS), ["G2", "也好"]]
    summary = run(write(tmp_path / "achievements.csv", HEADERS_OF_ALL, *rows))
    (result,) = summary.files
    assert [record.achievement_id for record in store.achievements()] == ["G1", "G2"]
    assert summary.exit_code == 3
    assert (result.read, result.inserted, result.rejected) == (len(rows), 2, len(BAD_ROWS))
    expected = [(number, column, value, reason) for number, (_, column, value, reason) in enumerate(BAD_ROWS, start=3)]
    assert rejects_in(result) == expected
    assert result.rejects_file.parent == tmp_path / "rejects"
    assert [file.name for file in result.rejects_file.parent.iterdir()] == [result.rejects_file.name]
    assert run(tmp_path / "achievements.csv").files[0].rejects_file == result.rejects_file


def test_an_optional_cell_never_loses_its_record(store, run, tmp_path):
    rows = [
        [f"U{i}", "题", *(cells.get(header, "") for header in HEADERS_OF_ALL[2:])]
        for i, (cells, *_) in enumerate(UNREAD)
    ]
    summary = run(write(tmp_path / "achievements.csv", HEADERS_OF_ALL, *rows))
    (result,) = summary.files
    assert (summary.exit_code, result.inserted, result.rejected, result.noted) == (0, len(UNREAD), 0, len(UNREAD))
    expected = [
        (number, header, f"'{value}" if value == "-5x" else value, reason)
        for number, (cells, value, reason) in enumerate(UNREAD, start=2)
        for header in cells
    ]
    assert notes_in(result) == expected
    for i, (cells, *_) in enumerate(UNREAD):
        record = store.achievement(f"U{i}")
        ((header, written),) = cells.items()
        assert (record.published_at, record.price_min, record.region, record.trl) == (None, None, None, None)
        assert record.status == "发布"
        assert record.extra == {header: written[:50_000]}


def test_what_is_known_survives_a_cell_that_cannot_be_read(store, run, tmp_path):
    run(write(tmp_path / "成果.csv", ["成果编号", "成果名称", "技术成熟度", "状态"], ["A1", "题", "6", "对接中"]))
    run(write(tmp_path / "成果.csv", ["成果编号", "成果名称", "技术成熟度", "状态"], ["A1", "题", "很高", "?!x"]))
    record = store.achievement("A1")
    assert (record.trl, record.status, record.extra) == (6, "对接中", {"技术成熟度": "很高", "状态": "?!x"})


def test_a_range_upside_down_blames_both_columns(store, run, tmp_path):
    path = write(
        tmp_path / "demands.csv", ["需求编号", "需求名称", "预算下限", "预算上限(万元)"], ["D1", "题", "9", "3"]
    )
    assert notes_in(run(path).files[0]) == [
        (2, "预算下限", "9", "下限高于上限"),
        (2, "预算上限(万元)", "3", "下限高于上限"),
    ]
    record = store.demand("D1")
    assert (record.budget_min, record.budget_max, record.extra) == (
        None,
        None,
        {"预算下限": "9", "预算上限(万元)": "3"},
    )


def test_a_row_with_two_faults_counts_once(run, tmp_path):
    path = write(tmp_path / "demands.csv", ["需求编号", "需求名称", "截止日期"], ["", "", "x"])
    (result,) = run(path).files
    assert result.rejected == 1
    assert len(rejects_in(result)) == 2


def test_values_like_formulas_are_defused_in_the_list(run, tmp_path):
    path = write(tmp_path / "demands.csv", ["需求编号", "需求名称", "截止日期"], ["D1", "题", '=HYPERLINK("x")'])
    assert notes_in(run(path).files[0])[0][2] == '\'=HYPERLINK("x")'
