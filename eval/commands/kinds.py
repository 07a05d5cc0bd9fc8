"""`gongxu lab experts`: how well the outputs of experts tell which of two papers they know better."""

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
