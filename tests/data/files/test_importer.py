import csv
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from datetime import UTC, date, datetime
from itertools import pairwise

import openpyxl
import orjson
import pytest

from data.errors import InputError
from data.files.headers import HEADERS, FileKind
from data.files.importer import import_paths
from data.records import Achievement
from data.settings import Settings
from data.store.store import Store

ACHIEVEMENT_HEADERS = [names.split()[0] for names in HEADERS[FileKind.ACHIEVEMENTS].values()]
DEMAND_HEADERS = [names.split()[0] for names in HEADERS[FileKind.DEMANDS].values()]


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


def many(path, count):
    return write(path, ["成果编号", "成果名称"], *[[f"A{i:06d}", f"成果{i}"] for i in range(count)])


def rejects_in(result):
    return listed(result.rejects_file)


def notes_in(result):
    return listed(result.notes_file)


def listed(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(int(row["行"]), row["列"], row["值"], row["原因"]) for row in csv.DictReader(file)]


ACHIEVEMENT = {
    "成果编号": "A1",
    "成果名称": "低温污泥干化设备",
    "关键词": "污泥；干化、热泵",
    "地区代码": "410100",
    "技术成熟度": "TRL6",
    "转化方式": "许可;作价投资",
    "价格下限(万元)": "50",
    "价格上限(万元)": "120万元",
    "状态": "对接中",
    "发布日期": "2024年5月1日",
    "更新日期": "2024/6/1",
}
DEMAND = {
    "需求编号": "D1",
    "需求名称": "污泥干化",
    "考核指标": "含水率≤40%",
    "预算下限(万元)": "面议",
    "预算上限(万元)": "1,200",
    "最低技术成熟度": "5级",
    "截止日期": "2025-12-31",
    "更新日期": "2024-05-02 10:00:00",
}


def test_every_chinese_column_arrives(store, run, tmp_path):
    for name, known, row in (("achievements", ACHIEVEMENT_HEADERS, ACHIEVEMENT), ("demands", DEMAND_HEADERS, DEMAND)):
        others = [header for header in known if f"{header}(万元)" not in row and header not in row]
        write(tmp_path / f"{name}.csv", [*row, *others], [*row.values(), *["" for _ in others]])
    summary = run(tmp_path)
    assert summary.exit_code == 0
    assert [(file.kind, file.inserted, file.unknown_columns) for file in summary.files] == [
        ("achievements", 1, []),
        ("demands", 1, []),
    ]
    found = store.achievement("A1")
    assert found.keywords == ("污泥", "干化", "热泵")
    assert (found.trl, found.price_min, found.price_max, found.region) == (6, 50, 120, "410100")
    assert (found.published_at, found.updated_at, found.status) == (date(2024, 5, 1), date(2024, 6, 1), "对接中")
    assert found.transfer_modes == ("许可", "作价投资")
    wanted = store.demand("D1")
    assert (wanted.budget_min, wanted.budget_max, wanted.trl_min) == (None, 1200, 5)
    assert (wanted.deadline, wanted.updated_at, wanted.kpis) == (date(2025, 12, 31), date(2024, 5, 2), "含水率≤40%")


def test_the_same_rows_in_any_format_and_order_are_the_same_records(store, run, tmp_path):
    headers, row = ["联系人", "title", "成果编号", "价格下限（元）"], ["张三", "设备", "A1", "50000"]
    first = run(write(tmp_path / "achievements.csv", headers, row))
    book = openpyxl.Workbook()
    book.active.append(headers[::-1])
    book.active.append([50000, "A1", "设备", "张三"])
    book.save(tmp_path / "成果.xlsx")
    (tmp_path / "achievements.jsonl").write_bytes(
        orjson.dumps({"achievement_id": "A1", "title": "设备", "price_min": 5, "extra": {"联系人": "张三"}})
    )
    assert first.files[0].unknown_columns == ["联系人"]
    assert store.achievement("A1") == Achievement(
        achievement_id="A1", title="设备", price_min=5, extra={"联系人": "张三"}
    )
    for name in ("成果.xlsx", "achievements.jsonl"):
        (result,) = run(tmp_path / name).files
        assert (result.inserted, result.updated, result.unchanged) == (0, 0, 1)


