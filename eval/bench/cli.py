"""The command `gongxu bench`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from eval.bench.report import BenchRow


def stages() -> list[tuple[str, Callable[[int], list[BenchRow]]]]:
    """Return every stage's name and function, which takes the number of achievements and returns its rows."""
    from eval.bench.lexical import bench_lexical
    from eval.bench.vector import bench_vector

    return [("vector", bench_vector), ("lexical", bench_lexical)]


def bench(
    scale: Annotated[int, typer.Option(help="Number of achievements.", min=1_000)] = 100_000,
    stage: Annotated[list[str] | None, typer.Option(help="Only this stage; may be repeated.")] = None,
    threads: Annotated[int, typer.Option(help="Threads of FAISS and BLAS.", min=1)] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the rows to this file.")] = None,
) -> None:
    """Time every stage beside the bare library in the same run.

    Examples: `gongxu bench`, `gongxu bench --scale 1000000 --stage vector --json bench.json`.
    """
    import orjson
    from rich.console import Console

    from data.errors import InputError
    from eval.bench.report import table
    from models.threads import limit_threads

    known = dict(stages())
    if unknown := [name for name in stage or [] if name not in known]:
        raise InputError(f"no stage {unknown[0]!r}; stages: {', '.join(known)}")
    limit_threads(threads)
    console = Console()
    rows: list[BenchRow] = []
    for name in stage or known:
        with console.status(f"{name}, {scale:,} achievements"):
            measured = known[name](scale)
        console.print(table(measured, title=name))
        rows += measured
    if json_file is not None:
        json_file.write_bytes(orjson.dumps([row.as_dict() for row in rows], option=orjson.OPT_INDENT_2))
