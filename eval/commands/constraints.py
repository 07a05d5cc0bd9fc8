"""`gongxu constraints`: read quantities, measure how well they are read and linked."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from data.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Quantities and constraints: read them, measure them.")

JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
PARTS = ("all", "tuning", "held-out")


@app.command("read")
def read_command(
    text: Annotated[str, typer.Argument(help="A text, or - for standard input.")],
    side: Annotated[str, typer.Option(help="Whose text it is: demand or supply.")] = "demand",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Print the quantities of a text: quote, parameter, comparator, values, unit, canonical values, role."""
    import sys
    from dataclasses import asdict

    from knowledge_graph.quantities import extract

    if side not in ("demand", "supply"):
        raise InputError(f"--side is {side!r}; it must be demand or supply")
    content = sys.stdin.read() if text == "-" else text
    for quantity in extract(content, "demand" if side == "demand" else "supply"):
        if as_json:
            typer.echo(json.dumps(asdict(quantity), ensure_ascii=False))
            continue
        values = "–".join(f"{value:g}" for value in quantity.values)
        canonical = ", ".join("…" if end is None else f"{end:g}" for end in quantity.canonical)
        typer.echo(
            f"{quantity.start}-{quantity.end}\t{quantity.quote}\t{quantity.parameter or '–'}\t{quantity.op} {values} "
            f"{quantity.unit}\t[{canonical}] {quantity.canonical_unit}\t{quantity.role}"
        )


@app.command("evaluate")
def evaluate_command(
    directory: Annotated[Path, typer.Argument(help="Folder with demands.jsonl and supply.jsonl, marked by hand.")],
    output: JsonOption = None,
    part: Annotated[str, typer.Option(help="all, or the half by hash of the id: tuning, held-out.")] = "all",
    errors: Annotated[bool, typer.Option("--errors", help="Print each error as well.")] = False,
) -> None:
    """Measure how well quantities are read, beside a regular-expression baseline.

    The rules were made on the tuning half alone; figures to quote are those of the held-out half or of other texts.
    """
    from eval.reading import quantity_evaluation as evaluation
    from eval.reading.quantity_baseline import extract_baseline

    if part not in PARTS:
        raise InputError(f"--part is {part!r}; it must be one of {', '.join(PARTS)}")
    figures: dict[str, Any] = {}
    baseline: dict[str, Any] = {}
    for name, side in evaluation.FILES.items():
        texts = evaluation.load_gold(directory / f"{name}.jsonl")
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
    if output is not None:
        output.write_text(json.dumps(figures | {"baseline": baseline, "part": part}, indent=1), encoding="utf-8")


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
    gold: Annotated[Path | None, typer.Option(help="Marked folder; its tuning half is learned from as well.")] = None,
) -> None:
    """Fit the weights that judge roles on our own marked texts, and on the tuning half of a gold set."""
    from eval.reading.role_training import refit, save

    weights = refit(gold)
    save(weights, output)
    typer.echo(f"{output}: " + ", ".join(f"{side} {len(roles)} roles" for side, roles in weights.items()))


@app.command("convert")
def convert_command(value: float, unit: str, into: str) -> None:
    """Convert a value between units as texts write them: gongxu constraints convert 1.8 克/立方厘米 kg/m3."""
    from knowledge_graph.quantities.units import convert

    converted = convert(value, unit, into)
    if converted is None:
        raise InputError(f"{unit!r} and {into!r} do not measure the same, or one of them is unknown")
    typer.echo(f"{converted:g}")
