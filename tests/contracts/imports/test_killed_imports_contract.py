"""kill -9 at random during an import, on every database and of every format: running it again completes it."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from data.files.importer import import_paths
from data.store.aggregates import recount
from data.store.dashboard_tables import daily_counts
from data.store.database import begin_write
from data.store.store import Store
from tests.data.files.reading.test_sheets import as_ods, as_xls, book_of

COUNT = 2_600
HEADER = ["成果编号", "成果名称", "成果简介"]
ROWS = [[f"A{i:05}", f"污泥干化装置{i}", f"含水率降至{i % 60}%"] for i in range(COUNT)]
IMPORT = (
    "import sys; from pathlib import Path\n"
    "from data.files.importer import import_paths; from data.store.store import Store\n"
    "with Store.open(sys.argv[1]) as store:\n"
    "    told = lambda path, share: print(share, flush=True)\n"
    "    import_paths(store, [Path(sys.argv[2])], rejects=Path(sys.argv[3]), progress=told)\n"
)


def as_csv(path):
    path.write_text("\n".join(",".join(row) for row in [HEADER, *ROWS]), encoding="utf-8")


def as_events(path):
    """JSON Lines of events, whose counts by day must agree as well."""
    days = [f"2026-0{1 + i % 5}-1{i % 9}T09:00:00+08:00" for i in range(COUNT)]
    lines = (
        {
            "event_id": f"E{i}",
            "demand_id": f"D{i % 7}",
            "achievement_id": row[0],
            "kind": "click",
            "occurred_at": days[i],
        }
        for i, row in enumerate(ROWS)
    )
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")


WRITERS = {
    "成果.csv": as_csv,
    "成果.xlsx": lambda path: book_of(path, HEADER, *ROWS),
    "成果.xls": lambda path: as_xls(path, HEADER, *ROWS),
    "成果.ods": lambda path: as_ods(path, HEADER, *ROWS),
    "事件.jsonl": as_events,
}


def killed(url, path, rejects, chance):
    """Start an import in a process of its own and kill it at a random moment; return how many batches it reported."""
    command = [sys.executable, "-c", IMPORT, url, str(path), str(rejects)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        told = sum(bool(process.stdout.readline()) for _ in range(chance.randint(0, 2)))
        time.sleep(chance.uniform(0, 0.15 if told else 2.5))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)
    return told


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_killed_import_is_completed_by_running_it_again(name, database, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if database == "postgresql":
        url = request.getfixturevalue("new_postgresql")()
    path = tmp_path / name
    WRITERS[name](path)
    told = killed(url, path, tmp_path / "rejects", random.Random(f"{name} {database}"))
    with Store.open(url) as store:
        counts = store.counts()
        done = counts.achievements + counts.events
        assert done >= min(told * 1_000, COUNT)
        assert done % 1_000 == 0 or done == COUNT, "whole batches"
        (result,) = import_paths(store, [path], rejects=tmp_path / "rejects").files
        assert (result.read, result.inserted, result.unchanged, result.rejected) == (COUNT, COUNT - done, done, 0)
        again = store.counts()
        assert again.achievements + again.events == COUNT
        if name.endswith(".jsonl"):
            before = days(store)
            assert sum(before.values()) >= COUNT
            with begin_write(store._engine) as connection:
                recount(connection)
            assert days(store) == before
        else:
            assert store.watermark() == len(list(store.changes_since(0))) == COUNT
            assert [record.achievement_id for record in store.achievements()] == [row[0] for row in ROWS]
    leftovers = [file for file in tmp_path.glob("rejects/*") if file.suffix != ".partial"]
    assert leftovers == []


def days(store):
    with store._engine.connect() as connection:
        query = sa.select(daily_counts).where(daily_counts.c.number != 0)
        return {(row.dimension, row.day, row.value, row.kind): row.number for row in connection.execute(query)}
