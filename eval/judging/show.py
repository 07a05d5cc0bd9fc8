"""Prints what a model made of served lists: its figures beside people's, with the agreement beside each."""

from rich.console import Console

from data.terminal import Table
from data.terminal import console as terminal
from eval.judging.served import METRICS, JudgedLists
from eval.metrics.bootstrap import Estimate
from eval.served.show import TITLES


def show_judged(judged: JudgedLists, console: Console | None = None) -> None:
    """Print one table by people's levels and one by the model's, over the same demands and lists."""
    console = console or terminal()
    kappa = f"{_cell(judged.agreement.kappa)} / {_cell(judged.agreement.weighted)}"
    by_model = Table(title=f"the same lists by the levels of {judged.judge} (ai_generated)")
    by_people = Table(title=f"lists of {judged.asked} demands by people's levels")
    for table, figures, beside in ((by_people, judged.people, ""), (by_model, judged.model, kappa)):
        table.add_column("metric")
        for name in figures:
            table.add_column(name, justify="right")
        if beside:
            table.add_column("κ good / κ weighted", justify="right")
        estimates = {name: found.estimates() for name, found in figures.items()}
        for metric in METRICS:
            cells = [_cell(estimates[name][metric]) for name in figures]
            table.add_row(TITLES[metric], *cells, *([beside] if beside else []))
        console.print(table)
    refused = sum(judged.refused.values())
    console.print(
        f"{judged.judge}: {judged.levels} levels ({judged.new} new), {refused} answers not used, {judged.examples} examples; "
        f"κ over {judged.agreement.number} levels that people gave too; prompt {judged.prompt[:12]}"
    )


def _cell(figure: Estimate) -> str:
    return "–" if figure.value != figure.value else f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
