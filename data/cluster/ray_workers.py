"""A Ray cluster as workers: partitions are its tasks, and their results come back through its object store.

Ray is the optional extra `cluster` and is imported only here, and only when a cluster is asked for.
"""

import os
import secrets
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from data.cluster.workers import PARTITION, Part, Report, Result, Shared, Workers
from data.errors import ClusterError, GongxuError, SettingsError, first_line

LOCAL = "local"
"""In place of an address: a Ray of this command's own on this machine, which ends with the command."""

RETRIES = 3
"""How often a partition is tried again after its worker, its node or its node's disk failed."""
AHEAD = 2
"""Partitions handed out per processor: what waits in the object store stays small however large the store is."""
CONNECT_SECONDS = 10.0
_CODE = ("data", "knowledge_graph", "models", "matcher")
_LIBRARIES = ("numpy", "scipy", "numba", "rjieba", "tokenizers", "onnxruntime", "pyarrow")
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to Ray's makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # as Ray asks for where a task takes no accelerator
    "RAY_task_oom_retries": str(RETRIES),  # else without end
}
# Ray's switch for one machine without a network: its services then listen on 127.0.0.1, else on all interfaces.
_ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_LOOPBACK = "127.0.0.1:"
# A process that only asks outlives its cluster, to join the next one; Ray would end it after a minute.
_OUTLIVING = {"RAY_gcs_rpc_server_reconnect_timeout_s": str(10 * 365 * 24 * 3600)}


@contextmanager
def open_workers(address: str, report: Report, size: int = PARTITION) -> Iterator[Workers]:
    """Yield the workers at `address`: "" this process, "local" a Ray of its own, else the cluster at `HOST:PORT`.

    Ray is imported, and a cluster asked for, only when there is work for several of its processors.

    Raises:
        SettingsError: it is no address, or Ray is not installed.

    """
    if not address:
        yield Workers(report, size)
        return
    if address != LOCAL:
        _require_address(address)
    if find_spec("ray") is None:
        raise _not_installed(address)
    workers = RayWorkers(address, report, size)
    try:
        yield workers
    finally:
        workers.shutdown()


def connect(address: str, **options: Any) -> Any:
    """Return the module `ray`, connected to the cluster at `HOST:PORT`, or "local" to one of this process's own.

    `options` are further ones of `ray.init`.

    Raises:
        SettingsError: it is no address, or Ray is not installed.
        ClusterError: nothing usable answers at the address.

    """
    if address != LOCAL:
        _require_answer(address)
    _set_environment(own=address == LOCAL)
    try:
        import ray  # reads the environment now, once and for all
    except ImportError as error:
        raise _not_installed(address) from error
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    if address == LOCAL:
        quiet["include_dashboard"] = False
    try:
        ray.init(address=address, **quiet, **options)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        raise _no_cluster(address, error) from error
    return ray


def join(address: str, token: str) -> Any:
    """Return the module `ray`, connected to a cluster that another process connected to with this token ("" for none).

    Raises:
        ClusterError: nothing usable answers at the address.

    """
    if token:
        os.environ.update({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token})
    for name, value in (_OUTLIVING | (_ON_LOOPBACK if address.startswith(_LOOPBACK) else {})).items():
        os.environ.setdefault(name, value)
    import ray

    return ray if ray.is_initialized() else connect(address)


def _not_installed(address: str) -> SettingsError:
    return SettingsError(
        f"--cluster {address} needs Ray, which is not installed; pip install 'gongxu[cluster]', or leave --cluster out",
        f"--cluster {address} 需要 Ray，尚未安装：pip install 'gongxu[cluster]'；或不用 --cluster",
    )


