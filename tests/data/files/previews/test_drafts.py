"""An import being prepared says what it takes each column for, what is wrong, and takes corrections."""

import csv
import random
import re
from datetime import UTC, datetime

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from data.errors import ConflictError, InputError
from data.files.importer import import_sources
from data.files.mappings import save_mapping
from data.files.previews.drafts import ROWS, TableDraft, drafts_of, looked_at, source_of
from data.files.previews.preview import mapping_of
from data.files.synonyms import FileKind
from data.store.imports.undo import Undone
from data.store.store import Store


def write(path, *rows, encoding="utf-8"):
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def corrected(path, draft, **changes):
    return looked_at(path, draft.model_copy(update=changes))


def test_a_table_is_looked_at_and_survives_being_kept_as_json(tmp_path):
    path = write(
        tmp_path / "需求.csv", ["需求编号", "需求名称", "预算金额(元)"], ["D1", "一", "约50万"], ["D2", "", "3"]
    )
    (draft,) = drafts_of(path)
    assert (draft.kind, draft.problem, draft.sheets) == ("demands", "", ())
    shown = draft.preview
    assert [(c.header, c.label, c.examples[0]) for c in shown.columns] == [
        ("需求编号", "需求编号", "D1"),
        ("需求名称", "需求名称", "一"),
        ("预算金额(元)", "预算", "约50万"),
    ]
    assert (shown.read, shown.good, shown.rejected) == (2, 1, 1)
    assert shown.reasons == (("必填，不能为空", 1),)
    assert TableDraft.model_validate_json(draft.model_dump_json()) == draft
    assert str(tmp_path) not in draft.model_dump_json()


def test_a_column_is_corrected_and_a_form_for_another_table_refused(tmp_path):
    path = write(tmp_path / "需求.csv", ["需求编号", "需求名称", "那个"], ["D1", "一", "说明文字"])
    (draft,) = drafts_of(path)
    assert draft.preview.columns[2].how == "原样保留"
    draft.require_version(draft.version)
    mended = corrected(path, draft, mapping={"那个": "content"})
    assert (mended.preview.columns[2].label, mended.preview.columns[2].given) == ("需求内容", True)
    mended.require_version(draft.version)
    turned = corrected(path, draft, kind="achievements", mapping={"那个": "enterprise"})
    assert turned.mapping == {}  # achievements have no such field
    with pytest.raises(ConflictError):
        turned.require_version(draft.version)


def test_what_cannot_be_recognised_is_shown_with_examples_and_can_be_mended(tmp_path):
    path = write(tmp_path / "导出.csv", ["甲", "乙"], ["a1", "一项技术"])
    (draft,) = drafts_of(path)
    assert draft.kind == ""
    assert "请选择种类" in draft.problem
    assert [c.examples for c in draft.preview.columns] == [["a1"], ["一项技术"]]
    with pytest.raises(InputError, match="cannot be imported"):
        source_of(path, draft)
    half = corrected(path, draft, kind="achievements")
    assert half.problem.startswith("作为成果缺少列成果名称")
    assert "--" not in half.problem
    whole = corrected(path, half, mapping={"乙": "title", "甲": "achievement_id"})
    assert (whole.problem, whole.preview.good) == ("", 1)


def test_sheet_and_header_row_can_be_corrected(tmp_path):
    path = workbook(
        tmp_path / "汇总.xlsx",
        说明=[["本表每年填写"]],
        今年=[["成果编号", "成果名称"], ["A1", "一"]],
        去年=[["某市成果"], ["代号", "叫法"], ["B1", "二"]],
    )
    (draft,) = drafts_of(path)
    assert (draft.sheet, draft.sheets) == ("今年", ("说明", "今年", "去年"))
    other = corrected(path, draft, sheet="去年", header_row=2, mapping={"代号": "achievement_id", "叫法": "title"})
    assert (other.problem, other.preview.good) == ("", 1)
    assert re.search(r"第 9 行", corrected(path, draft, header_row=9).problem)
    assert "没有工作表“后年”" in corrected(path, draft, sheet="后年").problem


