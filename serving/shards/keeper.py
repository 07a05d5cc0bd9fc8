"""Keeps the shards of the current bundle: cuts it, has every actor load its part, and only then lets requests name it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import structlog

from data.errors import BundleError, ClusterError, GongxuError
from data.settings import Settings
from matcher.bundle import CURRENT, PREVIOUS, current_bundle, pointed, set_pointer
from matcher.shards.part import Cutter
from serving.runtime.shards.places import NAMESPACE, Cluster, actor_name, asking_name, part_folder
from serving.shards.actor import ShardActor

KEPT = 2  # versions whose parts are left: the current and the one before
LOAD_SECONDS = 600.0  # for all actors to load a version
STATUS_SECONDS = 2.0  # that actors get to say how they are
TAKEN_OVER_SECONDS = 10.0  # that requests of the number of shards before get to end

log = structlog.get_logger("gongxu.shards")


class Keeper:
    """The actors of so many shards, so many replicas each, in the cluster that `ray` is connected to."""

    def __init__(
        self, ray: Any, settings: Settings, shards: int, replicas: int, threads: int = 2, resource: str = ""
    ) -> None:
        """Start nothing yet. Each actor takes one unit of `resource` of its node; of every node with "" for it."""
        self._ray = ray
        self._resources = {resource: 1.0} if resource else {}
        self._settings = settings.model_copy(update={"home": settings.home.resolve()})
        self.shards = shards
        self.replicas = replicas
        self._threads = threads
        self._actors: dict[tuple[int, int], Any] = {}
        self._refused = self._token = ""
        self.stopping = Event()

    @property
    def _asking(self) -> Path:
        return self._settings.asking

    @property
    def serving(self) -> str:
        """The version that requests ask these shards for, "" if none yet or another number of shards took over."""
        name = pointed(self._asking, CURRENT)
        version, _, shards = name.rpartition(".")
        return version if shards == str(self.shards) else ""

    def run(self, token: str, ready: Callable[[str], None], *, leave: bool = False) -> None:
        """Follow the current bundle until `stopping`, or until another number of shards took over; then end the actors.

        `token` is that of the cluster; `ready` is called with each version that is served. With `leave` the actors go on
        after `stopping`, for the keeper that takes them over.
        """
        self._token, began = token, False
        while not self.stopping.is_set():
            if began and not self.serving:
                log.info("another number of shards took over", shards=self.shards)
                self.stopping.wait(TAKEN_OVER_SECONDS)
                break
            if self.refresh():
                began = True
                ready(self.serving)
            self.stopping.wait(self._settings.serve_poll)
        if not (leave and self.stopping.is_set()):
            self.end()

    def refresh(self) -> bool:
        """Serve the current bundle if it is another than before; return whether a new one is served now.

        One that cannot be cut or loaded leaves the old one serving and is not tried again.
        """
        bundle = current_bundle(self._settings.bundles)
        if bundle.name == self._refused or (self._actors and bundle.name == self.serving):
            return False
        try:
            self._publish(bundle)
        except GongxuError as error:
            self._refused = bundle.name
            if not self.serving:
                raise
            log.warning("bundle rejected", version=bundle.name, reason=str(error))
            return False
        return True

    def statuses(self) -> dict[tuple[int, int], dict[str, Any] | None]:
        """Return what each actor says of itself, by shard and replica; None for one that does not answer in time."""
        asked = {replica: actor.status.remote() for replica, actor in tuple(self._actors.items())}
        ready, _ = (
            self._ray.wait(list(asked.values()), num_returns=len(asked), timeout=STATUS_SECONDS) if asked else ([], [])
        )
        return {replica: self._answer(one) if one in ready else None for replica, one in asked.items()}

    def _answer(self, ready: Any) -> dict[str, Any] | None:
        try:
            status: dict[str, Any] = self._ray.get(ready)
        except self._ray.exceptions.RayError:
            return None  # the process died
        return status

    def end(self) -> None:
        """End all actors."""
        for actor in self._actors.values():
            self._ray.kill(actor)
        self._actors.clear()

    def _publish(self, bundle: Path) -> None:
        home, cutter = self._settings.home, Cutter(bundle, self.shards)
        version = cutter.manifest.version
        for shard in range(self.shards):
            folder = part_folder(home, self.shards, shard)
            cutter.write(folder, shard)
            _point(folder, version)
        name = asking_name(version, self.shards)
        cutter.write(self._asking, None, name)
        del cutter  # the whole bundle need not stay in memory while the actors load their parts
        self._start()
        self._wait_for(version)
        address = self._ray.get_runtime_context().gcs_address
        Cluster(address, self._token, self.replicas).save(home, self.shards)
        _point(self._asking, name)
        log.info("shards serve", version=version, shards=self.shards, replicas=self.replicas)
        self._tidy()

    def _start(self) -> None:
        """Start the actors that do not run; those of a command that was killed are found by their names."""
        kind = self._ray.remote(ShardActor)
        for shard in range(self.shards):
            for replica in range(self.replicas):
                if (shard, replica) not in self._actors:
                    self._actors[shard, replica] = kind.options(
                        name=actor_name(self.shards, shard, replica),
                        namespace=NAMESPACE,
                        get_if_exists=True,
                        lifetime="detached",
                        max_restarts=-1,
                        max_concurrency=self._threads,
                        num_cpus=0,
                        resources=self._resources,
                        scheduling_strategy="SPREAD",
                    ).remote(self._settings, self.shards, shard)

    def _wait_for(self, version: str) -> None:
        """Wait until every actor holds a version.

        Raises:
            ClusterError: one refused it or took too long.

        """
        errors, waited = self._ray.exceptions, 0.0
        while not self.stopping.is_set() and waited < LOAD_SECONDS:
            lacking = ""
            for (shard, replica), actor in self._actors.items():
                try:
                    status = self._ray.get(actor.status.remote(), timeout=LOAD_SECONDS)
                except (errors.ActorUnavailableError, errors.RayActorError):
                    lacking = f"shard {shard}, replica {replica}, is being started again"
                    continue
                if version not in status["versions"]:
                    lacking = f"shard {shard}, replica {replica}: {status['rejected'] or 'still loading'}"
                    if status["rejected"]:
                        raise BundleError(f"version {version} was refused by {lacking}")
            if not lacking:
                return
            self.stopping.wait(self._settings.serve_poll)
            waited += self._settings.serve_poll
        raise ClusterError(f"not all shards hold version {version} after {LOAD_SECONDS:.0f} s: {lacking}")

    def _tidy(self) -> None:
        """Remove parts of versions that nobody serves any more."""
        folders = [part_folder(self._settings.home, self.shards, shard) for shard in range(self.shards)]
        for folder in (*folders, self._asking):
            used = {pointed(folder, CURRENT), pointed(folder, PREVIOUS)}
            parts = sorted(
                (path for path in folder.glob("[0-9]*") if path.is_dir()), key=lambda path: path.stat().st_mtime
            )
            for path in parts[:-KEPT]:
                if path.name not in used:
                    shutil.rmtree(path, ignore_errors=True)


def _point(folder: Path, name: str) -> None:
    """Let a folder's pointers name its current part and the one before."""
    before = pointed(folder, CURRENT)
    if before != name:
        set_pointer(folder, PREVIOUS, before)
        set_pointer(folder, CURRENT, name)
