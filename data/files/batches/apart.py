"""Tables read by a process of its own while this one writes: the same batches in the same order, on two cores."""

import gc
import signal
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from os import _exit
from pathlib import Path
from queue import Queue
from threading import Thread

from data.errors import GongxuError
from data.files.batches.tables import Batch, read_batches
from data.files.seen import SeenIds
from data.files.sources import Source

WORTH_A_PROCESS = 16 << 20
"""Bytes of files from which on reading them takes longer than starting a process."""
_AHEAD = 2  # batches that wait to be sent

Read = Callable[[Source], Generator[Batch, None, None]]
"""Returns a table's batches; tables are to be read in the order in which they were given."""


@contextmanager
def reading(sources: Sequence[Source], *, apart: bool = False) -> Iterator[Read]:
    """Open tables for reading; with `apart` a process of its own reads them if they are large."""
    paths = {source.path for source in sources}
    if apart and sum(path.stat().st_size for path in paths if path.is_file()) >= WORTH_A_PROCESS:
        with _read_apart(sources) as read:
            yield read
        return
    seen: dict[Path, SeenIds] = {}
    yield lambda source: read_batches(source, seen.setdefault(source.path, SeenIds()))


@contextmanager
def _read_apart(sources: Sequence[Source]) -> Iterator[Read]:
    """Have a process read tables; it ends with the block."""
    spawn = get_context("spawn")
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_work, args=(sending, list(sources)), daemon=True, name="read")
    process.start()
    sending.close()

    def received(_source: Source) -> Generator[Batch, None, None]:
        while True:
            try:
                found = receiving.recv()
            except EOFError as error:
                process.join()
                raise GongxuError(
                    f"the process that reads the files ended unexpectedly (exit code {process.exitcode})",
                    f"读取文件的进程意外结束（退出码 {process.exitcode}）",
                ) from error
            if found is None:
                return
            if isinstance(found, BaseException):
                raise found
            yield found

    try:
        yield received
    finally:
        receiving.close()
        process.terminate()
        process.join()


def _work(sending: Connection, sources: list[Source]) -> None:
    """Send all tables' batches, None after each table; or the error that ended the reading."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that writes ends this one
    gc.set_threshold(50_000, 20, 100)
    waiting: Queue[Batch | Exception | None] = Queue(_AHEAD)
    sender = Thread(target=_send, args=(sending, waiting, len(sources)), daemon=True)
    sender.start()
    seen: dict[Path, SeenIds] = {}
    try:
        for source in sources:
            for batch in read_batches(source, seen.setdefault(source.path, SeenIds())):
                waiting.put(batch)
            waiting.put(None)
    except Exception as error:  # it belongs to the process that writes
        error.add_note(traceback.format_exc())
        waiting.put(error)
    sender.join()


def _send(sending: Connection, waiting: "Queue[Batch | Exception | None]", tables: int) -> None:
    """Send what waits until all tables or an error are sent; end the process where nobody listens any more."""
    while tables:
        found = waiting.get()
        try:
            sending.send(found)
        except OSError:
            _exit(1)
        if found is None:
            tables -= 1
        elif isinstance(found, Exception):
            return
