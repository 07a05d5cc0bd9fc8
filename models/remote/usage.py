"""What the processes of one home share about endpoints: answers by content, and how many calls were made today."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from threading import Lock

from data.errors import ModelUnavailableError

MAX_ANSWERS = 50_000
_FILE = "models.db"
_PATIENCE = 1.0  # s that a call waits for the file
_KEPT = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",  # a power failure may forget the last calls and answers, and damages nothing
    "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS calls (day TEXT, endpoint TEXT, number INTEGER, PRIMARY KEY (day, endpoint))",
)
# Counts one call unless the day's number is reached; a row comes back if it was counted.
_TAKE = """INSERT INTO calls VALUES (:day, :endpoint, 1) ON CONFLICT (day, endpoint)
DO UPDATE SET number = number + 1 WHERE number < :limit RETURNING number"""


class Usage:
    """A small SQLite file in the home; keys are digests, so that it holds answers but no text that was sent."""

    def __init__(self, home: Path) -> None:
        self._path = home / _FILE
        self._turn = Lock()

    def get(self, key: bytes) -> bytes | None:
        """Return the answer that is kept under a digest."""
        with self._database() as database:
            row = database.execute("SELECT body FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, key: bytes, body: bytes) -> None:
        """Keep an answer; beyond 50,000 the oldest go."""
        with self._database() as database:
            database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, body))
            database.execute("DELETE FROM answers WHERE rowid <= (SELECT max(rowid) - ? FROM answers)", (MAX_ANSWERS,))
            database.commit()

    def take(self, endpoint: str, day: date, limit: int) -> bool:
        """Count a call of today, unless the budget of `limit` calls is used up."""
        if limit < 1:
            return False
        with self._database() as database:
            values = {"day": day.isoformat(), "endpoint": endpoint, "limit": limit}
            counted = database.execute(_TAKE, values).fetchone() is not None
            database.commit()
        return counted

    def taken(self, endpoint: str, day: date) -> int:
        """Return how many calls were counted on a day."""
        query = "SELECT number FROM calls WHERE day = ? AND endpoint = ?"
        with self._database() as database:
            row = database.execute(query, (day.isoformat(), endpoint)).fetchone()
        return 0 if row is None else int(row[0])

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # In turn within the process, which waits no longer for it than for others: SQLite lets one writer pass at a time.
            if not self._turn.acquire(timeout=_PATIENCE):
                raise sqlite3.OperationalError("it is busy")
            try:
                with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as database:
                    for statement in _KEPT:
                        database.execute(statement)
                    yield database
            finally:
                self._turn.release()
        except (sqlite3.Error, OSError) as error:
            raise ModelUnavailableError(f"{self._path} cannot be used: {error}", "unrecorded") from error
