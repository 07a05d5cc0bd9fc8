"""Asks all shards: each question by a deadline, of the next replica where one is dead; Ray says where they are."""

import os
import signal
import threading
from collections.abc import Mapping
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import structlog

from data.cluster.ray_workers import join
from data.errors import ClusterError
from serving.runtime.shards.absent import Absent
from serving.runtime.shards.lines import CLOSED, Address, Broken, open_line
from serving.runtime.shards.places import NAMESPACE, Cluster, actor_name, kept_token
from serving.telemetry.metrics import SHARD_SECONDS, SHARD_UNANSWERED

PROBE_SECONDS = 0.25  # between two looks whether a replica answers again
UNUSED_SECONDS = 30.0  # without a request, after which nobody looks any more
# Questions that may be asked of another replica.
REPEATABLE = ("form", "propose", "near", "within_reach", "held", "ids", "size", "nearest", "revision")
Replica = tuple[int, int]  # shard, number
Line = Connection

log = structlog.get_logger("gongxu.shards")
_seconds = cache(SHARD_SECONDS.labels)


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
        self._token = ""
        self._addresses: dict[Replica, Address] = {}
        self._lines = threading.local()
        self._silent: set[Replica] = set()
        self._suspected: set[Replica] = set()
        self._probing = False
        self._turn = 0
        self._asked = 0.0
        self._replicas = 1

    def begin(self) -> "RayConversation":
        """Return a new request's conversation."""
        self._connect()
        self._turn += 1
        self._asked = monotonic()
        if self._silent or self._suspected:
            with self._lock:
                self._begin_to_probe()
        return RayConversation(self, monotonic() + self.patience)

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

    def line(self, replica: Replica) -> "Line[Any, Any]":
        """Return this thread's line to a replica.

        Raises:
            OSError, EOFError, AuthenticationError: there is none (`CLOSED`).

        """
        lines = self._own_lines()
        if replica not in lines:
            lines[replica] = open_line(self._address(replica), self._token)
        return lines[replica]

    def hang_up(self, replica: Replica) -> None:
        """Close this thread's line to a replica, over which an answer may come that nobody waits for any more."""
        line = self._own_lines().pop(replica, None)
        if line is not None:
            line.close()

    def _own_lines(self) -> "dict[Replica, Line[Any, Any]]":
        lines: dict[Replica, Line[Any, Any]] = self._lines.__dict__.setdefault("by_replica", {})
        return lines

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
                self._addresses.pop(replica, None)
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
            self._ray, self._token = join(cluster.address, cluster.token), kept_token(self._home)
            self._replicas, self._addresses, self._lines = cluster.replicas, {}, threading.local()
            self._silent, self._suspected, self._probing = set(), set(), False
            self._process = os.getpid()

    def _address(self, replica: Replica) -> Address:
        known = self._addresses.get(replica)
        if known is None:
            status = self._status(replica)
            if status is None:
                raise OSError("no such actor")
            known = self._addresses[replica] = status["address"]
        return known

    def _status(self, replica: Replica) -> dict[str, Any] | None:
        """Return what an actor says of itself; None where there is none, or none that answers."""
        if not self._ray.is_initialized():
            return None  # Ray would connect to whatever it finds
        try:
            actor = self._ray.get_actor(actor_name(self.count, *replica), namespace=NAMESPACE)
            status: dict[str, Any] = self._ray.get(actor.status.remote(), timeout=self.patience)
        except (ValueError, self._ray.exceptions.RayError):
            return None
        return status

    def _end_if_moved(self) -> None:
        """End this process, in good order, if the shards run in another cluster by now: the one before had died.

        Ray joins one cluster in a process's life. Who started this process starts another, which joins the new one.
        """
        if Cluster.load(self._home, self.count) != self._cluster:
            log.warning("the shards run in another cluster: this process ends, the one after it joins that")
            os.kill(os.getpid(), signal.SIGTERM)

    def _probe(self) -> None:
        """Ask replicas that are silent or were late until all of them answer; the thread ends with its process."""
        pause = threading.Event()
        while True:
            self._end_if_moved()
            for replica in self._suspected | self._silent:
                status = self._status(replica)
                if status is None or self.version not in status["versions"]:
                    self.note_silent(replica, "no answer")
                    continue
                with self._lock:
                    self._addresses[replica] = status["address"]
                    if replica in self._silent:
                        log.info("a shard answers again", shard=replica[0], replica=replica[1])
                    self._suspected, self._silent = self._suspected - {replica}, self._silent - {replica}
            with self._lock:
                unused = monotonic() - self._asked > UNUSED_SECONDS  # another version serves, or nobody asks
                if unused or not (self._silent or self._suspected):
                    self._probing = False
                    return
            pause.wait(PROBE_SECONDS)


