"""`gongxu import`: parses arguments, shows progress, prints the summary; the work is done in `data.importer`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from data.files.importer import ImportSummary
    from data.store.store import StoreCounts

INTERRUPTED = 130


class KindOption(StrEnum):
    """What a file holds, as --kind takes it."""

    ACHIEVEMENTS = "achievements"
    DEMANDS = "demands"
    EVENTS = "events"
    JUDGEMENTS = "judgements"


def import_command(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Folders, or CSV, XLSX, JSON Lines and Parquet files; of a folder its own files are read."),
    ],
    kind: Annotated[
        KindOption | None, typer.Option(help="What the files hold; default: told by file name, else by headers.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Import achievements, demands, outcome events and expert judgements into the store.

    Good rows go in; bad rows are listed with row, column, value and reason under GONGXU_HOME/rejects.

    Importing the same file again changes nothing; an interrupted import is completed by running it again.

    Exit codes: 0 all rows went in, 2 unusable input, 3 some rows were rejected.

    Examples:
      gongxu import ../shared/data/bdci2019

      gongxu import achievements.csv demands.xlsx events.jsonl

      gongxu import 成果登记表.xlsx --kind achievements --json

    """
    from data.files.headers import FileKind
    from data.files.importer import import_paths
    from data.settings import settings
    from data.store.store import Store
    from data.terminal import console as terminal

    messages = terminal(stderr=True)
    try:
        with Store.open(settings().store_url) as store, _Bar(messages) as bar:
            summary = import_paths(store, paths, FileKind(kind) if kind else None, bar.show)
            counts = store.counts()
    except KeyboardInterrupt:
        messages.print("已中断：已写入的批次完好，重新运行同一命令即可继续。", style="yellow")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        _print_json(summary, counts)
    else:
        _print_table(terminal(), summary, counts)
    raise typer.Exit(summary.exit_code)


class _Bar:
    """A progress bar a file, on stderr so that --json stays clean."""

    def __init__(self, console: "Console") -> None:
        from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._tasks: dict[Path, TaskID] = {}

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, path: Path, done: float) -> None:
        """Show that the share `done`, 0-1, of a file is imported."""
        from rich.markup import escape

        self._progress.start()
        if path not in self._tasks:
            self._tasks[path] = self._progress.add_task(f"导入 {escape(path.name)}", total=1.0)
        self._progress.update(self._tasks[path], completed=done)


def _print_table(console: "Console", summary: "ImportSummary", counts: "StoreCounts") -> None:
    """Print what became of every file, for people."""
    from rich.markup import escape

    from data.terminal import Table

    kinds = {"achievements": "成果", "demands": "需求", "events": "事件", "judgements": "专家评分"}
    table = Table(title="导入结果")
    table.add_column("文件", overflow="fold")
    table.add_column("种类", no_wrap=True)
    for name in ("读取", "新增", "更新", "未变", "拒绝"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in summary.files:
        numbers = (result.read, result.inserted, result.updated, result.unchanged, result.rejected)
        table.add_row(escape(result.path.name), kinds[result.kind.value], *(f"{number:,}" for number in numbers))
    console.print(table)
    for line in _remarks(summary):
        console.print(line, soft_wrap=True)
    console.print(f"库中现有成果 {counts.achievements:,} 项，需求 {counts.demands:,} 项，事件 {counts.events:,} 条。")


def _remarks(summary: "ImportSummary") -> "Iterator[str]":
    """Yield what the table does not say, in console markup."""
    from rich.markup import escape

    for result in summary.files:
        name = escape(result.path.name)
        if result.rejects_file:
            yield (f"[yellow]{name}：{result.rejected:,} 行被拒绝，清单见[/] {escape(str(result.rejects_file))}")
        if result.conflicting:
            yield (f"[yellow]{name}：{result.conflicting:,} 个事件编号已存在而内容不同，保留先到的[/]")
        if result.garbled:
            yield (f"[yellow]{name}：{result.garbled:,} 行疑似乱码，请检查来源的编码[/]")
        if result.unknown_columns:
            kept = "原样保留" if result.kind.value in ("achievements", "demands") else "已忽略"
            yield (f"{name}：未识别的列（{kept}）：{escape('、'.join(result.unknown_columns))}")
        if result.note:
            yield (f"{name}：{escape(result.note)}")
    for path in summary.ignored:
        yield (f"{escape(path.name)}：看不出内容，未导入（可用 --kind 指定）")


def _print_json(summary: "ImportSummary", counts: "StoreCounts") -> None:
    """Print the same for programs."""
    from dataclasses import asdict

    import orjson

    document = {
        "files": [asdict(result) for result in summary.files],
        "ignored": summary.ignored,
        "store": asdict(counts),
        "exit_code": summary.exit_code,
    }
    typer.echo(orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2).decode())
