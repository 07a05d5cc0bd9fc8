"""The command `gongxu lab bench`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from eval.bench.report import BenchRow
from eval.bench.scale import MAX_PEER_BUILD

ON_BUNDLE = ("graph", "graph-build", "request", "kinds", "standing")
LEFT_OUT = ("graph-build", "kinds", "standing")  # unless they are asked for: they take minutes
MAX_DOCUMENTS = 200_000  # of the lexical stage: bm25s, which it is compared with, needs most of the time and memory


def stages() -> dict[str, Callable[[int], list[BenchRow]]]:
    """Return every stage's function by name; it takes the number of achievements and returns its rows."""
    from data.settings import settings
    from eval.bench.encode import bench_encode
    from eval.bench.graph import bench_graph, bench_graph_build
    from eval.bench.kinds import bench_kinds
    from eval.bench.lexical import bench_lexical
    from eval.bench.request import bench_request
    from eval.bench.standing import bench_standing
    from eval.bench.vector import bench_vector

    return {
        "vector": bench_vector,
        "lexical": lambda scale: bench_lexical(min(scale, MAX_DOCUMENTS)),
        "encode": lambda _: bench_encode(),
        "graph": lambda _: bench_graph(settings()),
        "graph-build": lambda _: bench_graph_build(settings()),
        "request": lambda _: bench_request(settings()),
        "kinds": lambda _: bench_kinds(settings()),
        "standing": lambda _: bench_standing(settings()),
    }


def notes(stage: str, scale: int) -> str:
    """Return what a reader must know of a stage's scale, or nothing."""
    if stage == "lexical" and scale > MAX_DOCUMENTS:
        return f"cut down from {scale:,} to {MAX_DOCUMENTS:,} documents: bm25s, the peer, takes many minutes beyond"
    if stage == "vector" and scale > MAX_PEER_BUILD:
        return f"FAISS' own quantised index is not built beside it above {MAX_PEER_BUILD:,} vectors: it takes minutes"
    if stage in ON_BUNDLE:
        return "on the current bundle, whatever --scale says"
    return ""


def bench(
    scale: Annotated[int, typer.Option(help="Number of achievements.", min=1_000)] = 100_000,
    stage: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this stage: vector, lexical, encode, graph, graph-build, request, kinds, standing; may be repeated."
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the rows to this file.")] = None,
) -> None:
    """Time every stage beside the bare library in the same run.

    FAISS and BLAS use one thread; throughput is measured with one and two threads that search at once. Vectors and
    documents are synthetic; the stages `graph` and `request` work on the current bundle of GONGXU_HOME and are left out,
    saying so, where nothing was built. `graph-build` builds the graph of the store again, `kinds` indexes 10,000 records of
    other kinds beside the bundle, `standing` matches one record with 20,000 standing requests; all three only if asked for.

    Examples:
      gongxu lab bench

      gongxu lab bench --scale 1000000 --stage vector --json bench.json

      gongxu lab bench --stage graph --stage graph-build

      gongxu lab bench --stage request

    """
    import orjson

    from data.errors import BundleError, InputError
    from data.settings import settings
    from data.terminal import console as terminal
    from eval.bench.report import table
    from matcher.bundle import current_bundle
    from models.threads import limit_threads

    known = stages()
    if unknown := [name for name in stage or [] if name not in known]:
        raise InputError(f"no stage {unknown[0]!r}; stages: {', '.join(known)}")
    console = terminal()
    wanted = list(stage or (name for name in known if name not in LEFT_OUT))
    if needing := [name for name in wanted if name in ON_BUNDLE]:
        try:
            current_bundle(settings().bundles)
        except BundleError as error:
            if stage:
                raise
            wanted = [name for name in wanted if name not in ON_BUNDLE]
            console.print(f"stages {', '.join(needing)} left out: {error}", soft_wrap=True)
    limit_threads(1)
    rows: list[BenchRow] = []
    for name in wanted:
        with console.status(f"{name}, {scale:,} achievements"):
            measured = known[name](scale)
        console.print(table(measured, title=name))
        if note := notes(name, scale):
            console.print(f"{name}: {note}", soft_wrap=True)
        rows += measured
    if json_file is not None:
        json_file.write_bytes(orjson.dumps([row.as_dict() for row in rows], option=orjson.OPT_INDENT_2))