def test_importing_again_changes_nothing_and_a_changed_row_updates(store, run, tmp_path):
    path = many(tmp_path / "achievements.csv", 2_300)
    assert run(path).files[0].inserted == 2_300
    again = run(path).files[0]
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 2_300)
    assert store.watermark() == 2_300
    text = path.read_bytes().decode()
    path.write_bytes(text.replace("成果7\r\n", "新名\r\n").encode())
    changed = run(path).files[0]
    assert (changed.inserted, changed.updated, changed.unchanged) == (0, 1, 2_299)
    assert store.achievement("A000007").title == "新名"


def test_events_and_their_faults(store, run, tmp_path):
    good = {
        "event_id": "E1",
        "demand_id": "D1",
        "achievement_id": "A1",
        "kind": "deal",
        "occurred_at": "2024-05-01T08:00:00+08:00",
    }
    bad = [
        good | {"event_id": "E2", "kind": "sold"},
        good | {"event_id": "E3", "occurred_at": None},
        good | {"event_id": "E4", "level": 3},
        good | {"event_id": "E5", "amount": -1},
    ]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, [good | {"amount": 30, "来源": "平台"}, *bad])))
    (result,) = run(path).files
    assert (result.inserted, result.rejected, result.unknown_columns) == (2, 3, ["来源"])
    assert [(row, column, reason[:4]) for row, column, _, reason in rejects_in(result)] == [
        (2, "kind", "不在允许"),
        (3, "occurred_at", "缺少发生"),
        (4, "level", "等级（1"),
    ]
    assert notes_in(result) == [(5, "amount", "-1", "不能小于 0")]
    assert (result.unknown_demands, result.unknown_achievements, result.unknown_named) == (2, 2, ["D1", "A1"])
    event, without_amount = store.events()
    assert without_amount.amount is None
    assert (event.occurred_at, event.amount) == (datetime(2024, 5, 1, tzinfo=UTC), 30)
    path.write_bytes(orjson.dumps(good | {"amount": 31}))
    summary = run(path)
    assert (summary.files[0].conflicting, summary.exit_code) == (1, 3)


def test_judgements_become_events_that_importing_again_knows(store, run, tmp_path):
    rows = [["D1", "A1", "3"], ["D1", "A1", "3"], ["D1", "A1", "2"], ["D2", "A1", "5"], ["", "A1", "1"]]
    path = write(tmp_path / "judgements.csv", ["demand_id", "achievement_id", "level"], *rows)
    (result,) = run(path).files
    assert (result.inserted, result.rejected) == (3, 2)
    assert [reason for *_, reason in rejects_in(result)] == ["不能大于 4", "必填，不能为空"]
    events = list(store.events())
    assert sorted(event.level for event in events) == [2, 3, 3]
    assert {(event.kind, event.occurred_at) for event in events} == {("judgement", None)}
    assert run(path).files[0].unchanged == 3
    dated = write(
        tmp_path / "评审.csv", ["需求编号", "成果编号", "匹配等级", "评审日期"], ["D9", "A9", "4", "2024-05-01"]
    )
    run(dated)
    (last,) = [event for event in store.events() if event.demand_id == "D9"]
    assert last.occurred_at == datetime(2024, 4, 30, 16, tzinfo=UTC)


def test_a_folder_is_read_in_order_without_subfolders(store, run, tmp_path):
    folder = tmp_path / "platform"
    (folder / "truth").mkdir(parents=True)
    write(folder / "judgements.csv", ["demand_id", "achievement_id", "level"], ["D1", "A1", "1"])
    write(folder / "demands.csv", ["demand_id", "title"], ["D1", "题"])
    many(folder / "achievements.csv", 3)
    many(folder / "truth" / "achievements.csv", 50)
    write(folder / "prices.csv", ["a", "b"], ["1", "2"])
    (folder / "README.md").write_text("x")
    summary = run(folder)
    assert [result.kind for result in summary.files] == ["achievements", "demands", "judgements"]
    assert [path.name for path in summary.ignored] == ["prices.csv"]
    assert store.counts().achievements == 3


