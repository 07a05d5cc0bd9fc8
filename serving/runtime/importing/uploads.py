"""Uploaded files in GONGXU_HOME, for nobody else to read, with what is known of them; gone after a day or an import.

All that is known of an upload lies in a file beside it: any worker can tell how far it is, and a reload of the page shows it.
A lock that dies with its process tells whether somebody works on it.
"""

import os
import re
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, is_zipfile

from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import ConflictError, InputError, NotFoundError
from data.files.previews.drafts import TableDraft, drafts_of, reason_of, source_of
from data.files.reading.readers import SUFFIXES
from data.files.sources import Source, place_of
from data.locks import held, in_turn

MAX_FILES = 20
MAX_WAITING = 10
MAX_UNPACKED = 2**30
"""Bytes that a workbook may have once it is unpacked."""
MAX_AGE = timedelta(days=1)
FOLDER = "uploads"

_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200b-\u200f\u2028-\u202e\ufeff]")
_NAME_BYTES = 180


class UploadState(StrEnum):
    """How far an upload is."""

    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class UploadedFile(BaseModel):
    """A file: its name as it was sent, its bytes, why it cannot be read ("" if it can), its tables."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int
    problem: str = ""
    tables: tuple[TableDraft, ...] = ()

    def bare(self) -> "UploadedFile":
        """Return the file without what was seen of its tables."""
        return self.model_copy(update={"tables": ()})


class Upload(BaseModel):
    """Files that somebody sent to be imported; `number` is the import's once it began, `done` the share read of each file."""

    model_config = ConfigDict(frozen=True)

    id: str
    who: str
    at: datetime
    changed_at: datetime
    files: tuple[UploadedFile, ...]
    state: UploadState = UploadState.READY
    replace: bool = False
    number: int | None = None
    message: str = ""
    done: dict[str, float] = {}

    @property
    def included(self) -> list[tuple[int, TableDraft]]:
        """The tables to import with the place of their file."""
        return [(place, table) for place, file in enumerate(self.files) for table in file.tables if table.included]

    @property
    def startable(self) -> bool:
        """Whether an import can begin, or go on after it was broken off."""
        waits = self.state in (UploadState.READY, UploadState.FAILED, UploadState.INTERRUPTED)
        return waits and bool(self.included) and not any(table.problem for _, table in self.included)


