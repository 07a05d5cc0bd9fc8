"""What was shown, asked, granted and exported: noted before the answer leaves, chained in the background."""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

import orjson

from data.dates import CHINA_STANDARD_TIME
from data.evidence.chain import DayRoot
from data.store.store import Store
from data.store.trust.evidence import read_noted
from serving.runtime.evidence.journal import Journal

Mode = Literal["off", "restricted", "all"]
AFTER_MIDNIGHT = timedelta(minutes=5)
"""A day's root is written when other processes' clocks have passed midnight too."""


class EvidenceLog:
    """The evidence of one process; without a mode it does nothing."""

    def __init__(
        self,
        mode: Mode,
        journals: Path,
        roots: Path,
        store: Callable[[], Store],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.mode = mode
        self._journal = Journal(journals)
        self._journals = journals
        self._roots = roots
        self._store = store
        self._clock = clock
        self._rooted = ""

    @property
    def on(self) -> bool:
        """Whether anything is noted."""
        return self.mode != "off"

    @property
    def waiting(self) -> bool:
        """Whether a journal was left to be chained."""
        return self._journals.is_dir() and any(self._journals.iterdir())

    def note(self, action: str, who: Mapping[str, str], records: Iterable[Mapping[str, Any]] = ()) -> None:
        """Note what happened; when it returns, killing the process loses nothing.

        Raises:
            OSError: the journal cannot be written.

        """
        if not self.on:
            return
        noted = {
            "token": token_hex(16),
            "at": self._clock().isoformat(timespec="milliseconds"),
            "action": action,
            "who": dict(who),
            "records": list(records),
        }
        self._journal.write(orjson.dumps(noted) + b"\n")

    def flush(self) -> None:
        """Chain what waits, and write the roots of days that are over.

        Raises:
            StoreError: the store cannot be used; what waits goes on waiting.

        """
        now = self._clock().astimezone(CHINA_STANDARD_TIME)
        store = self._store()
        with self._journal.taken() as lines:
            store.evidence.append(read_noted(lines), now.date())
        over = (now - AFTER_MIDNIGHT).date().isoformat()
        if over != self._rooted:
            for day in store.evidence.days():
                if day < over:
                    self._write_root(store, day)
            self._rooted = over

    def _write_root(self, store: Store, day: str) -> None:
        path = self._roots / f"{day}.json"
        root = None if path.exists() else store.evidence.root(day)
        if root is None:
            return
        self._roots.mkdir(parents=True, exist_ok=True)
        making = path.with_suffix(f".{token_hex(4)}")
        with making.open("w", encoding="utf-8") as file:
            file.write(root.text())
            file.flush()
            os.fsync(file.fileno())
        making.rename(path)

    def published(self, day: str) -> DayRoot | None:
        """Return the root of a day that was written outside the store, None if there is none yet."""
        path = self._roots / f"{day}.json"
        return DayRoot(**orjson.loads(path.read_bytes())) if path.is_file() else None
