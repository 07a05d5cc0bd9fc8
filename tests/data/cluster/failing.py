"""Partition functions that lose their worker, their node or their disk; a module of their own, quick to import."""

import errno
import os
import signal
import time
from pathlib import Path


def fails_once(marker: Path, part: int) -> int:
    """Lose the worker in partition 1, and in partition 2 the room on its disk, for the first time that they are tried."""
    tried = marker / str(part)
    if part in (1, 2) and not tried.exists():
        tried.touch()
        if part == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return part * part


def never_has_room(_: None, part: int) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def loses_its_node(shared: tuple[Path, str], part: int) -> int:
    """Kill the node that this runs on unless it is `shared`'s; there, wait until that happened."""
    import ray

    marker, safe = shared
    if ray.get_runtime_context().get_node_id() != safe:
        marker.touch()
        os.kill(os.getppid(), signal.SIGKILL)
    while not marker.exists():
        time.sleep(0.1)
    return -part
