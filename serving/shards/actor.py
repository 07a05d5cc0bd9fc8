"""One shard as an actor: it holds the current and the previous version of its part and follows the store by itself."""

import os
import sys
from pathlib import Path
from time import time
from typing import Any

from data.errors import StoreError
from data.resident import resident_bytes
from data.settings import Settings
from data.store.store import Store
from matcher.bundle import PREVIOUS, pointed
from matcher.shards.part import SIDES
from models.threads import limit_threads
from serving.runtime.background import PeriodicTask
from serving.runtime.live import BundleHolder, LiveModel
from serving.runtime.memory import few_arenas
from serving.runtime.shards.absent import Absent
from serving.runtime.shards.lines import Exchange
from serving.runtime.shards.places import kept_token, part_folder
from serving.runtime.storage import StoreAccess
from serving.telemetry.logs import configure_logs

SWITCH_INTERVAL = 0.0005  # s, as in a server: other threads wait for their turn beside those that answer


class ShardActor:
    """Answers the questions of `ShardEngine` for a named version; any number of threads may ask."""

    def __init__(self, settings: Settings, shards: int, shard: int, host: str = "") -> None:
        """Load what is current of one of so many shards, take in what was written since, and go on following both.

        Questions are taken at `host`, by default where Ray knows this node.
        """
        if not host:
            import ray

            host = ray.util.get_node_ip_address()
        few_arenas()
        limit_threads(1)
        sys.setswitchinterval(SWITCH_INTERVAL)
        configure_logs(settings.log_level)
        self._folder = part_folder(settings.home, shards, shard)
        self._access = StoreAccess(settings)
        self._holder = BundleHolder(self._folder, threads=1)
        self._versions: dict[str, LiveModel] = {}
        self._started = self._followed = time()
        self._watch()
        self._exchange = Exchange(host, kept_token(settings.home), self.ask)
        for name, work in (("watcher", self._watch), ("follower", self._follow)):
            PeriodicTask(name, work, settings.serve_poll).start()

    def ask(self, version: str, question: str, *arguments: Any) -> Any:
        """Return what the engine of a version answers, `Absent` where it is not held."""
        live = self._versions.get(version)
        if live is None:
            return Absent()
        return live.revision if question == "revision" else getattr(live.engine, question)(*arguments)

    def status(self) -> dict[str, Any]:
        """Return the versions held, why the newest was refused ("" unless it was), how far the store was followed, and more.

        `behind` is the seconds since all that had been written was taken in, `memory` the resident bytes of the process.
        """
        rejected, live = self._holder.rejected, self._holder.live
        return {
            "versions": list(self._versions),
            "rejected": "" if rejected is None else rejected.reason,
            "pid": os.getpid(),
            "address": self._exchange.address,
            "started": self._started,
            "revision": 0 if live is None else live.revision,
            "behind": time() - self._followed,
            "records": {} if live is None else {side: live.engine.size(side) for side in SIDES},
            "memory": resident_bytes(),
        }

    def _watch(self) -> None:
        if self._holder.refresh(self._store()):
            held = [live for live in (self._holder.live, *self._versions.values()) if live is not None]
            self._versions = {live.manifest.version: live for live in held[:2]}
        elif len(self._versions) == 1 and (earlier := pointed(self._folder, PREVIOUS)) not in ("", *self._versions):
            # Started again while requests may still name the version before: loaded once the current one serves.
            live = LiveModel.load_beside(Path(self._folder) / earlier, 1, self._store())
            self._versions = {**self._versions, earlier: live}

    def _follow(self) -> None:
        store = self._access.store()
        for live in tuple(self._versions.values()):
            live.catch_up(store)
        self._followed = time()

    def _store(self) -> Store | None:
        try:
            return self._access.store()
        except StoreError:
            return None
