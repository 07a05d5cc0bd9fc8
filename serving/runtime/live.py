"""The bundle that is served: loaded, verified, warmed up, kept up to date with the store, swapped by one reference."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Lock
from time import monotonic, perf_counter, sleep
from typing import Annotated, Literal
from weakref import ReferenceType, ref

import structlog
from pydantic import Field

from data.errors import BundleError, ClusterError, GongxuError
from data.store.store import Store
from matcher.bundle import CURRENT, PREVIOUS, Manifest, current_bundle, pointed, read_manifest, verify
from matcher.engine import Engine
from matcher.shards.asking import AskingEngine
from serving.runtime.memory import give_back
from serving.runtime.shards.loading import open_engine
from serving.runtime.warm_up import warm_up
from serving.telemetry.metrics import BUNDLE_LOADS, BUNDLE_REJECTED, RECORDS_REPLAYED

REPLAY_BATCH = 500
WARMING_SECONDS = 60.0  # that shards get for each of the first requests, which may have to compile
LARGE = 2**28  # bytes of a bundle from which on its digests are checked beside requests by a process of low priority
_CHECK = "import os, sys, pathlib, matcher.bundle as b; os.nice(10); b.verify(pathlib.Path(sys.argv[1]))"
PATIENCE = 5.0  # seconds that requests with the replaced bundle get to end before its memory is given back without them
Lacking = Literal["ranker", "graph", "store", "rerank", "rewrite"] | Annotated[str, Field(pattern=r"^shard \d+$")]

log = structlog.get_logger("gongxu.bundle")


class LiveModel:
    """An engine and how far it has followed the store."""

    def __init__(self, manifest: Manifest, engine: Engine) -> None:
        self.manifest = manifest
        self.engine = engine
        self.revision = manifest.watermark
        self.loaded_at = datetime.now(UTC)
        self._lock = Lock()

    @classmethod
    def load(cls, directory: Path, threads: int, store: Store | None = None) -> "LiveModel":
        """Load a bundle, check every digest, and answer one request of each kind before anybody else asks.

        With a `store` that includes requests for what is stored. Of the processes that share a folder of bundles one
        loads at a time: the others go on answering meanwhile.

        Raises:
            GongxuError: the bundle cannot be used.

        """
        with _exclusive_lock(directory.parent):
            return cls._loaded(verify(directory), directory, threads, store)

    @classmethod
    def load_beside(cls, directory: Path, threads: int, store: Store | None) -> "LiveModel":
        """Load a bundle as `load` does, while requests are answered, and take in what `store` knows since it was built.

        The thread has the requests' priority: one of lower priority would be kept waiting while it holds the
        interpreter, and with it every request. Only the digests are left to a process that may wait.
        """
        with _exclusive_lock(directory.parent):
            live = cls._loaded(_verified(directory), directory, threads, store)
            if store is not None:
                live.catch_up(store)
            return live

    @classmethod
    def _loaded(cls, manifest: Manifest, directory: Path, threads: int, store: Store | None) -> "LiveModel":
        engine = open_engine(directory, threads, manifest)
        if not isinstance(engine, AskingEngine):
            warm_up(engine, store)
        return cls(manifest, engine)

    def warm_up_shards(self, store: Store | None) -> None:
        """Ask the first requests of an engine that asks shards; not earlier, since this process may have been forked."""
        if isinstance(self.engine, AskingEngine):
            try:
                with self.engine.patient(WARMING_SECONDS):
                    warm_up(self.engine, store)
            except ClusterError as error:
                log.warning("shards are silent", reason=str(error))

    def lacks(self, *, store_ok: bool) -> list[Lacking]:
        """Return what answers are made without at the moment; empty when nothing is missing."""
        model = self.engine.model
        missing: dict[Lacking, bool] = {
            "ranker": model.scorer is None,
            "graph": model.graph is None,
            "store": not store_ok,
        }
        return [name for name, lacking in missing.items() if lacking]

    def is_behind(self, store: Store, mark: int) -> bool:
        """Tell whether records written up to the watermark `mark` were not taken in yet: by the shards, where it asks some."""
        if not isinstance(self.engine, AskingEngine):
            return False
        return any(change.revision <= mark for change in islice(store.changes_since(self.revision), 1))

    def catch_up(self, store: Store) -> int:
        """Take in what changed in the store since the last call (at first: since the bundle was built); return how much."""
        with self._lock:
            if isinstance(self.engine, AskingEngine):
                self.revision = self.engine.revision(self.revision)
                return 0
            if store.watermark() <= self.revision:
                return 0
            changes = store.changes_since(self.revision)
            done = 0
            while batch := list(islice(changes, REPLAY_BATCH)):
                self.engine.apply(batch)
                self.revision = batch[-1].revision
                done += len(batch)
            RECORDS_REPLAYED.inc(done)
            return done


@dataclass(frozen=True)
class Rejected:
    """A bundle that could not be loaded, and why."""

    version: str
    reason: str
    at: datetime


class BundleHolder:
    """Holds the live model. One thread at a time loads; everybody else reads `live`, one reference."""

    def __init__(self, bundles: Path, threads: int, loaded: LiveModel | None = None) -> None:
        """Serve nothing yet; `loaded` is taken instead of being loaded again if it is what shall be served."""
        self._bundles = bundles
        self._threads = threads
        self._loaded = loaded
        self._loading = Lock()
        self._seen: tuple[str, int] | None = None
        self.live: LiveModel | None = None
        self.rejected: Rejected | None = None

    def model(self) -> LiveModel:
        """Return the live model.

        Raises:
            BundleError: none could be loaded so far.

        """
        live = self.live
        if live is None:
            raise BundleError("no bundle is loaded; run `gongxu import` and `gongxu build` first")
        return live

    def refresh(self, store: Store | None, *, force: bool = False) -> bool:
        """Load the bundle that `current` names if it is another than before; return whether a new one serves now.

        A bundle that cannot be loaded leaves the old one serving (at start: the previous one), is remembered in
        `rejected` and not tried again until the pointer is rewritten or `force` is set.
        """
        with self._loading:
            pointer = self._pointer()
            if pointer is None or (pointer == self._seen and not force):
                return False
            self._seen = pointer
            loaded = self._load(pointer[0], store)
            if not loaded and self.live is None and (earlier := pointed(self._bundles, PREVIOUS)):
                refused = self.rejected
                loaded = self._load(earlier, store)  # better the last good one than none
                self.rejected = refused
                BUNDLE_REJECTED.set(1)
            return loaded

    def switch(self, version: str, store: Store | None, point: Callable[[], None]) -> str:
        """Load a bundle and, once it serves here, let `point` name it as the current one.

        Return why it was refused, empty if it serves; then neither the pointer nor what serves has changed.
        """
        with self._loading:
            before = self.rejected
            if not self._load(version, store):
                reason, self.rejected = self.rejected.reason if self.rejected else "", before
                BUNDLE_REJECTED.set(before is not None)
                return reason
            point()
            self._seen = self._pointer()
            return ""

    def _load(self, version: str, store: Store | None) -> bool:
        started = perf_counter()
        loaded, self._loaded = self._loaded, None
        try:
            if self.live is not None:
                live = LiveModel.load_beside(self._bundles / version, self._threads, store)
            else:
                known = loaded is not None and loaded.manifest.version == version
                live = loaded if loaded and known else LiveModel.load(self._bundles / version, self._threads, store)
                if store is not None:
                    live.catch_up(store)
            live.warm_up_shards(store)
        except Exception as error:
            # Digests may be right, yet files of a version whose readers fail in ways of their own: the old bundle stays.
            cause = f"{error}" if isinstance(error, GongxuError) else f"{type(error).__name__}: {error}"
            reason = cause.replace(str(self._bundles), "bundles")
            self.rejected = Rejected(version, reason, datetime.now(UTC))
            BUNDLE_LOADS.labels("rejected").inc()
            BUNDLE_REJECTED.set(1)
            log.warning("bundle rejected", version=version, reason=reason)
            return False
        replaced = None if self.live is None else ref(self.live)
        self.live, self.rejected = live, None
        BUNDLE_LOADS.labels("loaded").inc()
        BUNDLE_REJECTED.set(0)
        log.info("bundle loaded", version=version, seconds=round(perf_counter() - started, 3))
        if replaced is not None:
            _release_when_unused(replaced)
        return True

    def _pointer(self) -> tuple[str, int] | None:
        """Return the version that is to be served and when that was written, in ns."""
        path = self._bundles / CURRENT
        try:
            return path.read_text(encoding="utf-8").strip(), path.stat().st_mtime_ns
        except OSError:
            return None


def preloaded(bundles: Path, threads: int, store: Store | None) -> LiveModel | None:
    """Return the current bundle, loaded; None if there is none or it cannot be used, which the holder will tell."""
    try:
        return LiveModel.load(current_bundle(bundles), threads, store)
    except Exception as error:  # whatever is wrong with it, as a holder takes it
        log.warning("no bundle loaded before the start", reason=f"{type(error).__name__}: {error}")
        return None


def _verified(directory: Path) -> Manifest:
    """Return a bundle's manifest once every file was checked against it.

    Raises:
        BundleError: a file is missing or damaged.

    """
    manifest = read_manifest(directory)
    if sum(entry.bytes for entry in manifest.files.values()) < LARGE:
        return verify(directory)  # sooner done than a process is started
    checked = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _CHECK, str(directory)], capture_output=True, check=False
    )
    return manifest if checked.returncode == 0 else verify(directory)  # which tells what is wrong


@contextmanager
def _exclusive_lock(bundles: Path) -> Iterator[None]:
    """Wait until no other process is in such a block for the same folder; the lock ends with the process that holds it."""
    try:
        descriptor = os.open(bundles, os.O_RDONLY)
    except OSError as error:
        raise BundleError(f"the folder of bundles {bundles} cannot be read: {error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _release_when_unused(replaced: ReferenceType[LiveModel]) -> None:
    """Return a replaced bundle's memory to the system once the last request with it has ended."""
    end = monotonic() + PATIENCE
    while replaced() is not None and monotonic() < end:
        sleep(0.02)
    give_back()
