"""`gongxu shards`: holds the current bundle in parts, on actors of a Ray cluster."""

import os
import signal
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import SettingsError

if TYPE_CHECKING:
    from serving.shards.keeper import Keeper


def shards(
    cluster: Annotated[
        str, typer.Option("--cluster", metavar="HOST:PORT|local", help="Ray cluster that holds the shards.")
    ] = "local",
    number: Annotated[int, typer.Option("--shards", help="Parts that the records are cut into.", min=1, max=256)] = 3,
    replicas: Annotated[int, typer.Option(help="Actors that hold each part.", min=1, max=8)] = 1,
    resource: Annotated[
        str, typer.Option(metavar="NAME", help="Put actors only on nodes with this Ray resource; each takes 1 of it.")
    ] = "",
    leave_running: Annotated[
        bool,
        typer.Option(
            "--leave-running", help="When stopped leave the actors on their cluster: the next start takes them over."
        ),
    ] = False,
    metrics_port: Annotated[
        int | None, typer.Option(help="Answer Prometheus at this port with the state of each actor.", min=1, max=65535)
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="The address of that port.")] = "127.0.0.1",
) -> None:
    """Hold the current bundle in shards that `gongxu serve --shards` asks; a new bundle is taken over while they serve.

    Another number of shards on the same cluster takes the place of those before at once.

    Examples:
      gongxu shards --shards 3

      gongxu shards --cluster 10.0.0.5:6379 --shards 4 --replicas 2 --metrics-port 9401

    """
    from data.cluster.ray_workers import LOCAL, connect
    from data.settings import settings
    from serving.runtime.shards.places import NAMESPACE, kept_token
    from serving.shards.keeper import Keeper
    from serving.telemetry.logs import configure_logs

    used = settings()
    configure_logs(used.log_level)
    options: dict[str, int] = {}
    if cluster == LOCAL:
        options["object_store_memory"] = OBJECT_BYTES
        os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 is for work that nobody waits for
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", kept_token(used.home))
    ray = connect(cluster, namespace=NAMESPACE, **options)
    keeper = Keeper(ray, used, number, replicas, resource=resource)

    def stop(signum: int, frame: FrameType | None) -> None:
        keeper.stopping.set()

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)
    try:
        if metrics_port is not None:
            _export(keeper, metrics_host, metrics_port)
        keeper.run(
            os.environ.get("RAY_AUTH_TOKEN", ""),
            lambda version: typer.echo(f"{number} × {replicas} shards hold {version}"),
            leave=leave_running,
        )
    finally:
        ray.shutdown()


def _export(keeper: "Keeper", host: str, port: int) -> None:
    from serving.shards.exporter import export

    try:
        export(keeper.statuses, host, port)
    except OSError as error:
        raise SettingsError(
            f"--metrics-port {port}: nothing can listen at {host} ({error})", f"无法在 {host}:{port} 监听：{error}"
        ) from error


OBJECT_BYTES = 256 * 2**20  # of the object store of a Ray of our own: answers are small
