"""What `gongxu graph` prints: tables for people, JSON for programs, progress on stderr."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from knowledge_graph.graph import KnowledgeGraph

LABELS = {
    "achievements": "成果",
    "demands": "需求",
    "organisations": "机构",
    "terms": "术语",
    "mentions": "记录提到术语",
    "term_relations": "术语间关系",
    "outcomes": "对接结果",
    "industry": "行业",
    "field": "领域",
    "region": "地区",
    "stage": "产业链环节",
}


def print_stats(graph: "KnowledgeGraph", folder: Path, *, as_json: bool) -> None:
    """Print the size of a graph and what it knows of its records."""
    from knowledge_graph.queries.statistics import statistics
    from knowledge_graph.schema import RELATION_NAMES, TERM_TYPE_NAMES, Relation, TermType

    figures = statistics(graph)
    if as_json:
        print_json({"folder": str(folder), **figures})
        return
    terminal = console()
    terminal.print(f"图谱 {folder}", markup=False)
    rows = [(LABELS[name], f"{value:,}") for name, value in figures["counts"].items()]
    rows += [(f"术语·{TERM_TYPE_NAMES[TermType[k.upper()]]}", f"{v:,}") for k, v in figures["term_types"].items()]
    rows += [(f"关系·{RELATION_NAMES[Relation[k.upper()]]}", f"{v:,}") for k, v in figures["relations"].items()]
    rows += [(f"记录已知{LABELS[name]}", f"{value:.0%}") for name, value in figures["known"].items()]
    print_rows(terminal, "规模", ("项目", "数值"), rows)


def console() -> "Console":
    """Return the terminal to print tables to."""
    from data import terminal

    return terminal.console()


def print_json(value: object) -> None:
    """Print a value for programs."""
    import json

    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


def print_rows(console: "Console", title: str, headers: tuple[str, ...], rows: "Sequence[tuple[str, ...]]") -> None:
    """Print a table, or one line saying that there is nothing."""
    from rich.markup import escape

    from data.terminal import Table

    if not rows:
        console.print(f"{title}：没有结果。", markup=False)
        return
    table = Table(title=escape(title))
    for place, header in enumerate(headers):
        table.add_column(header, overflow="fold", justify="left" if place == 0 else "default")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


class Bar:
    """A progress bar for each step, on stderr so that JSON stays clean."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

        from data.terminal import console as terminal

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=terminal(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, step: str, done: int, total: int) -> None:
        """Show how far a step is."""
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=total)
        self._progress.update(self._tasks[step], completed=done, total=total)
