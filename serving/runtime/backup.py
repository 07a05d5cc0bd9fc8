"""Backup and restore of one installation: its store and the bundle that is served, in one verified archive."""

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

from data.errors import BundleError, GongxuError, InputError, NotFoundError
from data.locks import exclusive
from data.settings import Settings
from data.store.postgresql import dumps
from data.store.reading.results import StoreCounts
from data.store.store import Store
from matcher.bundle import BUILT, CURRENT, POINTERS, current_bundle, pointed, set_current, set_pointer, verify
from matcher.served import LOCK, append

FORMATS = {"store.db": 1, "store.dump": 2}
"""Format version by what the store is saved as: a SQLite file, or what PostgreSQL's pg_dump writes."""
MANIFEST = "backup.json"
STORE, DUMP = FORMATS


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
        InputError: `archive` exists, the store is a SQLite file outside the home, or there is no pg_dump for PostgreSQL.
        NotFoundError: there is no store.
        StoreError: pg_dump failed.
        BundleError: the current bundle is damaged.

    """
    database = _database(settings)
    if archive.exists():
        raise InputError(f"{archive} exists already; name a new file")
    if database is not None and not database.is_file():
        raise NotFoundError(f"{database} does not exist; there is nothing to back up")
    bundle = current_bundle(settings.bundles) if (settings.bundles / CURRENT).is_file() else None
    if bundle is not None:
        verify(bundle)
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=archive.parent) as folder:
        copy, unfinished = Path(folder) / (DUMP if database is None else STORE), Path(folder) / "archive"
        counts = _save_postgresql(settings, copy) if database is None else _save_sqlite(database, copy)
        facts = {
            "format_version": FORMATS[copy.name],
            "store": copy.name,
            "created_at": datetime.now(UTC).isoformat(),
            "bundle": bundle.name if bundle else "",
            "store_sha256": _sha256(copy),
        }
        with tarfile.open(unfinished, "w") as tar:
            content = json.dumps(facts, indent=1).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
            tar.add(copy, copy.name)
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
        InputError: it is no backup or a damaged one, one of another kind of store, there is a store already and
            `replace` is not set, or the store is in use.
        StoreError: pg_restore failed.
        BusyError: a promotion is running.
        BundleError: the bundle in it is damaged.

    """
    database = _database(settings)
    if not archive.is_file():
        raise NotFoundError(f"{archive} does not exist")
    if database is not None and database.exists() and not replace:
        raise InputError(f"{database} exists; restore with --replace to set it aside, or choose another GONGXU_HOME")
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.home) as name:
        folder = Path(name)
        version, saved = _unpack(archive, folder)
        _require_same_kind(archive, saved, database)
        if database is None:
            dumps.require_restorable(settings.store_url, replace=replace)
        else:
            with Store.open(f"sqlite:///{saved.resolve()}") as store:
                counts = store.counts()
            _fold_log(saved)
        with exclusive(settings.home / LOCK, "promotion", "晋级或回退"), _nobody_writes(database):
            settings.bundles.mkdir(parents=True, exist_ok=True)
            if version:
                _put_bundle(folder / "bundles" / version, settings.bundles / version)
            # No bundle may serve over a store that does not know its records: none is current while the store changes
            # places, and whoever dies in between finds a server that says so, and can restore again.
            pointers = {pointer: pointed(settings.bundles, pointer) for pointer in POINTERS}
            for pointer in POINTERS:
                set_pointer(settings.bundles, pointer, "")
            if database is None:
                counts = _put_postgresql(settings, saved, pointers)
            else:
                _put_store(saved, database)
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


def _save_sqlite(database: Path, copy: Path) -> StoreCounts:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with Store.open(f"sqlite:///{copy.resolve()}") as store:
        counts = store.counts()
    _fold_log(copy)
    return counts


def _save_postgresql(settings: Settings, copy: Path) -> StoreCounts:
    with Store.open(settings.store_url) as store:
        counts = store.counts()
    dumps.save(settings.store_url, copy)
    return counts


def _put_postgresql(settings: Settings, dump: Path, pointers: dict[str, str]) -> StoreCounts:
    """Put a saved store in place; if that fails all is as it was, the pointers to bundles too."""
    try:
        dumps.restore(settings.store_url, dump)
    except GongxuError:
        for pointer, version in pointers.items():
            set_pointer(settings.bundles, pointer, version)
        raise
    with Store.open(settings.store_url) as store:
        return store.counts()


def _require_same_kind(archive: Path, saved: Path, database: Path | None) -> None:
    if (saved.name == DUMP) != (database is None):
        held, here = ("PostgreSQL", "SQLite") if saved.name == DUMP else ("SQLite", "PostgreSQL")
        raise InputError(
            f"{archive} holds a store of {held}, this installation uses {here}; see GONGXU_DATABASE_URL",
            f"{archive} 中是 {held} 数据库，本机使用 {here}；请检查 GONGXU_DATABASE_URL",
        )


def _unpack(archive: Path, folder: Path) -> tuple[str, Path]:
    """Unpack into `folder`, check every digest, return the bundle's version and where the store lies."""
    try:
        with tarfile.open(archive, "r:") as tar:
            _extract(tar, folder)
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, digest, found = facts["bundle"], facts["store_sha256"], facts["format_version"]
        name = str(facts.get("store", STORE))
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{archive} is no backup of gongxu, or a damaged one: {error}") from error
    if FORMATS.get(name) != found:
        raise InputError(
            f"{archive} has format version {found}, this gongxu reads {max(FORMATS.values())} at most; update gongxu"
        )
    if not (folder / name).is_file() or _sha256(folder / name) != digest:
        raise InputError(f"{archive} is damaged: its store is not the one that was saved")
    if version:
        try:
            verify(folder / "bundles" / version)
        except BundleError as error:
            raise BundleError(f"{archive} is damaged: {error}".replace(f"{folder}/", "")) from error
    return str(version), folder / name


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
def _nobody_writes(database: Path | None) -> Iterator[None]:
    """Refuse to go on while another process has the store open.

    Raises:
        InputError: a server or command is at work on it.

    """
    if database is not None and database.exists():
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


def _database(settings: Settings) -> Path | None:
    """Return the SQLite file of the home, None for PostgreSQL."""
    if settings.database_url.startswith("postgresql"):
        return None
    if settings.database_url:
        raise InputError("the store is not the SQLite file in GONGXU_HOME; copy it with sqlite3's .backup")
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