class RayConversation:
    """One request's questions, asked in one thread; each shard is asked of one replica as long as that answers."""

    def __init__(self, shards: RayShards, until: float) -> None:
        self._shards = shards
        self._until = until
        self._with: dict[int, Replica] = {}
        self._late: set[int] = set()
        self._reopened: set[int] = set()

    @property
    def lacks(self) -> tuple[str, ...]:
        """See `matcher.shards.wire.Conversation`."""
        return tuple(f"shard {shard}" for shard in sorted(self._late))

    def ask(self, question: str, of: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """See `matcher.shards.wire.Conversation`."""
        answers: dict[int, Any] = {}
        wanted = [shard for shard in of if shard not in self._late]
        while wanted:
            asked = self._sent(question, of, wanted)
            wanted = self._collect(question, asked, answers)
        for shard in of.keys() - answers.keys():
            SHARD_UNANSWERED.labels(shard, question).inc()
        return {shard: answers[shard] for shard in of if shard in answers}

    def _sent(self, question: str, of: Mapping[int, tuple[Any, ...]], wanted: list[int]) -> "dict[Line[Any, Any], int]":
        """Send a question to shards; return the lines that answers will come over. What is the same is written once."""
        sent: dict[Line[Any, Any], int] = {}
        written: tuple[Any, Any] = (None, b"")
        for shard in wanted:
            if written[0] is not of[shard]:
                written = of[shard], ForkingPickler.dumps((self._shards.version, question, *of[shard]))
            line = self._line_with(shard, written[1])
            if line is not None:
                sent[line] = shard
        return sent

    def _line_with(self, shard: int, written: Any) -> "Line[Any, Any] | None":
        """Return the line that a question was sent over; None, and the shard is late, where no replica is known to answer."""
        known = self._with.get(shard)
        for replica in [known] if known is not None else self._shards.replicas_of(shard):
            for fresh in (False, True):  # a line may have died since it was last used
                try:
                    line = self._shards.line(replica)
                    line.send_bytes(written)
                except CLOSED as error:
                    self._shards.hang_up(replica)
                    if fresh:
                        self._shards.note_silent(replica, str(error) or type(error).__name__)
                else:
                    self._with[shard] = replica
                    return line
        self._late.add(shard)
        return None

    def _collect(self, question: str, asked: "Mapping[Line[Any, Any], int]", answers: dict[int, Any]) -> list[int]:
        """Wait for answers; return the shards that are to be asked again, of another replica.

        Raises:
            ClusterError: a shard failed over the question, which is a mistake of ours.

        """
        again: list[int] = []
        waiting, began, seconds = dict(asked), perf_counter(), _seconds(question)
        while waiting:
            ready: list[Any] = wait(list(waiting), max(0.0, self._until - monotonic()))
            for line in ready:
                shard = waiting.pop(line)
                try:
                    answer = line.recv()
                except CLOSED as error:
                    if self._is_asked_again(question, shard, type(error).__name__):
                        again.append(shard)
                    continue
                if isinstance(answer, Broken):
                    raise ClusterError(f"shard {shard} failed over {question!r}: {answer.reason}")
                if answer is None and question == "records":
                    self._late.add(shard)  # started again since it was asked first
                elif isinstance(answer, Absent):
                    self._give_up(shard, "another version")
                else:
                    answers[shard] = answer
                    seconds.observe(perf_counter() - began)
            if not ready:
                for shard in waiting.values():
                    self._late.add(shard)
                    self._shards.hang_up(self._with[shard])
                    self._shards.note_late(self._with[shard])
                break
        return again

    def _is_asked_again(self, question: str, shard: int, reason: str) -> bool:
        """Tell whether a shard whose line broke is asked again: over a new line, and if that breaks of another replica."""
        if question in REPEATABLE and shard not in self._reopened:
            self._reopened.add(shard)  # the line may be one to a process that died long ago
            self._shards.hang_up(self._with.pop(shard))
            return True
        self._give_up(shard, reason)
        if question in REPEATABLE and monotonic() < self._until and self._shards.replicas_of(shard):
            self._late.discard(shard)
            return True
        return False

    def _give_up(self, shard: int, reason: str) -> None:
        replica = self._with.pop(shard)
        self._shards.hang_up(replica)
        self._shards.note_silent(replica, reason)
        self._late.add(shard)