def test_unusable_input_is_refused_before_anything_is_written(store, run, tmp_path):
    good = many(tmp_path / "achievements.csv", 3)
    (tmp_path / "none").mkdir()
    empty = tmp_path / "demands.csv"
    empty.touch()
    odd = write(tmp_path / "odd.csv", ["a", "b"], ["1", "2"])
    for paths, message in [
        ([], "nothing to import"),
        ([good, tmp_path / "missing"], "no such file"),
        ([good, tmp_path / "none"], "no recognisable file; expected e.g. achievements.csv"),
        ([good, empty], "demands.csv is empty"),
        ([good, odd], r"neither name nor columns tell what it holds \(a, b\); use --kind achievements\|demands"),
    ]:
        with pytest.raises(InputError, match=message):
            run(*paths)
    with pytest.raises(InputError, match="no column title"):
        run(odd, kind=FileKind.DEMANDS)
    assert store.watermark() == 0


def test_kind_can_be_given(store, run, tmp_path):
    path = write(tmp_path / "export.csv", ["编号", "名称"], ["D1", "题"])
    assert run(path, kind=FileKind.DEMANDS).files[0].kind == "demands"
    assert store.demand("D1").title == "题"


def test_garbled_rows_are_flagged(run, tmp_path):
    garbled = "低温污泥干化设备".encode().decode("gb18030", "replace")
    path = write(tmp_path / "demands.csv", ["需求编号", "需求名称"], ["D1", garbled], ["D2", "低温污泥干化设备"])
    assert run(path).files[0].garbled == 1


def test_progress_is_told(run, tmp_path):
    path = many(tmp_path / "achievements.csv", 5_000)
    shares = []
    run(path, progress=lambda file, share: shares.append((file, share)))
    assert {file for file, _ in shares} == {path}
    assert all(a <= b for (_, a), (_, b) in pairwise(shares))
    assert len(shares) > 4
    assert shares[-1][1] == 1


@pytest.mark.slow
def test_memory_stays_flat(store, tmp_path):
    def peak(count):
        path = many(tmp_path / f"achievements{count}.csv", count)
        tracemalloc.start()
        import_paths(store, [path], rejects=tmp_path)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(1_000)
    # What grows is the set of ids met, some 150 bytes a row.
    assert peak(8_000) - peak(2_000) < 6_000 * 300


IMPORT = (
    # a process started in the background ignores Ctrl-C unless asked otherwise
    "import signal, sys, time; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from pathlib import Path; from data.files.importer import import_paths; from data.store.store import Store\n"
    "with Store.open(sys.argv[1]) as store:\n"
    "    path, rejects = Path(sys.argv[2]), Path(sys.argv[3])\n"
    "    def told(path, share):\n"
    "        print(share, flush=True)\n"
    "        time.sleep(0.1)  # so that the signal comes in the midst of it, however fast the machine\n"
    "    import_paths(store, [path], rejects=rejects, progress=told)\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_import_leaves_whole_batches_and_can_be_completed(tmp_path, stop):
    count = 20_000
    path = many(tmp_path / "achievements.csv", count)
    with path.open("a", encoding="utf-8") as file:
        file.write("A000000,重复\n")
    url = f"sqlite:///{tmp_path / 'store.db'}"
    command = [sys.executable, "-c", IMPORT, url, str(path), str(tmp_path / "rejects")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for _ in range(3):
            assert process.stdout.readline()
        time.sleep(0.02)
        os.kill(process.pid, stop)
        process.communicate(timeout=60)
    assert process.returncode != 0
    with Store.open(url) as store:
        done = store.counts().achievements
        assert 3_000 <= done < count
        assert done % 1_000 == 0
        assert store.watermark() == done
        assert len(list(store.changes_since(0))) == done
        (result,) = import_paths(store, [path], rejects=tmp_path / "rejects").files
        assert (result.inserted, result.updated, result.unchanged) == (count - done, 0, done)
        assert store.counts().achievements == store.watermark() == count
        assert result.rejected == 1
    assert [file.name for file in (tmp_path / "rejects").iterdir()] == [result.rejects_file.name]


@pytest.mark.slow
def test_the_real_data_goes_in(store, run):
    folder = Settings().shared_data / "bdci2019"
    if not folder.is_dir():
        pytest.skip("real data absent: set GONGXU_SHARED_DATA to its folder")
    achievements, demands, judgements = run(folder).files
    assert (achievements.read, achievements.inserted, achievements.rejected) == (5_317, 5_307, 10)
    assert (demands.inserted, demands.rejected) == (336, 0)
    assert (judgements.inserted, judgements.rejected) == (5_317, 0)
    assert all(result.unchanged == result.read - result.rejected for result in run(folder).files)
