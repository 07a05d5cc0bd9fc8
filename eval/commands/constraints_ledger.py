"""`gongxu constraints`: what `eval.commands.constraints` has, and measures of the ledger made from it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from eval.commands.constraints import JsonOption, app

__all__ = ["app"]


@app.command("simulator")
def simulator_command(
    achievements: Annotated[int, typer.Option(min=100)] = 2000,
    demands: Annotated[int, typer.Option(min=10)] = 400,
    seed: int = 11,
    output: JsonOption = None,
) -> None:
    """Measure the ledger's statuses where the truth is known: on pairs of one technology of a simulated platform."""
    from tempfile import TemporaryDirectory

    from data.files.judged import load_judged
    from data.settings import settings
    from data.simulator.plan import SimulationPlan
    from data.simulator.simulation import simulate
    from eval.studies.ledger import simulated_statuses
    from models.encoder.base import load_encoder

    plan = SimulationPlan(achievements=achievements, demands=demands, events=demands * 10, seed=seed)
    encoder = load_encoder(settings().encoder)
    with TemporaryDirectory() as folder:
        simulate(plan, Path(folder))
        pairs = load_judged(Path(folder))[0]
    quality = simulated_statuses(
        pairs.demands, pairs.achievements, plan, lambda names: encoder.encode(names, "passage")
    )
    for name, value in asdict(quality).items():
        typer.echo(f"{name:18} {value:.4f}" if isinstance(value, float) else f"{name:18} {value:,}")
    if output is not None:
        output.write_text(json.dumps(asdict(quality), indent=1), encoding="utf-8")


@app.command("bench")
def bench_command(output: JsonOption = None) -> None:
    """Measure what a ledger costs, in ms of CPU, for 20 shown matches and as features of 200 and 1,000 candidates."""
    from eval.studies.ledger import ledger_costs

    costs = ledger_costs()
    for name, value in costs.items():
        typer.echo(f"{name:36} {value:8.3f} ms")
    if output is not None:
        output.write_text(json.dumps(costs, indent=1), encoding="utf-8")
