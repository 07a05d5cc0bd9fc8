"""Several server processes: one loads and warms up the bundle, then forks workers that share its memory."""

import signal
import sys
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from socket import socket
from types import FrameType

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE

log = structlog.get_logger("gongxu.workers")
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Workers:
    """Keeps `count` workers running, which share one listening socket, until a signal or a worker that cannot start."""

    def __init__(self, config: uvicorn.Config, listener: socket, count: int) -> None:
        """Fork nothing yet; no thread may be running in this process."""
        self._config = config
        self._listener = listener
        self._stopping = False
        self._failed = False
        self._workers: list[ForkProcess] = []
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
        while self._workers:
            ended = wait([worker.sentinel for worker in self._workers])
            for worker in [worker for worker in self._workers if worker.sentinel in ended]:
                self._take_away(worker)
            if not self._stopping:
                self._fork()
        if self._failed:
            sys.exit(STARTUP_FAILURE)

    def _fork(self) -> None:
        # A signal that comes in between would miss the worker that is being made: it waits until that is known.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            while len(self._workers) < self._count and not self._stopping:
                worker = get_context("fork").Process(target=_work, args=(self._config, self._listener))
                worker.start()
                self._workers.append(worker)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _take_away(self, worker: ForkProcess) -> None:
        worker.join()
        self._workers.remove(worker)
        if self._stopping:
            return
        if worker.exitcode == STARTUP_FAILURE:
            log.error("a worker could not start", pid=worker.pid)
            self._failed = True
            self._end_all()
        else:
            log.warning("a worker died, another takes its place", pid=worker.pid, exit=worker.exitcode)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._end_all()

    def _end_all(self) -> None:
        """Have all workers finish what is in flight and end."""
        self._stopping = True
        for worker in self._workers:
            worker.terminate()


def _work(config: uvicorn.Config, listener: socket) -> None:
    """Serve, in a worker."""
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    uvicorn.Server(config).run(sockets=[listener])