class Uploads:
    """The uploads of one home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / FOLDER

    @property
    def mappings(self) -> Path:
        """Folder of saved mappings, the command line's."""
        return self._home / "mappings"

    def add(self, who: str, now: datetime, files: Sequence[tuple[str, BinaryIO]]) -> Upload:
        """Keep files and read their tables; a file that cannot be read is kept by name, with the reason.

        Raises:
            InputError: there are none or too many files, or too many uploads wait.

        """
        if not files:
            raise InputError("no file was sent", "请选择要导入的文件。")
        if len(files) > MAX_FILES:
            raise InputError(f"at most {MAX_FILES} files at once", f"一次最多上传 {MAX_FILES} 个文件。")
        self.expire(now)
        if sum(one.state is not UploadState.DONE for one in self.all()) >= MAX_WAITING:
            raise InputError(
                f"{MAX_WAITING} uploads wait already",
                f"已有 {MAX_WAITING} 批上传等待处理，请先导入或放弃其中一些。",
            )
        upload_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        (self._folder / upload_id).mkdir(mode=0o700)
        try:
            kept = tuple(self._keep(upload_id, place, name, content) for place, (name, content) in enumerate(files))
            upload = Upload(id=upload_id, who=who, at=now, changed_at=now, files=kept)
            self.write(upload)
        except BaseException:
            shutil.rmtree(self._folder / upload_id, ignore_errors=True)
            raise
        return upload

    def get(self, upload_id: str) -> Upload:
        """Return an upload.

        Raises:
            NotFoundError: there is none, or it is gone after a day.

        """
        gone = NotFoundError(
            f"no upload {upload_id[:40]!r}", chinese="没有这批上传：可能已导入、放弃，或超过一天已删除。"
        )
        if not _ID.fullmatch(upload_id):
            raise gone
        path = self._folder / upload_id / "upload.json"
        try:
            found = Upload.model_validate_json(path.read_bytes())
            if found.state is UploadState.RUNNING and not held(self.lock(upload_id)):
                # Whoever ran it may have written the outcome between the two looks.
                found = Upload.model_validate_json(path.read_bytes())
                if found.state is UploadState.RUNNING:
                    found = found.model_copy(update={"state": UploadState.INTERRUPTED})
        except (OSError, ValidationError) as error:
            raise gone from error
        return found

    def all(self) -> list[Upload]:
        """Return the uploads, newest first."""
        found = []
        for path in sorted(self._folder.iterdir(), reverse=True) if self._folder.is_dir() else ():
            with suppress(NotFoundError):
                found.append(self.get(path.name))
        return found

    def running(self) -> Upload | None:
        """Return the upload that is being imported, None if there is none."""
        return next((one for one in self.all() if one.state is UploadState.RUNNING), None)

    def write(self, upload: Upload) -> None:
        """Keep what is known of an upload, in one step."""
        path = self._folder / upload.id / "upload.json"
        partial = path.with_suffix(f".{secrets.token_hex(4)}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(upload.model_dump_json().encode("utf-8", "replace"))
        partial.replace(path)

    def with_table(self, upload: Upload, file: int, place: int, table: TableDraft, now: datetime) -> Upload:
        """Put a corrected table in its place and keep it.

        Raises:
            ConflictError: the import began meanwhile.

        """
        with in_turn(self.turn):
            fresh = self.get(upload.id)
            if fresh.state is not UploadState.READY:
                raise ConflictError("the import began meanwhile", "导入已经开始，不能再改。")
            tables = list(fresh.files[file].tables)
            tables[place] = table
            files = list(fresh.files)
            files[file] = files[file].model_copy(update={"tables": tuple(tables)})
            fresh = fresh.model_copy(update={"files": tuple(files), "changed_at": now})
            self.write(fresh)
        return fresh

    def path(self, upload: Upload, file: int) -> Path:
        """Return where a file lies."""
        return self._folder / upload.id / "files" / str(file) / _file_name(upload.files[file].name)

    def sources(self, upload: Upload) -> list[Source]:
        """Return the tables to import, in the order in which they are imported.

        Raises:
            InputError: a table cannot be imported as it is.

        """
        found = [source_of(self.path(upload, place), table) for place, table in upload.included]
        return sorted(found, key=lambda source: place_of(source.kind))

    def lock(self, upload_id: str) -> Path:
        """Return the lock that whoever imports an upload holds."""
        return self._folder / upload_id / ".lock"

    @property
    def turn(self) -> Path:
        """The lock for the moment in which an import begins."""
        return self._folder / ".lock"

    @property
    def undo_lock(self) -> Path:
        """The lock that whoever takes an import back holds."""
        return self._folder / ".undo.lock"

    def let_go(self, upload: Upload) -> None:
        """Delete an upload's files; what is known of it stays for a day."""
        shutil.rmtree(self._folder / upload.id / "files", ignore_errors=True)

    def discard(self, upload: Upload) -> None:
        """Delete an upload.

        Raises:
            ConflictError: it is being imported.

        """
        if upload.state is UploadState.RUNNING:
            raise ConflictError("the upload is being imported", "正在导入，不能放弃。")
        shutil.rmtree(self._folder / upload.id, ignore_errors=True)

    def expire(self, now: datetime) -> None:
        """Delete what nobody touched for a day, and what was never finished."""
        for path in list(self._folder.iterdir()) if self._folder.is_dir() else ():
            if not path.is_dir() or held(self.lock(path.name)):
                continue
            try:
                age = now - self.get(path.name).changed_at
            except NotFoundError:
                age = now - datetime.fromtimestamp(path.stat().st_mtime, now.tzinfo)
            if age > MAX_AGE:
                shutil.rmtree(path, ignore_errors=True)

    def _keep(self, upload_id: str, place: int, name: str, content: BinaryIO) -> UploadedFile:
        """Keep one file and look at it."""
        shown = name.replace("\\", "/").rpartition("/")[2].strip() or "未命名"
        folder = self._folder / upload_id / "files" / str(place)
        folder.mkdir(mode=0o700, parents=True)
        path = folder / _file_name(shown)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            shutil.copyfileobj(content, file, 2**20)
            size = file.tell()
        try:
            _require_usable(path)
            tables = tuple(drafts_of(path, self.mappings))
        except InputError as error:
            path.unlink()
            return UploadedFile(name=shown, size=size, problem=reason_of(error, path))
        return UploadedFile(name=shown, size=size, tables=tables)


def _file_name(name: str) -> str:
    """Return a name under which a file can lie: no path, no marks, not too long, its suffix kept."""
    plain = _UNSAFE.sub("_", name).strip(" .") or "file"
    stem, dot, suffix = plain.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, suffix = plain, ""
    cut = stem.encode()[: _NAME_BYTES - len(suffix.encode()) - 1].decode(errors="ignore")
    return f"{cut}.{suffix}" if suffix else cut


def _require_usable(path: Path) -> None:
    """Refuse what nobody means to import, and what would fill the memory once it is unpacked.

    Raises:
        InputError: it is of another format, a lock file, or too large unpacked.

    """
    if path.name.startswith(("~$", "._", ".~")):
        raise InputError(f"{path.name} is a lock file", "是表格软件的锁文件，不是数据")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"{path.name} is of a format that is not read",
            f"不能读取这种文件（{path.suffix or '没有扩展名'}）；可用：{'、'.join(SUFFIXES)}",
        )
    if not is_zipfile(path):
        return
    try:
        with ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(f"{path.name} is a damaged archive ({error})", "文件已损坏，请重新另存后上传") from error
    if unpacked > MAX_UNPACKED:
        raise InputError(
            f"{path.name} has {unpacked} bytes once it is unpacked",
            f"解压后超过 {MAX_UNPACKED >> 20} MB；请拆成几个文件，或另存为 CSV",
        )
