"""A file that a command writes and a running server reads again when it changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from data.errors import InputError

_T = TypeVar("_T")

log = structlog.get_logger("gongxu.server")


class WatchedFile(Generic[_T]):
    """What `load` makes of a file, None where there is none or it cannot be read; the log says why."""

    def __init__(self, path: Path, load: Callable[[], _T | None]) -> None:
        self._path, self._load = path, load
        self._read: tuple[int, _T | None] = (-1, None)

    def get(self) -> _T | None:
        """Return what the file says now."""
        try:
            changed = self._path.stat().st_mtime_ns
        except OSError:
            changed = 0
        if changed != self._read[0]:
            try:
                self._read = changed, self._load()
            except InputError as error:
                log.warning("refused", file=self._path.name, reason=str(error))
                self._read = changed, None
        return self._read[1]
