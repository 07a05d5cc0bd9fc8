"""Tables read by a process of its own: the same store, report and lists as without, and errors in their place."""

import os
import signal
import sqlite3

import orjson
import pytest

from data.errors import GongxuError, ImportStoppedError, InputError
from data.files.batches import apart, tables
from data.files.batches.apart import reading
from data.files.importer import import_paths
from data.files.sources import ImportOptions, find_sources
from data.store.store import Store
from tests.some import some

TABLES = (
    "achievements",
    "demands",
    "events",
    "import_changes",
    "daily_counts",
    "demand_progress",
    "achievement_progress",
)


@pytest.fixture(autouse=True)
def _small_files_too(monkeypatch):
    monkeypatch.setattr(apart, "WORTH_A_PROCESS", 0)


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "files"
    found.mkdir()
    achievements = ["成果编号,成果名称,成熟度,转让价格,备注"]
    achievements += [f"A{n},成果{n},{n % 12},{n}万元,说明{n}" for n in range(2_500)]
    achievements += ["A1,另一名称,3,,", "A2,成果2,2,2万元,说明2", ",无编号,3,,"]
    (found / "achievements.csv").write_text("\n".join(achievements) + "\n", encoding="utf-8")
    (found / "demands.csv").write_text("需求编号,需求名称\nD1,需求一\nD2,无\n", encoding="utf-8")
    events = [
        {
            "event_id": f"E{n}",
            "demand_id": f"D{n % 3}",
            "achievement_id": f"A{n % 2_600}",
            "kind": "impression" if n % 7 else "deal",
            "occurred_at": f"2024-05-{n % 28 + 1:02}T08:30:00+08:00",
        }
        for n in range(6_000)
    ]
    events[17]["kind"] = "nothing"
    events[5_999]["note"] = "a column that nobody knows"
    (found / "events.jsonl").write_bytes(b"\n".join([orjson.dumps(event) for event in events] + [b"{", b""]))
    (found / "judgements.csv").write_text(
        "demand_id,achievement_id,level\nD1,A1,3\nD1,A1,3\nD1,A2,9\n", encoding="utf-8"
    )
    return found


def imported(folder, home, *, apart):
    """Import a folder; return what the store then holds, the report and the lists of rejects and notes."""
    home.mkdir()
    shares = []
    with Store.open(f"sqlite:///{home / 'store.db'}") as store:
        summary = import_paths(
            store, [folder], rejects=home / "rejects", progress=lambda *share: shares.append(share), apart=apart
        )
        again = import_paths(store, [folder], rejects=home / "rejects", apart=apart)
    with sqlite3.connect(home / "store.db") as connection:
        rows = {table: sorted(connection.execute(f"SELECT * FROM {table}")) for table in TABLES}
    lists = {path.name: path.read_text(encoding="utf-8-sig") for path in sorted((home / "rejects").iterdir())}
    reports = [
        [result.as_dict() | {"rejects_file": None, "notes_file": None} for result in one.files]
        for one in (summary, again)
    ]
    return rows, reports, lists, shares


def test_a_process_that_reads_changes_nothing(folder, tmp_path):
    here = imported(folder, tmp_path / "here", apart=False)
    there = imported(folder, tmp_path / "there", apart=True)
    assert there == here
    rows, (report, again), lists, _ = here
    assert len(rows["events"]) == 5_999 + 2
    assert [len(some(rows[table])) for table in TABLES[:2]] == [2_500, 1]
    assert [result["rejected"] for result in report] == [2, 1, 2, 1]
    assert [result["inserted"] for result in again] == [0, 0, 0, 0]
    assert len(some(lists)) >= 4


def test_long_lists_are_handed_on_before_their_batch_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_LISTED", 10)
    path = tmp_path / "achievements.csv"
    lines = [f"A{n},{'无' if n % 2 else f'成果{n}'}" for n in range(100)]
    path.write_text("\n".join(["成果编号,成果名称", *lines]) + "\n", encoding="utf-8")
    sources, _ = find_sources([path], ImportOptions())
    with reading(sources) as read:
        found = list(read(sources[0]))
    assert [len(batch.rejects) for batch in found] == [10, 10, 10, 10, 10, 0]
    assert [len(batch.rows) for batch in found] == [0, 0, 0, 0, 0, 50]
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        (result,) = import_paths(store, [path], rejects=tmp_path / "rejects").files
    assert (result.inserted, result.rejected) == (50, 50)
    assert len(result.rejects_file.read_text(encoding="utf-8-sig").splitlines()) == 51


def test_a_file_that_is_gone_ends_the_import_where_it_would_without(folder, tmp_path):
    sources, _ = find_sources([folder], ImportOptions())
    (folder / "events.jsonl").unlink()
    raised, read_before = [], []
    for alone in (False, True):
        with reading(sources, apart=alone) as read:
            read_before.append([sum(len(batch.rows) for batch in read(source)) for source in sources[:2]])
            with pytest.raises(InputError, match="no such file") as error:
                list(read(sources[2]))
            raised.append((str(error.value), error.value.chinese))
    assert read_before == [[2_500, 1], [2_500, 1]]
    assert raised[0] == raised[1]


def test_an_import_says_so_when_the_reading_process_dies(folder, tmp_path, monkeypatch):
    started = []

    class Context:
        def __init__(self, method):
            self._context = original(method)
            self.Pipe = self._context.Pipe

        def Process(self, **options):  # noqa: N802 - as in multiprocessing
            started.append(self._context.Process(**options))
            return started[-1]

    original = apart.get_context
    monkeypatch.setattr(apart, "get_context", Context)
    lines = [f"A{n},成果{n}" for n in range(60_000)]
    (folder / "achievements.csv").write_text("\n".join(["成果编号,成果名称", *lines]) + "\n", encoding="utf-8")

    def kill(*_):
        os.kill(started[0].pid, signal.SIGKILL)

    with (
        Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store,
        pytest.raises(ImportStoppedError, match="the process that reads the files ended unexpectedly") as stopped,
    ):
        import_paths(store, [folder], rejects=tmp_path / "rejects", progress=kill, apart=True)
    assert isinstance(stopped.value.__cause__, GongxuError)
    assert "读取文件的进程意外结束" in stopped.value.chinese
    assert not some(started)[0].is_alive()