def test_a_saved_mapping_is_found_again_and_can_be_let_go(tmp_path):
    folder = tmp_path / "mappings"
    path = write(tmp_path / "导出.csv", ["甲", "乙", "丙"], ["a1", "一项技术", "x"])
    (draft,) = drafts_of(path, folder)
    mended = corrected(path, draft, kind="achievements", mapping={"甲": "achievement_id", "乙": "title", "丙": "-"})
    save_mapping(folder, "省平台", FileKind.ACHIEVEMENTS, mapping_of(mended.preview.columns), mended.preview.headers)
    (again,) = drafts_of(path, folder)
    assert (again.mapping_name, again.problem, again.preview.columns[2].how) == ("省平台", "", "按指定不读取")
    assert corrected(path, again, mapping={}).problem.startswith("作为成果缺少列")
    with pytest.raises(InputError) as refused:
        save_mapping(folder, "../x", FileKind.ACHIEVEMENTS, {}, [])
    assert "最多 60 个字" in refused.value.chinese


def test_a_table_of_a_declared_kind_is_looked_at_too(tmp_path):
    path = write(tmp_path / "仪器.csv", ["编号", "名称", "备注"], ["E1", "扫描电镜", "x"])
    (draft,) = drafts_of(path)
    chosen = corrected(path, draft, kind="equipment")
    assert (chosen.problem, chosen.preview.good) == ("", 1)
    assert source_of(path, chosen).kind.value == "equipment"
    assert TableDraft.model_validate_json(chosen.model_dump_json()) == chosen


@pytest.mark.parametrize("name", ["成果.xlsx", "成果.parquet"])
def test_a_damaged_file_is_read_or_refused_and_nothing_else(tmp_path, name):
    path = tmp_path / name
    if path.suffix == ".xlsx":
        workbook(path, 表=[["成果编号", "成果名称"], *[[f"A{n}", f"成果{n}"] for n in range(30)]])
    else:
        table = pa.table({"achievement_id": [f"A{n}" for n in range(30)], "title": [f"成果{n}" for n in range(30)]})
        parquet.write_table(table, path)
    whole = path.read_bytes()
    chance = random.Random(5)
    read, refused = 0, []
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 3, 20))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            read += len(drafts_of(path))
        except InputError as error:
            refused.append(error.chinese)
    assert refused
    assert all(refused)
    assert read > 0


def test_a_draft_reads_no_more_than_a_page_can_wait_for(tmp_path):
    path = write(tmp_path / "成果.csv", ["成果编号", "成果名称"], *[[f"A{n}", f"成果{n}"] for n in range(ROWS + 1)])
    (draft,) = drafts_of(path)
    assert (draft.preview.read, draft.preview.complete) == (ROWS, False)


def test_an_import_that_was_broken_off_is_completed_and_undone_as_one(tmp_path):
    path = write(tmp_path / "成果.csv", ["成果编号", "成果名称"], *[[f"A{n}", f"成果{n}"] for n in range(2500)])
    source = source_of(path, drafts_of(path)[0])

    class EnoughError(Exception):
        pass

    def stop(*_):
        raise EnoughError

    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        number = store.imports.start("测试", datetime.now(UTC))
        with pytest.raises(EnoughError):
            import_sources(store, [source], number, tmp_path / "rejects", stop)
        begun = store.counts().achievements
        assert 0 < begun < 2500
        assert store.imports.get(number).finished_at is None
        summary = import_sources(store, [source], number, tmp_path / "rejects")
        assert (summary.number, summary.files[0].inserted, summary.files[0].unchanged) == (number, 2500 - begun, begun)
        assert store.imports.undoable(store.imports.get(number)) == Undone(removed=2500)
        assert store.imports.undo(number, datetime.now(UTC)) == Undone(removed=2500)
        assert store.counts().achievements == 0
        assert store.imports.undoable(store.imports.get(number)) is None
