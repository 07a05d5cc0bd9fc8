"""An import is taken back in a thread of the server, one at a time: at 100,000 rows it takes longer than a request may."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import ConflictError, GongxuError
from data.locks import held, in_turn, taken
from data.store.imports.undo import Undone
from data.store.keys import AuditEntry
from data.store.locks import HeldLock
from data.store.postgresql.limits import long_statements
from data.store.store import Store
from serving.runtime.importing.runner import alone
from serving.runtime.importing.uploads import Uploads

PATIENCE = 1.0  # seconds that a request waits for an undo, so that a small one is over when its page comes

log = structlog.get_logger("gongxu.imports")


class UndoProgress(BaseModel):
    """The latest undo: which import, how many of its changes are looked at, what was kept, why it failed ("" if not)."""

    model_config = ConfigDict(frozen=True)

    number: int
    done: int = 0
    kept: int = 0
    message: str = ""
    running: bool = False


class _StoppedError(Exception):
    """The server ends; the undo is broken off between two batches, and completed by doing it again."""


class UndoRunner:
    """Takes imports back; `done` is called after each, whatever came of it."""

    def __init__(self, uploads: Uploads, store: Callable[[], Store], done: Callable[[], None]) -> None:
        self._uploads, self._store, self._done = uploads, store, done
        self._stop = Event()
        self._thread: Thread | None = None

    def begin(self, number: int, actor: str, request_id: str) -> None:
        """Begin to take an import back, and wait a moment for the end.

        Raises:
            NotFoundError: there is no such import.
            InputError: it was undone before, or is too old.
            ConflictError: an import or another undo runs.

        """
        self._store().imports.require_undoable(number)
        with in_turn(self._uploads.turn):
            if self._uploads.running() is not None:
                raise ConflictError("an import is running", "有一项导入正在进行，请等它完成后再撤销。")
            lock = taken(self._uploads.undo_lock)
            if lock is None:
                raise ConflictError("an undo is running", "有一次撤销正在进行，请等它完成。")
            try:
                shared = alone(self._store())
            except BaseException:
                os.close(lock)
                raise
            self._write(UndoProgress(number=number))
        arguments = (number, actor, request_id, lock, shared)
        self._thread = Thread(target=self._run, args=arguments, name="undo", daemon=True)
        self._thread.start()
        self._thread.join(PATIENCE)

    def stop(self, timeout: float = 10.0) -> None:
        """Break off what runs, between two batches."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def latest(self) -> UndoProgress | None:
        """Return the latest undo of this home, None if there was none."""
        try:
            found = UndoProgress.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning("progress of the latest undo cannot be read", reason=str(error))
            return None
        return found.model_copy(update={"running": held(self._uploads.undo_lock)})

    @property
    def _path(self) -> Path:
        return self._uploads.undo_lock.with_suffix(".json")

    def _write(self, progress: UndoProgress) -> None:
        partial = self._path.with_suffix(".new")
        partial.write_text(progress.model_dump_json(), encoding="utf-8")
        partial.replace(self._path)

    def _run(self, number: int, actor: str, request_id: str, lock: int, shared: HeldLock) -> None:
        end = UndoProgress(number=number, message="服务停止时没有完成；已恢复的部分完好，请再次撤销。")
        try:
            store, now = self._store(), datetime.now(UTC)
            with long_statements():
                undone = store.imports.undo(number, now, lambda so_far: self._show(number, so_far))
            subject = (
                f"导入 {number}：恢复 {undone.restored:,} 项，删除 {undone.removed:,} 项，收回事件 {undone.events:,} 条，"
                f"{undone.kept:,} 项此后有改动而未动"
            )
            store.api_keys.note(AuditEntry(now, actor, "imports.undo", subject, request_id))
            end = UndoProgress(number=number, kept=undone.kept)
        except _StoppedError:
            log.info("undo broken off", number=number)
        except GongxuError as error:
            log.warning("undo failed", number=number, reason=str(error))
            end = end.model_copy(update={"message": "数据库暂不可用；已恢复的部分完好，稍后可以再次撤销。"})
        except Exception:
            # The thread has nobody above it: without this the page would only say that it was broken off.
            log.exception("undo failed", number=number)
            end = end.model_copy(update={"message": "服务内部错误，详情见服务日志；可以再次撤销。"})
        finally:
            try:
                self._write(end)
            finally:
                shared.release()
                os.close(lock)
                self._done()

    def _show(self, number: int, so_far: Undone) -> None:
        if self._stop.is_set():
            raise _StoppedError
        looked_at = so_far.restored + so_far.removed + so_far.kept + so_far.events
        self._write(UndoProgress(number=number, done=looked_at))
