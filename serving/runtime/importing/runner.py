"""Imports of uploaded files, one at a time, in a thread of the server; what is broken off goes on when it is started again."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import structlog

from data.errors import ConflictError, GongxuError, ImportStoppedError, InputError, NotFoundError
from data.files.importer import import_sources
from data.files.report import ImportSummary
from data.locks import held, in_turn, taken
from data.store.keys import AuditEntry
from data.store.locks import HeldLock
from data.store.postgresql.limits import long_statements
from data.store.store import Store
from serving.runtime.importing.uploads import Upload, Uploads, UploadState

_SAID = 0.5  # seconds between two notes of how far an import is

log = structlog.get_logger("gongxu.imports")


class _StoppedError(Exception):
    """The server ends; the import is broken off between two batches."""


class ImportRunner:
    """Begins imports; `done` is called after each, whatever came of it."""

    def __init__(self, home: Path, store: Callable[[], Store], done: Callable[[], None]) -> None:
        self._home = home
        self.uploads = Uploads(home)
        self._store = store
        self._done = done
        self._stop = Event()
        self._thread: Thread | None = None

    def begin(self, upload: Upload, actor: str, *, replace: bool, request_id: str) -> Upload:
        """Begin to import an upload, or go on with one that was broken off; the caller need not wait.

        Raises:
            InputError: a table cannot be imported as it is, or nothing is to be imported.
            ConflictError: another import runs, or this one began already.

        """
        with in_turn(self.uploads.turn):
            upload = self.uploads.get(upload.id)
            if self.uploads.running() is not None:
                raise ConflictError("another import is running", "已有一项导入正在进行，请等它完成。")
            if held(self.uploads.undo_lock):
                raise ConflictError("an import is being undone", "有一次导入正在撤销，请等它完成。")
            if upload.state is UploadState.DONE:
                raise ConflictError("the upload was imported already", "这批文件已经导入。")
            if not upload.startable:
                self.uploads.sources(upload)
                raise InputError("nothing is to be imported", "没有要导入的表。")
            lock = taken(self.uploads.lock(upload.id))
            if lock is None:
                raise ConflictError("the import began already", "导入已经开始。")
            try:
                shared = alone(self._store())
            except BaseException:
                os.close(lock)
                raise
            begun = upload.model_copy(
                update={
                    "state": UploadState.RUNNING,
                    "replace": replace,
                    "message": "",
                    "done": {},
                    "changed_at": _now(),
                }
            )
            self.uploads.write(begun)
        arguments = (begun, actor, request_id, lock, shared)
        self._thread = Thread(target=self._run, args=arguments, name="import", daemon=True)
        self._thread.start()
        return begun

    def stop(self, timeout: float = 10.0) -> None:
        """Break off what runs, between two batches."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self, upload: Upload, actor: str, request_id: str, lock: int, shared: HeldLock) -> None:
        run = _Run(self.uploads, upload, self._stop)
        end: dict[str, object] = {"state": UploadState.INTERRUPTED}
        try:
            with long_statements():
                summary = run.through(self._store(), self._home / "rejects", actor, request_id)
            self.uploads.let_go(upload)
            end = {"state": UploadState.DONE, "number": summary.number, "files": tuple(f.bare() for f in upload.files)}
        except _StoppedError:
            log.info("import broken off", upload=upload.id)
        except GongxuError as error:
            log.warning("import failed", upload=upload.id, reason=str(error))
            end = {"state": UploadState.FAILED, "message": _reason(error)}
        except Exception:
            # The thread has nobody above it: without this the page would only say that it was interrupted.
            log.exception("import failed", upload=upload.id)
            end = {"state": UploadState.FAILED, "message": "服务内部错误；已写入的批次完好，详情见服务日志。"}
        finally:
            # In one turn: whoever reads that it ended may begin again at once.
            try:
                with in_turn(self.uploads.turn):
                    try:
                        run.keep(**end)
                    finally:
                        shared.release()
                        os.close(lock)  # also where the state cannot be written: it then reads as broken off
            finally:
                self._done()


def alone(store: Store) -> HeldLock:
    """Return the lock of the one import or undo that may run on all machines of a store.

    Raises:
        ConflictError: another machine imports or takes an import back.
        StoreError: the database fails.

    """
    shared = store.locks.take("import")
    if shared is None:
        raise ConflictError(
            "an import or an undo is running on another machine", "另一台服务器上正在导入或撤销，请等它完成。"
        )
    return shared


class _Run:
    """One import as it runs."""

    def __init__(self, uploads: Uploads, upload: Upload, stop: Event) -> None:
        self._uploads, self._upload, self._stop = uploads, upload, stop
        self._noted = 0.0

    def through(self, store: Store, rejects: Path, actor: str, request_id: str) -> ImportSummary:
        """Import all tables and note it in the journal."""
        sources = self._uploads.sources(self._upload)
        number = _still_open(store, self._upload.number) or store.imports.start(_called(actor), _now())
        names = "、".join(file.name for file in self._upload.files)
        store.api_keys.note(AuditEntry(_now(), actor, "imports.start", f"导入 {number}：{names}"[:500], request_id))
        self.keep(number=number)
        summary = import_sources(store, sources, number, rejects, self._show, replace=self._upload.replace)
        message = f"导入 {number}：{_counts(summary)}"
        store.api_keys.note(AuditEntry(_now(), actor, "imports.finish", message[:500], request_id))
        return summary

    def _show(self, path: Path, share: float) -> None:
        if self._stop.is_set():
            raise _StoppedError
        if monotonic() - self._noted >= _SAID:
            self._noted = monotonic()
            self.keep(done=self._upload.done | {path.parent.name: share})
        else:
            self._upload = self._upload.model_copy(update={"done": self._upload.done | {path.parent.name: share}})

    def keep(self, **changes: object) -> None:
        """Write down the state of the import."""
        self._upload = self._upload.model_copy(update=changes | {"changed_at": _now()})
        self._uploads.write(self._upload)


def _still_open(store: Store, number: int | None) -> int | None:
    """Return the number of an import that was broken off, None if there is none or it was undone since."""
    if number is None:
        return None
    try:
        return number if store.imports.get(number).undone_at is None else None
    except NotFoundError:  # the store was replaced meanwhile
        return None


def _counts(summary: ImportSummary) -> str:
    """Return an import's counts in one line."""
    names = {"read": "读取", "inserted": "新增", "updated": "更新", "unchanged": "未变", "rejected": "拒绝"}
    return "，".join(
        f"{message} {sum(getattr(one, name) for one in summary.files):,}" for name, message in names.items()
    )


def _called(actor: str) -> str:
    """Return how the list of imports names an operator."""
    return f"操作员 {actor.removeprefix('operator ')}"


def _reason(error: GongxuError) -> str:
    """Return what a page says of a failure that may name folders and hosts."""
    first = error.__cause__ if isinstance(error, ImportStoppedError) else error
    if isinstance(first, InputError):
        return "文件已不在或无法读取；请重新上传。"
    return "数据库暂不可用；已写入的批次完好，稍后可以继续。"


def _now() -> datetime:
    return datetime.now(UTC)
