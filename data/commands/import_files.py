"""`gongxu import`: parses arguments, shows progress, prints the summary; the work is done in `data.files`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from data.files.sources import ImportOptions
    from data.store.store import Store

INTERRUPTED = 130


def import_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders, or spreadsheets, CSV, JSON Lines and Parquet files; of a folder its own files."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="What the files hold: achievements, demands, events, judgements, or a declared kind such as service; "
            "default: recognised by file name, else by headers."
        ),
    ] = None,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Show what each column is taken for and what would be refused; write nothing."),
    ] = False,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="列=字段: what a column means; `列=-` leaves it out. May be repeated."),
    ] = None,
    use_mapping: Annotated[str | None, typer.Option("--mapping", help="Use the mapping saved under this name.")] = None,
    save_mapping: Annotated[
        str | None, typer.Option(help="Save the mapping under a name; files with the same headers find it again.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="The worksheet to read, by name or number from 1.")] = None,
    header_row: Annotated[
        int | None, typer.Option(min=1, help="Row of the header, as the spreadsheet numbers it.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Empty the fields of known records that the file has no column for.")
    ] = False,
    history: Annotated[bool, typer.Option("--history", help="List the latest imports.")] = False,
    undo: Annotated[int | None, typer.Option(help="Take back the import of this number.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Import achievements, demands, outcome events and expert judgements into the store.

    Good rows go in. Bad rows, and cells that cannot be read, are listed with row, column, value and reason under
    GONGXU_HOME/rejects. Fields that a file has no column for stay as they are.

    Importing the same file again changes nothing; an interrupted import is completed by running it again.

    Exit codes: 0 all rows went in, 2 nothing was written, 3 some rows were rejected, 4 it stopped before its end: what was
    written is shown, and running it again completes it.

    Examples:
      gongxu import ../shared/data/bdci2019

      gongxu import achievements.csv demands.xlsx events.jsonl

      gongxu import 成果登记表.xls --preview

      gongxu import 需求汇总.xlsx --sheet 2024 --header-row 3 --map 需求详情=content --save-mapping 省平台

      gongxu import --undo 12

    """
    from data.errors import InputError
    from data.settings import settings
    from data.store.store import Store
    from data.terminal import console as terminal

    if history or undo is not None:
        with Store.open(settings().store_url) as store:
            _look_back(store, undo, as_json=as_json)
        return
    if not paths:
        raise InputError(
            "nothing to import; name a file or folder, e.g. gongxu import 成果.xlsx 需求.csv",
            "没有可导入的内容，请给出文件或文件夹，例如 gongxu import 成果.xlsx 需求.csv",
        )
    options = _options(kind, mapping, use_mapping, sheet, header_row, replace=replace)
    if preview or save_mapping:
        _show_preview(paths, options, save_mapping, show=preview, as_json=as_json)
    if preview:
        return
    messages = terminal(stderr=True)
    try:
        _import(paths, options, messages, as_json=as_json)
    except KeyboardInterrupt:
        messages.print("已中断：已写入的批次完好，重新运行同一命令即可继续。", style="yellow")
        raise typer.Exit(INTERRUPTED) from None


def _import(paths: list[Path], options: "ImportOptions", messages: "Console", *, as_json: bool) -> None:
    import gc

    from data.commands.import_output import Bar, print_summary, summary_as_json
    from data.files.importer import import_paths
    from data.settings import settings
    from data.store.store import Store
    from data.terminal import console as terminal

    # Rows make no cycles; looked for as often as Python does by itself, they took a fifth of an import.
    gc.set_threshold(50_000, 20, 100)
    with Store.open(settings().store_url) as store, Bar(messages) as bar:
        summary = import_paths(store, paths, progress=bar.show, options=options, apart=settings().threads > 1)
        counts, kinds = store.counts(), store.kinds.counts()
    if as_json:
        typer.echo(summary_as_json(summary, counts, kinds))
    else:
        print_summary(terminal(), summary, counts, kinds)
    raise typer.Exit(summary.exit_code)


def _options(
    kind: str | None,
    mapping: list[str] | None,
    use_mapping: str | None,
    sheet: str | None,
    header_row: int | None,
    *,
    replace: bool,
) -> "ImportOptions":
    from data.errors import InputError
    from data.files.mappings import load_mapping
    from data.files.sources import ImportOptions
    from data.files.table_kinds import kind_named
    from data.settings import settings

    folder = settings().home / "mappings"
    fields: dict[str, str] = {}
    chosen = kind_named(kind) if kind else None
    if use_mapping:
        saved = load_mapping(folder, use_mapping)
        fields, chosen = dict(saved.fields), chosen or saved.kind
    for pair in mapping or []:
        header, equals, field = pair.rpartition("=")
        if not equals or not header.strip():
            raise InputError(
                f"--map takes 列=字段, e.g. 需求详情=content, not {pair!r}",
                f"--map 的写法是 列=字段，例如 需求详情=content，不是“{pair}”",
            )
        fields[header.strip()] = field.strip()
    return ImportOptions(chosen, fields, sheet, header_row, replace, folder)


def _show_preview(
    paths: list[Path], options: "ImportOptions", save_as: str | None, *, show: bool, as_json: bool
) -> None:
    """Print the preview; save the mapping that it shows."""
    from data.commands.import_output import preview_as_json, print_preview
    from data.errors import InputError
    from data.files.mappings import save_mapping
    from data.files.previews.preview import ROWS, mapping_of, preview_paths
    from data.settings import settings
    from data.terminal import console as terminal

    found = preview_paths(paths, options, ROWS if show else 1)
    if save_as:
        shapes = {(table.kind, table.headers) for table in found.tables}
        if len(shapes) != 1:
            raise InputError(
                f"--save-mapping needs files of one shape, not {len(shapes)}; name one file and --sheet",
                f"--save-mapping 只能保存一种表头，这里有 {len(shapes)} 种；请指明一个文件和 --sheet",
            )
        (table, *_) = found.tables
        save_mapping(settings().home / "mappings", save_as, table.kind, mapping_of(table.columns), table.headers)
    if show and as_json:
        typer.echo(preview_as_json(found))
    elif show:
        print_preview(terminal(), found)


def _look_back(store: "Store", undo: int | None, *, as_json: bool) -> None:
    """List the latest imports, or take one back."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    import orjson

    from data.commands.import_output import print_history
    from data.terminal import console as terminal

    if undo is not None:
        undone = store.imports.undo(undo, datetime.now(UTC))
        if as_json:
            typer.echo(orjson.dumps(asdict(undone)).decode())
        else:
            events = f"，收回事件 {undone.events:,} 条" if undone.events else ""
            kept = f"，{undone.kept:,} 项此后又有改动，保持不变" if undone.kept else ""
            done = f"恢复 {undone.restored:,} 项，删除 {undone.removed:,} 项{events}{kept}"
            terminal().print(f"已撤销导入 {undo}：{done}。此间训练出的模型不变。", soft_wrap=True)
        return
    entries = store.imports.latest()
    if as_json:
        typer.echo(orjson.dumps([asdict(entry) for entry in entries], default=str).decode())
    else:
        print_history(terminal(), entries)
