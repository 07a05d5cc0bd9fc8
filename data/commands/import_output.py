"""What `gongxu import` prints: progress, summary, preview and history, for people and for programs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from data.files.previews.preview import ImportPreview, TablePreview
from data.files.report import FileResult, ImportSummary
from data.files.table_kinds import declared_kinds, keeps_unknown, label_of
from data.store.imports.log import ImportEntry
from data.store.reading.results import StoreCounts
from data.terminal import Table

_FIELDS_SHOWN = 6


class Bar:
    """A progress bar a file, on stderr so that --json stays clean."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._tasks: dict[Path, TaskID] = {}
        self._shown = console.is_interactive  # elsewhere Rich would leave blank lines

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._progress.stop()

    def show(self, path: Path, done: float) -> None:
        """Show that the share `done`, 0-1, of a file is imported."""
        if not self._shown:
            return
        self._progress.start()
        if path not in self._tasks:
            self._tasks[path] = self._progress.add_task(f"导入 {escape(path.name)}", total=1.0)
        self._progress.update(self._tasks[path], completed=done)


def print_summary(console: Console, summary: ImportSummary, counts: StoreCounts, kinds: Mapping[str, int]) -> None:
    """Print the outcome of every table."""
    table = Table(title=f"导入结果（编号 {summary.number}）" if summary.number else "导入结果")
    table.add_column("文件", overflow="fold")
    table.add_column("种类", no_wrap=True)
    for name in ("读取", "新增", "更新", "未变", "跳过", "拒绝"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in summary.files:
        unchanged = result.unchanged + result.repeated
        numbers = (result.read, result.inserted, result.updated, unchanged, result.skipped, result.rejected)
        table.add_row(escape(name_of(result)), label_of(result.kind), *(f"{number:,}" for number in numbers))
    console.print(table)
    for result in summary.files:
        for line in _remarks(result):
            console.print(line, soft_wrap=True)
    for path, reason in zip(summary.ignored, summary.ignored_why, strict=False):
        console.print(f"{escape(path.name)}：未导入（{escape(reason)}）", soft_wrap=True)
    labels = {kind.value: label_of(kind) for kind in declared_kinds()}
    others = "".join(f"，{labels.get(name, name)} {number:,} 项" for name, number in kinds.items())
    console.print(
        f"库中现有成果 {counts.achievements:,} 项，需求 {counts.demands:,} 项，事件 {counts.events:,} 条{others}。",
        soft_wrap=True,
    )


def name_of(result: FileResult | TablePreview) -> str:
    """Return a table's name: its file's, with its sheet's where it has one."""
    return f"{result.path.name}［{result.sheet}］" if result.sheet else result.path.name


def _remarks(result: FileResult) -> Iterator[str]:
    """Yield what the table does not say, in console markup."""
    name = escape(name_of(result))
    if result.rejects_file:
        yield f"[yellow]{name}：{result.rejected:,} 行被拒绝，清单见[/] {escape(str(result.rejects_file))}"
    if result.notes_file:
        noted = f"{result.noted:,} 行有未能读取的内容" if result.noted else ""
        skipped = f"{result.skipped:,} 行不是记录" if result.skipped else ""
        yield f"{name}：{'，'.join(filter(None, (noted, skipped)))}，清单见 {escape(str(result.notes_file))}"
    if result.changed_fields:
        fields = result.changed_fields.most_common(_FIELDS_SHOWN)
        yield f"{name}：更新的字段：{'、'.join(f'{field} {number:,}' for field, number in fields)}"
    if result.unknown_demands or result.unknown_achievements:
        yield (
            f"[yellow]{name}：{result.unknown_demands:,} 条的需求编号、{result.unknown_achievements:,} 条的成果编号不在库中，"
            f"例如：{escape('、'.join(result.unknown_named))}[/]"
        )
    if result.repeated:
        yield f"{name}：{result.repeated:,} 行与前面的行完全相同"
    if result.conflicting:
        yield f"[yellow]{name}：{result.conflicting:,} 个事件编号已存在而内容不同，保留先到的[/]"
    if result.garbled:
        yield f"[yellow]{name}：{result.garbled:,} 行疑似乱码，请检查来源的编码[/]"
    if result.unknown_columns:
        kept = "原样保留" if keeps_unknown(result.kind) else "已忽略"
        yield f"{name}：未识别的列（{kept}）：{escape('、'.join(result.unknown_columns))}"
    for note in result.notes:
        yield f"{name}：{escape(note)}"


def summary_as_json(summary: ImportSummary, counts: StoreCounts, kinds: Mapping[str, int]) -> str:
    """Return the same for programs."""
    document = {
        "number": summary.number,
        "files": [result.as_dict() for result in summary.files],
        "ignored": [str(path) for path in summary.ignored],
        "ignored_why": list(summary.ignored_why),
        "store": asdict(counts) | ({"kinds": dict(kinds)} if kinds else {}),
        "exit_code": summary.exit_code,
    }
    return orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2).decode()


def print_preview(console: Console, preview: ImportPreview) -> None:
    """Print what an import would do."""
    for found in preview.tables:
        table = Table(title=f"{escape(name_of(found))}：{label_of(found.kind)}")
        for name in ("列", "字段", "依据", "举例"):
            table.add_column(name, overflow="fold")
        table.add_column("未读", justify="right", no_wrap=True)
        for column in found.columns:
            field = f"{column.label} {column.field}" if column.field else "—"
            unread = f"{column.unread:,}" if column.unread else ""
            table.add_row(*map(escape, (column.header, field, column.how, "；".join(column.examples))), unread)
        console.print(table)
        more = "" if found.complete else "（只看了开头的行）"
        console.print(
            f"读取 {found.read:,} 行{more}：可导入 {found.good:,}，跳过 {found.skipped:,}，拒绝 {found.rejected:,}"
        )
        for reason, number in found.reasons.most_common():
            console.print(f"  拒绝 {number:,}：{escape(reason)}", soft_wrap=True)
        for problem in [*found.problems, *found.remarks]:
            where = f"第 {problem.row} 行" + (f"，{problem.column}“{problem.value[:40]}”" if problem.column else "")
            console.print(f"  {escape(where)}：{escape(problem.reason)}", soft_wrap=True)
        for note in found.notes:
            console.print(f"  {escape(note)}", soft_wrap=True)
    for path, reason in preview.ignored:
        console.print(f"{escape(path.name)}：不会导入（{escape(reason)}）", soft_wrap=True)
    console.print("以上是预览，没有写入任何内容。")


def preview_as_json(preview: ImportPreview) -> str:
    """Return the same for programs."""
    document = {
        "tables": [
            asdict(table) | {"kind": table.kind.value, "reasons": dict(table.reasons)} for table in preview.tables
        ],
        "ignored": [{"path": str(path), "why": reason} for path, reason in preview.ignored],
    }
    return orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2).decode()


def print_history(console: Console, entries: Sequence[ImportEntry]) -> None:
    """Print the latest imports."""
    table = Table(title="最近的导入")
    for name in ("编号", "时间（UTC）", "操作者", "文件", "状态"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        state = "已撤销" if entry.undone_at else "完成" if entry.finished_at else "未完成"
        files = "、".join(dict.fromkeys(Path(str(one["path"])).name for one in entry.report))
        moment = f"{entry.started_at:%Y-%m-%d %H:%M}"
        table.add_row(str(entry.number), moment, escape(entry.actor), escape(files), state)
    console.print(table)
