"""Folders of judged pairs: what is read, what is kept, what is refused."""

import csv

import numpy as np
import pytest

from data.errors import InputError, NotFoundError
from data.files.judged import UNTITLED, load_judged

DEMANDS = [["demand_id", "title", "content"], ["D1", "污泥干化", "含水率降到40%以下"], ["D2", "涂层", ""]]
ACHIEVEMENTS = [["achievement_id", "title"], ["A1", "干化设备 污泥"], ["A2", ""], ["A3", "干化设备 污泥"]]
JUDGEMENTS = [["demand_id", "achievement_id", "level"], ["D1", "A1", "4"], ["D2", "A2", "1"], ["D1", "A1", "2"]]


@pytest.fixture
def folder(tmp_path):
    def write(demands=DEMANDS, achievements=ACHIEVEMENTS, judgements=JUDGEMENTS, *, name="set", encoding="utf-8"):
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        tables = {"demands": demands, "achievements": achievements, "judgements": judgements}
        for stem, table in tables.items():
            with (directory / f"{stem}.csv").open("w", encoding=encoding, newline="") as file:
                csv.writer(file).writerows(table)
        return directory

    return write


def test_rows_are_kept_as_they_are(folder):
    (pairs,) = load_judged(folder())
    assert [demand.demand_id for demand in pairs.demands] == ["D1", "D2"]
    assert pairs.demand_rows.tolist() == [0, 1, 0]
    assert pairs.achievement_rows.tolist() == [0, 1, 0]
    assert pairs.levels.tolist() == [4, 1, 2]  # the pair judged twice stays twice
    assert pairs.demands[0].content == "含水率降到40%以下"


def test_a_record_without_title_stays_in_the_evaluation(folder):
    (pairs,) = load_judged(folder(demands=[DEMANDS[0], ["D1", " ", "只有内容"], ["D2", "", ""]]))
    assert pairs.achievements[1].title == UNTITLED
    assert [demand.title for demand in pairs.demands] == ["只有内容", UNTITLED]
    assert len(pairs) == 3


def test_a_byte_order_mark_is_no_part_of_the_first_header(folder):
    (pairs,) = load_judged(folder(encoding="utf-8-sig"))
    assert len(pairs) == 3


def test_pairs_of_equal_texts_are_one_group(folder):
    judged = [*JUDGEMENTS, ["D1", "A3", "3"]]
    (pairs,) = load_judged(folder(judgements=judged))
    group = pairs.pair_group()
    assert group[0] == group[2] == group[3]
    assert group[1] != group[0]


def test_demands_of_equal_title_or_content_are_one_group_through_the_normalised_text(folder):
    demands = [
        DEMANDS[0],
        ["D1", "污泥干化", "甲"],
        ["D2", "汙泥　乾化", "乙"],  # Traditional characters, ideographic space
        ["D3", "另一需求", "乙"],
        ["D4", "独立需求", ""],
        ["D5", "又一独立需求", ""],
    ]
    judged = [JUDGEMENTS[0], *([f"D{i}", "A1", "1"] for i in range(1, 6))]
    (pairs,) = load_judged(
        folder([row if row[0] != "D2" else ["D2", "污泥干化 ", "乙"] for row in demands], judgements=judged)
    )
    group = pairs.demand_group()
    assert group[0] == group[1] == group[2]
    assert len(set(group.tolist())) == 3


def test_several_folders_share_their_records(folder):
    second = folder(
        demands=[DEMANDS[0], ["D2", "涂层", "新内容"], ["D9", "新需求", ""]],
        judgements=[JUDGEMENTS[0], ["D9", "A1", "3"], ["D2", "A1", "2"]],
        name="second",
    )
    train, test = load_judged(folder(), second)
    assert train.demands == test.demands
    assert [test.demands[row].demand_id for row in test.demand_rows] == ["D9", "D2"]
    assert train.demands[1].content == "新内容"  # of an id in several folders the last counts
    np.testing.assert_array_equal(train.levels, [4, 1, 2])


def test_a_missing_folder_or_file_is_named(folder, tmp_path):
    with pytest.raises(NotFoundError, match=r"nowhere/demands\.csv does not exist; a judged dataset is a folder with"):
        load_judged(tmp_path / "nowhere")
    directory = folder()
    (directory / "judgements.csv").unlink()
    with pytest.raises(NotFoundError, match=r"judgements\.csv does not exist"):
        load_judged(directory)


def test_a_missing_column_is_named(folder):
    with pytest.raises(InputError, match=r"judgements\.csv: no column level"):
        load_judged(folder(judgements=[["demand_id", "achievement_id"], ["D1", "A1"]]))


def test_an_empty_file_is_named(folder):
    directory = folder()
    (directory / "achievements.csv").write_bytes(b"")
    with pytest.raises(InputError, match=r"achievements\.csv is empty"):
        load_judged(directory)


def test_files_saved_by_a_chinese_excel_are_read(folder):
    plain, chinese = load_judged(folder())[0], load_judged(folder(name="gb", encoding="gb18030"))[0]
    assert chinese.demands == plain.demands
    assert chinese.levels.tolist() == plain.levels.tolist()


def test_any_encoding_of_spreadsheets_is_read(folder):
    assert len(load_judged(folder(encoding="utf-16"))[0]) == len(JUDGEMENTS) - 1


@pytest.mark.parametrize("level", ["0", "5", "2.5", "", "高"])
def test_a_bad_level_is_quoted_with_its_row(folder, level):
    with pytest.raises(InputError, match=rf"judgements\.csv row 3, column level: '{level}' "):
        load_judged(folder(judgements=[*JUDGEMENTS[:2], ["D1", "A1", level]]))


@pytest.mark.parametrize(("row", "named"), [(["D7", "A1", "1"], "'D7'"), (["D1", "A7", "1"], "'A7'")])
def test_an_unknown_record_is_named(folder, row, named):
    with pytest.raises(InputError, match=f"name {named}, which none of the folders holds"):
        load_judged(folder(judgements=[JUDGEMENTS[0], row]))


@pytest.mark.parametrize(
    ("demands", "said"),
    [
        ([DEMANDS[0], ["", "污泥", ""]], "demand_id"),
        ([DEMANDS[0], ["D1", "长" * 501, ""]], "title"),
    ],
)
def test_a_record_that_cannot_be_used_is_one_clear_line(folder, demands, said):
    with pytest.raises(InputError, match=said) as caught:
        load_judged(folder(demands=demands))
    assert "\n" not in str(caught.value)
    assert "demands.csv" in str(caught.value)
