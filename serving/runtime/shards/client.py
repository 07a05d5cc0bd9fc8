"""Asks the actors of all shards over Ray: each question by a deadline, of the next replica where one is dead."""

import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import structlog

from data.cluster.ray_workers import join
from serving.runtime.shards.absent import Absent
from serving.runtime.shards.places import NAMESPACE, Cluster, actor_name

PROBE_SECONDS = 0.25  # between two looks whether a replica answers again
REPEATABLE = ("form", "propose", "near", "ids", "size", "nearest", "revision")  # may be asked of another replica
Replica = tuple[int, int]  # shard, number

log = structlog.get_logger("gongxu.shards")


class RayShards:
    """The shards of one version; connects in the process that asks first, as a Ray connection does not outlive a fork."""

    def __init__(self, home: Path, count: int, version: str, patience: float) -> None:
        """Take how many shards there are, and how many seconds one request's questions may take together."""
        self.count = count
        self.version = version
        self.patience = patience
        self._home = home
        self._lock = threading.Lock()
        self._process = 0
        self._ray: Any = None
        self._cluster: Cluster | None = None
        self._actors: dict[Replica, Any] = {}
        self._silent: set[Replica] = set()
        self._suspected: set[Replica] = set()
        self._probing = False
        self._turn = 0
        self._replicas = 1

    def begin(self) -> "RayConversation":
        """Return a new request's conversation."""
        self._connect()
        self._turn += 1
        return RayConversation(self, self._ray, monotonic() + self.patience)

    @property
    def lacks(self) -> tuple[str, ...]:
        """Shards of which no replica answered when it was last asked."""
        silent = self._silent
        return tuple(
            f"shard {shard}"
            for shard in range(self.count)
            if all((shard, number) in silent for number in range(self._replicas))
        )

    def replicas_of(self, shard: int) -> list[Replica]:
        """Return the replicas of a shard that answer as far as is known, the one whose turn it is first."""
        order = [(shard, (self._turn + number) % self._replicas) for number in range(self._replicas)]
        return [one for one in order if one not in self._silent]

    def actor(self, replica: Replica) -> Any:
        """Return the handle of a replica; None where there is no such actor now."""
        found = self._actors.get(replica)
        if found is None:
            try:
                found = self._ray.get_actor(actor_name(self.count, *replica), namespace=NAMESPACE)
            except ValueError:
                return None
            self._actors[replica] = found
        return found

    def note_late(self, replica: Replica) -> None:
        """Look whether a replica that was late answers at all; until that is known it is asked as before."""
        with self._lock:
            self._suspected = self._suspected | {replica}
            self._begin_to_probe()

    def note_silent(self, replica: Replica, reason: str) -> None:
        """Leave a replica out of further requests until it answers again."""
        with self._lock:
            self._suspected = self._suspected - {replica}
            if replica not in self._silent:
                log.warning("a shard is silent", shard=replica[0], replica=replica[1], reason=reason)
                self._silent = self._silent | {replica}
                self._actors.pop(replica, None)
                self._begin_to_probe()

    def _begin_to_probe(self) -> None:
        if not self._probing:
            self._probing = True
            threading.Thread(target=self._probe, name="shards", daemon=True).start()

    def _connect(self) -> None:
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process == os.getpid():
                return
            self._cluster = cluster = Cluster.load(self._home, self.count)
            self._ray = join(cluster.address, cluster.token)
            self._replicas, self._actors = cluster.replicas, {}
            self._silent, self._suspected, self._probing = set(), set(), False
            self._process = os.getpid()

    def _end_if_moved(self) -> None:
        """End this process, in good order, if the shards run in another cluster by now: the one before had died.

        Ray joins one cluster in a process's life. Who started this process starts another, which joins the new one.
        """
        if Cluster.load(self._home, self.count) != self._cluster:
            log.warning("the shards run in another cluster: this process ends, the one after it joins that")
            os.kill(os.getpid(), signal.SIGTERM)

    def _probe(self) -> None:
        """Ask silent replicas until all of them answer; a process that ends takes this thread along."""
        pause = threading.Event()
        while True:
            self._end_if_moved()
            for replica in self._suspected | self._silent:
                if not self._answers(replica):
                    self.note_silent(replica, "no answer")
                    continue
                with self._lock:
                    if replica in self._silent:
                        log.info("a shard answers again", shard=replica[0], replica=replica[1])
                    self._suspected, self._silent = self._suspected - {replica}, self._silent - {replica}
            with self._lock:
                if not self._silent and not self._suspected:
                    self._probing = False
                    return
            pause.wait(PROBE_SECONDS)

    def _answers(self, replica: Replica) -> bool:
        try:
            actor = self.actor(replica)
            if actor is None:
                return False
            held = self._ray.get(actor.status.remote(), timeout=self.patience)["versions"]
        except self._ray.exceptions.RayError:
            self._actors.pop(replica, None)
            return False
        return self.version in held


class RayConversation:
    """One request's questions; each shard is asked of one replica as long as that answers."""

    def __init__(self, shards: RayShards, ray: Any, until: float) -> None:
        self._shards = shards
        self._ray = ray
        self._until = until
        self._with: dict[int, Replica] = {}
        self._late: set[int] = set()

    @property
    def lacks(self) -> tuple[str, ...]:
        """See `matcher.shards.asking.Conversation`."""
        return tuple(f"shard {shard}" for shard in sorted(self._late))

    def ask(self, question: str, of: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """See `matcher.shards.asking.Conversation`."""
        answers: dict[int, Any] = {}
        wanted = [shard for shard in of if shard not in self._late]
        while wanted:
            asked = {}
            for shard in wanted:
                actor = self._actor_of(shard)
                if actor is not None:
                    asked[actor.ask.remote(self._shards.version, question, *of[shard])] = shard
            wanted = self._collect(question, asked, answers)
        return {shard: answers[shard] for shard in of if shard in answers}

    def _actor_of(self, shard: int) -> Any:
        """Return the actor to ask; None, and the shard is late, where no replica is known to answer."""
        known = self._with.get(shard)
        for replica in [known] if known is not None else self._shards.replicas_of(shard):
            actor = self._shards.actor(replica)
            if actor is not None:
                self._with[shard] = replica
                return actor
            self._shards.note_silent(replica, "no such actor")
        self._late.add(shard)
        return None

    def _collect(self, question: str, asked: Mapping[Any, int], answers: dict[int, Any]) -> list[int]:
        """Wait for answers; return the shards that are to be asked again, of another replica."""
        again: list[int] = []
        waiting = list(asked)
        while waiting:
            left = self._until - monotonic()
            ready, waiting = self._ray.wait(waiting, num_returns=1, timeout=max(0.0, left))
            if not ready:
                for reference in waiting:
                    shard = asked[reference]
                    self._late.add(shard)
                    self._shards.note_late(self._with[shard])
                break
            for reference in ready:
                shard = asked[reference]
                try:
                    answer = self._ray.get(reference)
                except (self._ray.exceptions.RayActorError, self._ray.exceptions.ActorUnavailableError) as error:
                    self._give_up(shard, type(error).__name__)
                    if question in REPEATABLE and monotonic() < self._until and self._shards.replicas_of(shard):
                        self._late.discard(shard)
                        again.append(shard)
                    continue
                if answer is None and question in ("score", "explain"):
                    self._late.add(shard)  # started again since it was asked first
                elif isinstance(answer, Absent):
                    self._give_up(shard, "another version")
                else:
                    answers[shard] = answer
        return again

    def _give_up(self, shard: int, reason: str) -> None:
        self._shards.note_silent(self._with.pop(shard), reason)
        self._late.add(shard)
