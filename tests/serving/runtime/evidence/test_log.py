import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from data.errors import StoreError
from data.evidence.chain import faults_of
from data.store.store import Store
from serving.runtime.evidence.journal import Journal
from serving.runtime.evidence.log import EvidenceLog

WRITER = """
import sys
from pathlib import Path
from serving.runtime.evidence.journal import Journal
journal = Journal(Path(sys.argv[1]))
number = 0
while True:
    journal.write(b'%d\\n' % number)
    print(number, flush=True)
    number += 1
"""


class Clock:
    def __init__(self):
        self.now = datetime(2026, 5, 1, 4, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/store.db") as opened:
        yield opened


def log_at(tmp_path, store, clock=None):
    return EvidenceLog("restricted", tmp_path / "journals", tmp_path / "roots", lambda: store, clock or Clock())


def note(log, viewer, *ids):
    records = [{"kind": "demand", "id": one, "access": "全文"} for one in ids]
    log.note("shown", {"key": "platform", "viewer": viewer}, records)


def faults(log, store):
    days = store.evidence.days()
    return list(faults_of(store.evidence.entries(), {day: root for day in days if (root := log.published(day))}))


def test_a_killed_process_loses_nothing_that_it_answered_for(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "journals")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        answered = [process.stdout.readline() for _ in range(50)]
        with Journal(tmp_path / "journals").taken() as lines:
            assert lines == []  # its process lives
        process.send_signal(signal.SIGKILL)
        answered += process.stdout.readlines()
    with Journal(tmp_path / "journals").taken() as lines:
        assert {int(line) for line in answered} <= {int(line) for line in lines}
    with Journal(tmp_path / "journals").taken() as lines:
        assert lines == []


def test_what_the_store_did_not_take_waits_and_is_chained_once(tmp_path, store):
    clock = Clock()
    log = log_at(tmp_path, store, clock)

    def away():
        raise StoreError("away")

    waiting = EvidenceLog("restricted", tmp_path / "journals", tmp_path / "roots", away, clock)
    note(waiting, "u1", "D1")
    with pytest.raises(StoreError):
        waiting.flush()
    waiting._store = lambda: store
    waiting.flush()
    note(log, "u2", "D1", "D2")
    with log._journal.taken() as lines:
        kept = list(lines)
    log._journal.write(kept[0])
    log._journal.write(kept[0])  # killed after the store had it, before the journal was gone
    log.flush()
    log._journal.write(kept[0])
    log.flush()
    entries = list(store.evidence.entries())
    assert [len(entry.parts) for entry in entries] == [2, 3]
    assert faults(log, store) == []


def test_a_day_that_is_over_gets_its_root_and_a_person_can_be_erased(tmp_path, store):
    clock = Clock()
    log = log_at(tmp_path, store, clock)
    for number in range(3):
        note(log, f"u{number}", f"D{number}")
    log.flush()
    assert log.published("2026-05-01") is None
    clock.now += timedelta(days=1)
    note(log, "u1", "D1")
    log.flush()
    root = log.published("2026-05-01")
    assert (root.first, root.last, root) == (1, 3, store.evidence.root("2026-05-01"))
    assert store.evidence.erase("u1") == 2
    assert faults(log, store) == []
    proofs = store.evidence.proofs("demand", "D1")
    assert [(proof.entry.number, proof.who.text) for proof in proofs] == [(2, None), (4, None)]
    assert "u1" not in (tmp_path / "store.db-wal").read_text("latin-1") or store.evidence.proofs("", "u1") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET entry = replace(entry, 'shown', 'asked') WHERE number = 2",
        "UPDATE evidence SET day = '2026-05-02' WHERE number = 2",
        "DELETE FROM evidence WHERE number = 2",
        "DELETE FROM evidence_parts WHERE number = 2 AND position = 1",
        "UPDATE evidence_parts SET record_id = 'D9' WHERE number = 2 AND position = 1",
        "UPDATE evidence_parts SET text = replace(text, 'D1', 'D9') WHERE number = 2",
        "UPDATE evidence SET number = 9 WHERE number = 1",
        "DELETE FROM evidence WHERE number = 3",
    ],
)
def test_a_changed_store_is_found(tmp_path, store, statement):
    clock = Clock()
    log = log_at(tmp_path, store, clock)
    for number in range(3):
        note(log, f"u{number}", f"D{number}")
    log.flush()
    clock.now += timedelta(days=1)
    log.flush()
    assert faults(log, store) == []
    with store.engine.begin() as connection:
        assert connection.execute(sa.text(statement)).rowcount
    assert faults(log, store)
