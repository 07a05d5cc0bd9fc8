"""The command `gongxu lab load`."""

from pathlib import Path
from typing import Annotated

import typer


def load_command(
    workers: Annotated[int, typer.Option(help="Processes of the server.", min=1, max=64)] = 2,
    rate: Annotated[float, typer.Option(help="Requests a second of the calm phases.", min=0.1)] = 20.0,
    seconds: Annotated[float, typer.Option(help="Length of each phase.", min=1)] = 20.0,
    clients: Annotated[int, typer.Option(help="Clients that ask without pause.", min=1, max=400)] = 8,
    swaps: Annotated[int, typer.Option(help="Bundles loaded under load; 0: none.", min=0)] = 20,
    soak: Annotated[float, typer.Option(help="Minutes of steady load, to see whether memory stays.", min=0)] = 0.0,
    models: Annotated[
        bool, typer.Option("--models", help="Instead: a silent chat model and a flood of requests that ask it.")
    ] = False,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Instead: what GONGXU_EVIDENCE=all costs a request.")
    ] = False,
    shards: Annotated[bool, typer.Option("--shards", help="Instead: what three shards add to a request.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the rows to this file.")] = None,
) -> None:
    """Put a server under load: latency, throughput, overload, swaps, memory.

    A server is started on a copy of the store in GONGXU_HOME, with its current bundle; server and load generator share
    the machine. Nothing is recorded in the home.

    Examples:
      gongxu lab load

      gongxu lab load --soak 10 --json load.json

      gongxu lab load --workers 1 --seconds 5 --swaps 3

      gongxu lab load --models

      gongxu lab load --evidence --seconds 120

      gongxu lab load --shards

    """
    import orjson

    from data.settings import settings
    from data.terminal import console as terminal
    from eval.bench.report import BenchRow
    from eval.bench.servers.evidence import bench_evidence
    from eval.bench.servers.outside import bench_outside
    from eval.bench.servers.serve import Plan, bench_serve
    from eval.bench.servers.shards import bench_shards
    from models.threads import limit_threads

    limit_threads(1)
    console = terminal()
    rows: list[BenchRow] = []
    plan = Plan(workers, rate, seconds, clients, swaps, soak)
    measure = bench_outside if models else bench_evidence if evidence else bench_shards if shards else bench_serve
    for found in measure(settings(), plan):
        for row in found:
            ratio = "" if row.ratio is None else f"  = {row.ratio:.2f} x {row.peer}"
            console.print(
                f"{row.stage}: {row.metric} {row.value:,.2f} {row.unit}{ratio}", highlight=False, soft_wrap=True
            )
        rows += found
    if json_file is not None:
        json_file.write_bytes(orjson.dumps([row.as_dict() for row in rows], option=orjson.OPT_INDENT_2))
