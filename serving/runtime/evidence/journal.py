"""Journals: a line is in the operating system's hands before its answer leaves, so that a killed process loses none."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from threading import Lock

_SUFFIX = ".jsonl"


class Journal:
    """One process's journals in a folder that all processes share.

    The file being written is locked as long as its process lives; a file that nobody holds was left by one that was killed,
    and any process may take it in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._current: tuple[int, Path] | None = None
        self._waiting: list[tuple[int, Path]] = []

    def write(self, line: bytes) -> None:
        """Append a line, which ends with a line break; when it returns, killing the process loses nothing.

        Raises:
            OSError: the file cannot be written.

        """
        with self._lock:
            if self._current is None:
                self._current = self._opened()
            written = os.write(self._current[0], line)
            if written != len(line):
                raise OSError(f"{self._current[1]} took {written} of {len(line)} bytes; is the disk full?")

    def _opened(self) -> tuple[int, Path]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{os.getpid()}-{token_hex(8)}"
        making = self._folder / f"{name}.making"  # gets its name once it is locked: nobody takes it for abandoned
        handle = os.open(making, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        path = self._folder / (name + _SUFFIX)
        making.rename(path)
        return handle, path

    @contextmanager
    def taken(self) -> Iterator[list[bytes]]:
        """Give all lines that wait, abandoned files' too; they are removed once the block ends without an error."""
        with self._lock:
            if self._current is not None:
                self._waiting.append(self._current)
                self._current = None
        self._waiting += self._abandoned()
        lines = [line for _, path in self._waiting for line in path.read_bytes().splitlines(keepends=True)]
        yield lines
        while self._waiting:
            handle, path = self._waiting.pop()
            path.unlink(missing_ok=True)
            os.close(handle)

    def _abandoned(self) -> list[tuple[int, Path]]:
        own = {path for _, path in self._waiting}
        with self._lock:
            own |= {self._current[1]} if self._current is not None else set()
            found = []
            for path in sorted(set(self._folder.glob(f"*{_SUFFIX}")) - own):
                try:
                    handle = os.open(path, os.O_RDONLY)
                except FileNotFoundError:
                    continue
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(handle)  # its process lives
                    continue
                if path.exists():
                    found.append((handle, path))
                else:  # another process took it in meanwhile
                    os.close(handle)
            return found
