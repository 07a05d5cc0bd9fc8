"""Backup and restore of one installation: its SQLite store and the bundle that is served, in one verified archive."""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data.errors import BundleError, InputError, NotFoundError
from data.locks import exclusive
from data.settings import Settings
from data.store.reading.results import StoreCounts
from data.store.store import Store
from matcher.bundle import BUILT, CURRENT, POINTERS, current_bundle, set_current, set_pointer, verify
from matcher.served import LOCK, append

FORMAT_VERSION = 1
MANIFEST = "backup.json"
STORE = "store.db"


@dataclass(frozen=True)
class Saved:
    """What a backup holds; `bundle` is empty when none was built."""

    archive: Path
    bundle: str
    counts: StoreCounts


def back_up(settings: Settings, archive: Path) -> Saved:
    """Write store and current bundle into a tar file; the server may go on writing meanwhile.

    The store is copied in one consistent moment, after the bundle: whatever was written in between is replayed.

    Raises:
        InputError: `archive` exists, or the store is not SQLite (PostgreSQL has its own pg_dump).
        NotFoundError: there is no store.
        BundleError: the current bundle is damaged.

    """
    database = _database(settings)
    if archive.exists():
        raise InputError(f"{archive} exists already; name a new file")
    if not database.is_file():
        raise NotFoundError(f"{database} does not exist; there is nothing to back up")
    bundle = current_bundle(settings.bundles) if (settings.bundles / CURRENT).is_file() else None
    if bundle is not None:
        verify(bundle)
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=archive.parent) as folder:
        copy, unfinished = Path(folder) / STORE, Path(folder) / "archive"
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        with Store.open(f"sqlite:///{copy.resolve()}") as store:
            counts = store.counts()
        _fold_log(copy)
        facts = {
            "format_version": FORMAT_VERSION,
            "created_at": datetime.now(UTC).isoformat(),
            "bundle": bundle.name if bundle else "",
            "store_sha256": _sha256(copy),
        }
        with tarfile.open(unfinished, "w") as tar:
            content = json.dumps(facts, indent=1).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
            tar.add(copy, STORE)
            if bundle is not None:
                tar.add(bundle, f"bundles/{bundle.name}")
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(archive)
    return Saved(archive, bundle.name if bundle else "", counts)


def restore(settings: Settings, archive: Path, *, replace: bool = False) -> Saved:
    """Put a backup's store and bundle in place, everything checked before anything is touched. Stop the server first.

    With `replace` a store that is there is set aside under a name with the time, never deleted.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is no backup or a damaged one, there is a store already and `replace` is not set, or the store is
            in use.
        BusyError: a promotion is running.
        BundleError: the bundle in it is damaged.

    """
    database = _database(settings)
    if not archive.is_file():
        raise NotFoundError(f"{archive} does not exist")
    if database.exists() and not replace:
        raise InputError(f"{database} exists; restore with --replace to set it aside, or choose another GONGXU_HOME")
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.home) as name:
        folder = Path(name)
        version = _unpack(archive, folder)
        with Store.open(f"sqlite:///{(folder / STORE).resolve()}") as store:
            counts = store.counts()
        _fold_log(folder / STORE)
        with exclusive(settings.home / LOCK, "promotion", "晋级或回退"), _nobody_writes(database):
            settings.bundles.mkdir(parents=True, exist_ok=True)
            if version:
                _put_bundle(folder / "bundles" / version, settings.bundles / version)
            # No bundle may serve over a store that does not know its records: none is current while the store changes
            # places, and whoever dies in between finds a server that says so, and can restore again.
            for pointer in POINTERS:
                set_pointer(settings.bundles, pointer, "")
            _put_store(folder / STORE, database)
            if version:
                set_current(settings.bundles, version)
                set_pointer(settings.bundles, BUILT, version)
            _note(settings.home, version)
    return Saved(archive, version, counts)


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    """Unpack files and folders, and nothing that lies outside `folder` or is anything else.

    Raises:
        TarError: a member is neither.

    """
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
        return
    # Python before 3.11.4, as Debian 12 has it
    for member in tar:
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not inside or not (member.isreg() or member.isdir()):
            raise tarfile.TarError(f"{member.name!r} is no file of a backup")
        tar.extract(member, folder, set_attrs=False)


def _unpack(archive: Path, folder: Path) -> str:
    """Unpack into `folder`, check every digest, return the bundle's version."""
    try:
        with tarfile.open(archive, "r:") as tar:
            _extract(tar, folder)
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, digest, found = facts["bundle"], facts["store_sha256"], facts["format_version"]
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{archive} is no backup of gongxu, or a damaged one: {error}") from error
    if found != FORMAT_VERSION:
        raise InputError(f"{archive} has format version {found}, this gongxu reads {FORMAT_VERSION}; update gongxu")
    if not (folder / STORE).is_file() or _sha256(folder / STORE) != digest:
        raise InputError(f"{archive} is damaged: its store is not the one that was saved")
    if version:
        try:
            verify(folder / "bundles" / version)
        except BundleError as error:
            raise BundleError(f"{archive} is damaged: {error}".replace(f"{folder}/", "")) from error
    return str(version)


def _put_bundle(source: Path, target: Path) -> None:
    """Put a bundle in its place; one that is there stays if it is whole."""
    if target.exists():
        try:
            verify(target)
        except BundleError:
            target.rename(target.with_name(f".damaged-{target.name}-{_moment()}"))
        else:
            return
    source.rename(target)


def _put_store(copy: Path, database: Path) -> None:
    """Put a store in its place in one step, so that there is one at any moment; the one that was there is set aside."""
    if database.exists():
        _fold_log(database)
        aside = database.with_name(f"{database.name}.before-restore-{_moment()}")
        try:
            os.link(database, aside)
        except OSError:  # a file system without hard links
            shutil.copy2(database, aside)
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    copy.replace(database)


@contextmanager
def _nobody_writes(database: Path) -> Iterator[None]:
    """Refuse to go on while another process has the store open.

    Raises:
        InputError: a server or command is at work on it.

    """
    if database.exists():
        try:
            with closing(sqlite3.connect(database, timeout=1.0, isolation_level=None)) as connection:
                # Leaving the log takes sole possession: nobody else may have the file open.
                connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        except sqlite3.OperationalError as error:
            raise InputError(
                f"{database} is in use ({error}); stop the server and what else works on it, then restore",
                f"{database} 正在使用（{error}）；请先停止服务和其他命令，再恢复",
            ) from error
    yield


def _note(home: Path, version: str) -> None:
    """Tell the journal of promotions that the store's history is another one from here on."""
    entry = {
        "action": "restore",
        "candidate": version,
        "champion": "",
        "passed": True,
        "promoted": True,
        "at": datetime.now(UTC).isoformat(),
    }
    append(home, json.dumps(entry))


def _moment() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S")


def _database(settings: Settings) -> Path:
    if settings.database_url:
        raise InputError("the store is not the SQLite file in GONGXU_HOME; back it up with its own tools (pg_dump)")
    return settings.home / STORE


def _fold_log(database: Path) -> None:
    """Bring everything into the one file, so that it can be moved alone."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
