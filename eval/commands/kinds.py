"""`gongxu lab experts` and `gongxu lab stages`: how well expertise and stages are read from what records say."""

import json
from pathlib import Path
from typing import Annotated

import typer


def experts_command(
    folder: Annotated[
        Path,
        typer.Argument(help="Folder with expert_publications.csv, papers_to_judge.csv and expertise_judgements.csv."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure expertise from outputs: how often the better known of two papers that an expert rated comes first.

    Example:
      gongxu lab experts ../shared/data/kinds/experts

    """
    from eval.reading.expertise_evaluation import evaluate

    found = evaluate(
        folder / "expert_publications.csv", folder / "papers_to_judge.csv", folder / "expertise_judgements.csv"
    )
    if as_json:
        typer.echo(json.dumps(found.as_dict()))
        return
    typer.echo(
        f"{found.experts} experts, {found.pairs} pairs of papers: {found.right:.3f} ordered right, "
        f"{found.weighted:.3f} weighted by how far the ratings are apart (chance 0.500)"
    )


def stages_command(
    records: Annotated[Path, typer.Argument(help="CSV of achievements with title, abstract, maturity_stage.")],
    write: Annotated[Path | None, typer.Option(help="File to write the fitted weights to, as shipped.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure by cross-validation how well stages of achievements are estimated; fit the weights that ship.

    Example:
      gongxu lab stages ../shared/data/kinds/henan/achievements.csv

    """
    from eval.reading.stage_training import cross_validate, fitted_text, load_examples

    examples = load_examples(records)
    found = cross_validate(examples)
    if write is not None:
        write.write_text(fitted_text(examples) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(found.as_dict()))
        return
    typer.echo(
        f"{found.records} achievements: macro-F1 {found.macro_f1:.3f} ± {found.deviation:.3f} (the commonest stage: "
        f"{found.majority:.3f}), accuracy {found.accuracy:.2f}; it does not abstain on {found.said:.0%}, "
        f"accuracy there {found.right_said:.2f}"
    )
