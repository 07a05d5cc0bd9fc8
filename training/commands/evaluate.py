"""`gongxu evaluate` as an MLflow run: the command of `eval`, its figures recorded once it is done."""

import functools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from eval.commands import evaluate as cli

FOLDER = "evaluations"
MAX_DEPTH = 6


@functools.wraps(cli.evaluate)
def evaluate(**arguments: Any) -> None:
    """Run the evaluation with the arguments of the command line, then record its figures.

    Without `--json` the figures are kept in GONGXU_HOME/evaluations.
    """
    from data.settings import settings
    from training.versions.provenance import folder_digest
    from training.versions.runs import recorded_run

    home = settings().home
    if arguments.get("out") is None:
        kept = home / FOLDER
        kept.mkdir(parents=True, exist_ok=True)
        arguments["out"] = kept / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    cli.evaluate(**arguments)
    figures = json.loads(Path(arguments["out"]).read_text(encoding="utf-8"))
    folders = [path for path in (arguments.get("dataset"), arguments.get("test")) if isinstance(path, Path)]
    with recorded_run(settings(), "evaluate", "evaluate " + " ".join(path.name for path in folders)) as run:
        run.params = {key: value for key, value in arguments.items() if value not in (None, False, [], ())}
        run.params["data_digest"] = folder_digest(*folders)
        run.metrics = flat_metrics(figures)
        run.write_json("figures.json", figures)
    if run.unreached:
        typer.echo(f"运行记录已存于本地：{run.unreached}", err=True)


def flat_metrics(figures: Any, prefix: str = "", depth: int = 0) -> dict[str, float]:
    """Return the numbers of nested figures under their path; of an interval the value and its ends."""
    from training.candidate.make import metric_name

    if not isinstance(figures, dict) or depth > MAX_DEPTH:
        return {}
    found: dict[str, float] = {}
    for key, value in figures.items():
        name = f"{prefix}/{metric_name(str(key))}" if prefix else metric_name(str(key))
        if isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            found[name] = float(value)
        else:
            found |= flat_metrics(value, name, depth + 1)
    return found