def _require_address(address: str) -> tuple[str, int]:
    """Return the host and the port that an address names."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingsError(
            f"--cluster {address!r} is no address; give HOST:PORT of Ray's head, or {LOCAL}",
            f"--cluster {address!r} 不是地址；请给出 Ray 主节点的 主机:端口，或 {LOCAL}",
        )
    return host.strip("[]"), int(port)


def _require_answer(address: str) -> None:
    """Try whether anything listens at an address: Ray itself would try for many minutes."""
    host_and_port = _require_address(address)
    try:
        socket.create_connection(host_and_port, timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: BaseException) -> ClusterError:
    return ClusterError(
        f"no Ray cluster can be used at --cluster {address}: {first_line(error)}; see docs/scale.md",
        f"--cluster {address} 处没有可用的 Ray 集群：{first_line(error)}；见 docs/scale.md",
    )


def _set_environment(*, own: bool) -> None:
    """Set what Ray reads from the environment, as far as it is not set; `own`: for a Ray that only this command uses."""
    wanted = dict(_ENVIRONMENT)
    if own:
        wanted |= _ON_LOOPBACK
        if not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
            # Other users of the machine reach its ports, but submit no work without the token.
            wanted |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


class RayWorkers(Workers):
    """The processors of a Ray cluster, to which this process connects when there are several partitions."""

    def __init__(self, address: str, report: Report, size: int = PARTITION) -> None:
        """Take the address of the cluster; see `connect`."""
        super().__init__(report, size)
        self._address = address
        self._ray: Any = None
        self._task: Any = None

    def shutdown(self) -> None:
        """Leave the cluster, or end the one of this process's own."""
        if self._ray is not None:
            self._ray.shutdown()

    def _connect(self) -> None:
        if self._ray is None:
            self._ray = connect(self._address)
            # A disk that is full or a process that was killed is no fault of the partition: another worker tries it.
            self._task = self._ray.remote(num_cpus=1, max_retries=RETRIES, retry_exceptions=[OSError])(_work)

    def _results(
        self, function: Callable[[Shared, Part], Result], parts: Sequence[Part], shared: Shared
    ) -> Iterator[Result]:
        """Hand out the partitions, a few at a time, and yield their results in order.

        Given up, those handed out are left to end: Ray 2.60 aborts the whole process where a task is cancelled that it is
        about to try again (`Tried to complete task that was not pending`), and ends them with this process in any case.
        """
        if self._ray is None and len(parts) <= 1:  # a cluster takes longer to find than one partition to work through
            yield from super()._results(function, parts, shared)
            return
        self._connect()
        held = [self._ray.put(shared)]  # in a list, so that a worker fetches it once and not for each partition
        waiting: deque[Any] = deque()
        given = 0
        for done in range(len(parts)):
            while given < len(parts) and len(waiting) < self._at_once():
                waiting.append(self._task.remote(code_digest(), function, held, parts[given]))
                given += 1
            yield self._fetched(waiting.popleft(), f"partition {done + 1} of {len(parts)} of {function.__name__}")

    def _at_once(self) -> int:
        """Return how many partitions may be under way; nodes come and go."""
        return max(1, AHEAD * int(self._ray.cluster_resources().get("CPU", 1)))

    def _fetched(self, task: Any, what: str) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(task)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, GongxuError):
                raise cause from error
            if not isinstance(cause, OSError):
                raise  # a mistake of ours: with its traceback
            raise _given_up(what, cause) from error
        except errors.RayError as error:
            raise _given_up(what, error) from error


def _given_up(what: str, error: BaseException) -> ClusterError:
    return ClusterError(
        f"{what} failed on the cluster, {RETRIES + 1} times: {first_line(error)}; nothing was published, "
        "mend the node (docs/scale.md) and run the command again",
        f"集群上的任务失败（{what}，共 {RETRIES + 1} 次）：{first_line(error)}；"
        "没有发布任何内容，修复节点（docs/scale.md）后重新运行",
    )


def _work(digest: str, function: Callable[[Any, Any], Any], held: list[Any], part: Any) -> Any:
    """Run one partition in a worker process.

    Raises:
        ClusterError: this node has another version of gongxu or of a library that decides results.

    """
    import ray

    os.environ.setdefault("RAYON_NUM_THREADS", "1")  # of the tokenizers; Ray sets OpenMP's: a worker has one processor
    if digest != code_digest():
        node = ray.util.get_node_ip_address()
        raise ClusterError(
            f"node {node} runs another gongxu, or other versions of {', '.join(_LIBRARIES)}, than this command: "
            "install the same on all nodes",
            f"节点 {node} 上的 gongxu 或其依赖库版本与本机不同；请在所有节点安装相同版本",
        )
    return function(_shared(held[0]), part)


_kept: list[tuple[Any, Any]] = []  # what is shared, the latest by its reference: unpacked once in a process


def _shared(reference: Any) -> Any:
    import ray

    if not _kept or _kept[0][0] != reference:
        _kept[:] = [(reference, ray.get(reference))]
    return _kept[0][1]


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return a digest of all that decides what a partition function returns: Python, libraries, our own code and tables."""
    digest = sha256(repr(sys.version_info[:3]).encode())
    for name in _LIBRARIES:
        digest.update(f"{name}=={version(name)}\n".encode())
    root = Path(__file__).resolve().parents[2]
    for folder in _CODE:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + sha256(path.read_bytes()).digest())
    return digest.hexdigest()
