"""`gongxu lab constraints`: measure how well quantities are read, linked and compared."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from data.errors import InputError

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Measure how figures are read, linked and compared."
)

JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
PARTS = ("all", "tuning", "held-out")


@app.command("evaluate")
def evaluate_command(
    directory: Annotated[Path, typer.Argument(help="Folder with demands.jsonl and supply.jsonl, marked by hand.")],
    output: JsonOption = None,
    part: Annotated[str, typer.Option(help="all, or the half by hash of the id: tuning, held-out.")] = "all",
    errors: Annotated[bool, typer.Option("--errors", help="Print each error as well.")] = False,
    cross_validated: Annotated[
        bool, typer.Option("--cross-validate", help="Also with roles learned from other texts only.")
    ] = False,
) -> None:
    """Measure how well quantities are read, beside a regular-expression baseline.

    The weights of roles were learned from the open markings: figures to quote on those are the cross-validated ones.
    """
    from eval.reading import quantity_evaluation as evaluation
    from eval.reading.quantity_baseline import extract_baseline

    if part not in PARTS:
        raise InputError(f"--part is {part!r}; it must be one of {', '.join(PARTS)}")
    figures: dict[str, Any] = {}
    baseline: dict[str, Any] = {}
    for name, side in evaluation.FILES.items():
        texts = evaluation.load_markings(directory, name)
        texts = [text for text in texts if part in ("all", evaluation.half_of(text.record_id))]
        figures[name] = evaluation.score(texts, side, evaluation.read_with_rules)
        baseline[name] = evaluation.score(texts, side, lambda text, side, _: extract_baseline(text, side))
        if errors:
            for text in texts:
                for line in evaluation.compare(text, side, evaluation.read_with_rules)[1]:
                    typer.echo(f"{text.record_id}\t{line}")
    for name, measured in figures.items():
        typer.echo(f"{name} ({part}): {measured['texts']:.0f} texts, {measured['quantities']:.0f} quantities")
        for measure, value in measured.items():
            if measure not in ("texts", "quantities"):
                typer.echo(f"  {measure:16} {value:.4f}   baseline {baseline[name][measure]:.4f}")
    crossed: dict[str, Any] = {}
    if cross_validated:
        from eval.reading.role_training import cross_validate

        crossed = cross_validate(directory)
        typer.echo("roles cross-validated by text:")
        for name, measured in crossed.items():
            typer.echo(f"  {name}: " + ", ".join(f"{measure} {value:g}" for measure, value in measured.items()))
    if output is not None:
        result = figures | {"baseline": baseline, "part": part, "cross_validated": crossed}
        output.write_text(json.dumps(result, indent=1), encoding="utf-8")


@app.command("link")
def link_command(output: JsonOption = None) -> None:
    """Measure the linking of parameters: on hand-made pairs of names, and on the simulator's two wordings."""
    from eval.reading.parameter_pairs import hand_made_pairs, link_quality, simulator_pairs
    from knowledge_graph.quantities.linking import Linker

    pairs = hand_made_pairs()
    sets = {
        "hand_made": pairs,
        "hand_made_held_out": [pair for pair in pairs if pair.held_out],
        "simulator": simulator_pairs(),
    }
    figures = {name: link_quality(chosen, Linker()) for name, chosen in sets.items()}
    for name, measured in figures.items():
        typer.echo(f"{name}: " + ", ".join(f"{measure} {value:g}" for measure, value in measured.items()))
    if output is not None:
        output.write_text(json.dumps(figures, indent=1), encoding="utf-8")


@app.command("fit-roles")
def fit_roles_command(
    output: Annotated[Path, typer.Argument(help="File to write, as shipped: lexicon/role_weights.json.")],
    gold: Annotated[Path | None, typer.Option(help="Marked folder; all its texts are learned from as well.")] = None,
) -> None:
    """Fit the weights that judge roles on our own marked texts, and on those of a marked folder."""
    from eval.reading.role_training import refit, save

    weights = refit(gold)
    save(weights, output)
    typer.echo(f"{output}: " + ", ".join(f"{side} {len(roles)} roles" for side, roles in weights.items()))


@app.command("simulator")
def simulator_command(
    achievements: Annotated[int, typer.Option(min=100)] = 2000,
    demands: Annotated[int, typer.Option(min=10)] = 400,
    seed: int = 11,
    output: JsonOption = None,
) -> None:
    """Measure the report's statuses where the truth is known: on pairs of one technology of a simulated platform."""
    from tempfile import TemporaryDirectory

    from data.files.judged import load_judged
    from data.settings import settings
    from data.simulator.plan import SimulationPlan
    from data.simulator.simulation import simulate
    from eval.studies.requirement_study import simulated_statuses
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
    """Measure what a report costs, in ms of CPU, for 20 shown matches and as features of 200 and 1,000 candidates."""
    from eval.studies.requirement_study import requirement_costs

    costs = requirement_costs()
    for name, value in costs.items():
        typer.echo(f"{name:36} {value:8.3f} ms")
    if output is not None:
        output.write_text(json.dumps(costs, indent=1), encoding="utf-8")
