"""Prints the served evaluation: every system with its intervals, and what the served list gains over the others."""

from rich.console import Console

from data.terminal import Table
from data.terminal import console as terminal
from eval.metrics.bootstrap import Estimate
from eval.served.evaluation import ServedResult
from eval.served.losses import STAGES
from eval.served.metrics import METRICS

TITLES = {
    "ndcg10": "NDCG@10",
    "p10": "P@10",
    "p3": "P@3",
    "hit3": "hit@3",
    "recall10": "R@10",
    "recall50": "R@50",
    "judged10": "judged@10",
    "answered": "answered",
    "risk": "risk",
    "ece": "ECE",
}


def show_served(result: ServedResult, console: Console | None = None) -> None:
    """Print the figures, the paired differences of what is served to each other system, and where good items are lost."""
    console = console or terminal()
    systems = list(result.figures)
    table = Table(title=f"served lists of {len(result.task.asked)} new demands")
    differences = Table(title="gongxu less …, paired")
    for shown, names in ((table, systems), (differences, systems[1:])):
        shown.add_column("metric")
        for name in names:
            shown.add_column(name, justify="right")
    estimates = {name: figures.estimates() for name, figures in result.figures.items()}
    lifts = result.lifts()
    for metric in METRICS:
        table.add_row(TITLES[metric], *(_cell(estimates[name][metric]) for name in systems))
        differences.add_row(TITLES[metric], *(_cell(lifts[name][metric].difference, "+") for name in systems[1:]))
    console.print(table)
    console.print(differences)
    total = sum(result.losses.values())
    if total:
        lost = Table(title=f"where {total} good items end")
        for stage in STAGES:
            lost.add_column(stage, justify="right")
        lost.add_row(*(f"{result.losses[stage] / total:.1%}" for stage in STAGES))
        console.print(lost)


def _cell(figure: Estimate, sign: str = "") -> str:
    if figure.value != figure.value:
        return "–"
    return f"{figure.value:{sign}.3f} [{figure.low:{sign}.3f}, {figure.high:{sign}.3f}]"
