"""Several server processes: one loads the bundle, forks workers that share its memory, and deals connections out to them.

Workers that all listen on one socket leave each connection to whoever wakes first: of eight that were kept, one worker of
two had between three and all eight, and while it had all, the other's core was idle.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from socket import AF_UNIX, SOCK_SEQPACKET, recv_fds, send_fds, socket, socketpair
from types import FrameType

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE

from serving.telemetry.metrics import forget_process

log = structlog.get_logger("gongxu.workers")
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(eq=False)
class _Worker:
    """A process, the parent's end of the channel over which it gets connections, and whether it has begun to serve."""

    process: ForkProcess
    channel: socket
    ready: bool = False


class Workers:
    """Keeps `count` workers running and gives them connections in turn, until a signal or a worker that cannot start."""

    def __init__(self, config: uvicorn.Config, listener: socket, count: int) -> None:
        """Fork nothing yet; no thread may be running in this process. `listener` is bound, and listens from `run` on."""
        self._config = config
        self._listener = listener
        self._stopping = False
        self._failed = False
        self._workers: list[_Worker] = []
        self._count = count

    def run(self, forked: Callable[[], None]) -> None:
        """Fork the workers, call `forked` once, and put a new worker in the place of each that dies.

        Raises:
            SystemExit: a worker could not start: others would not either.

        """
        for signum in SIGNALS:
            signal.signal(signum, self._stop)
        self._fork()
        forked()
        self._listener.listen(self._config.backlog)
        self._listener.setblocking(False)
        while self._workers:
            self._wait()
            if not self._stopping:
                self._fork()
        if self._failed:
            sys.exit(STARTUP_FAILURE)

    def _wait(self) -> None:
        """Wait until something happens and see to it: a worker is ready or ended, a client connects."""
        sentinels = [worker.process.sentinel for worker in self._workers]
        starting = [worker.channel for worker in self._workers if not worker.ready]
        serving = len(starting) < len(self._workers) and not self._stopping
        happened = wait([*sentinels, *starting, *([self._listener] if serving else [])])
        for worker in list(self._workers):
            if worker.process.sentinel in happened:
                self._take_away(worker)
            elif worker.channel in happened:
                with suppress(OSError):  # it died meanwhile
                    worker.ready = bool(worker.channel.recv(1))
        if self._listener in happened:
            self._deal()

    def _deal(self) -> None:
        """Give a new connection to the ready worker whose turn it is."""
        with suppress(OSError):  # the client has gone again
            connection, _ = self._listener.accept()
            with connection:
                for worker in [worker for worker in self._workers if worker.ready]:
                    self._workers.remove(worker)
                    self._workers.append(worker)  # the next connection is another's
                    with suppress(OSError):  # it died just now, or takes none for long
                        send_fds(worker.channel, [b"+"], [connection.fileno()])
                        return

    def _fork(self) -> None:
        # A signal that comes in between would miss the worker that is being made: it waits until that is known.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            while len(self._workers) < self._count and not self._stopping:
                ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
                kept = [self._listener, ours, *(worker.channel for worker in self._workers)]
                process = get_context("fork").Process(target=_work, args=(self._config, theirs, kept))
                process.start()
                theirs.close()
                ours.setblocking(False)
                self._workers.append(_Worker(process, ours))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _take_away(self, worker: _Worker) -> None:
        worker.process.join()
        worker.channel.close()
        forget_process(worker.process.pid)
        self._workers.remove(worker)
        if self._stopping:
            return
        if worker.process.exitcode == STARTUP_FAILURE:
            log.error("a worker could not start", pid=worker.process.pid)
            self._failed = True
            self._end_all()
        else:
            log.warning("a worker died, another takes its place", pid=worker.process.pid, exit=worker.process.exitcode)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._end_all()

    def _end_all(self) -> None:
        """Have all workers finish what is in flight and end."""
        self._stopping = True
        for worker in self._workers:
            worker.process.terminate()


class _Server(uvicorn.Server):
    """Serves the connections that come over a channel, and ends when there is nobody any more to send some."""

    def __init__(self, config: uvicorn.Config, channel: socket) -> None:
        super().__init__(config)
        self._channel = channel

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets=[])
        self._channel.setblocking(False)
        asyncio.get_running_loop().add_reader(self._channel, self._take)
        self._channel.send(b"+")

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self._channel)
        self._channel.close()
        await super().shutdown(sockets)

    def _take(self) -> None:
        message, descriptors, _, _ = recv_fds(self._channel, 1, 1)
        if not message:
            asyncio.get_running_loop().remove_reader(self._channel)
            self.should_exit = True
        for descriptor in descriptors:
            begun = asyncio.create_task(self._begin(socket(fileno=descriptor)))
            self.server_state.tasks.add(begun)
            begun.add_done_callback(self.server_state.tasks.discard)

    async def _begin(self, connection: socket) -> None:
        connection.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


def _work(config: uvicorn.Config, channel: socket, kept: list[socket]) -> None:
    """Serve, in a worker; what the parent has `kept` for itself is closed here, or its end would go unnoticed."""
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    for parents in kept:
        parents.close()
    _Server(config, channel).run()
