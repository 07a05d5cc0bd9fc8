"""`gongxu policies evaluate` and `gongxu lab policies`: how well criteria are read, and the fitting of what reads them."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Policies: measure how their criteria are read, fit what reads them.",
)

CardsOption = Annotated[
    list[Path], typer.Option("--cards", help="JSON lines of the policies; may be given several times.")
]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]


@app.command("evaluate")
def evaluate_command(
    gold: Annotated[
        list[Path], typer.Argument(help="JSON lines of criteria marked by hand; several files may be given.")
    ],
    cards: CardsOption,
    output: JsonOption = None,
    folds: Annotated[
        int,
        typer.Option(min=0, help="Cross-validate over this many groups of policies instead of using what is shipped."),
    ] = 0,
    errors: Annotated[bool, typer.Option("--errors", help="Print each error as well.")] = False,
) -> None:
    """Measure how well criteria are read: precision, recall and F1 of all, of those with numbers, of quotes alone.

    The shipped weights were fitted on the open marked policies: of those, quote the figures of --folds 10.
    """
    from eval.reading.criteria_evaluation import evaluate
    from eval.reading.criteria_gold import load_all
    from eval.reading.criteria_training import cross_validate
    from knowledge_graph.criteria import read_criteria

    known, marks = load_all(gold, cards)
    if folds:
        result = cross_validate(known, marks, folds)
    else:
        result = evaluate(known, marks, lambda card: read_criteria(card.text, card.source, card.region))
    figures: dict[str, Any] = result.figures()
    typer.echo(json.dumps({name: figures[name] for name in ("criteria", "numeric")}))
    counted = {"policies": len({mark.policy_id for mark in marks}), "marked": len(marks), "folds": folds}
    lost = sum(not mark.places for mark in marks)
    typer.echo(
        f"{counted['policies']} policies, {counted['marked']} marked criteria, {lost} quotes not in their text; "
        f"quotes F1 {figures['quotes']['f1']}, criteria as grouped by the marker F1 {figures['as_written']['f1']}",
        err=True,
    )
    if errors:
        for line in result.errors:
            typer.echo(line)
    if output is not None:
        output.write_text(json.dumps(figures | counted | {"quotes_not_found": lost}, indent=1), encoding="utf-8")


@app.command("fit")
def fit_command(
    output: Annotated[Path, typer.Argument(help="File to write, as shipped: lexicon/clause_weights.json.")],
    gold: Annotated[list[Path], typer.Option(help="Marked criteria to learn from.")],
    cards: CardsOption,
) -> None:
    """Fit the weights that judge clauses (where a criterion ends, what is one, hard or judgement) on marked policies."""
    from eval.reading.criteria_gold import load_all
    from eval.reading.criteria_training import fit_all, save

    known, marks = load_all(gold, cards)
    weights = fit_all(known, marks)
    save(weights, output)
    typer.echo(f"{output}: " + ", ".join(f"{name} {len(part)} weights" for name, part in weights.items()))
