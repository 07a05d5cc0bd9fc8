"""`gongxu evidence`: verifies the chain of what was shown, granted and exported."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.evidence.chain import Entry

app = typer.Typer(help="The evidence of what was shown to whom.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Keep `verify` a command of its own."""


@app.command("verify")
def verify_command(
    roots: Annotated[
        Path | None, typer.Option(help="Folder of the days' roots; default: evidence/roots in GONGXU_HOME.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check every entry's hash, its place in the chain, and each day's root. Exits with 1 if something does not fit.

    Examples:
      gongxu evidence verify

      gongxu evidence verify --roots /mnt/notary/roots

    """
    from data.errors import InputError
    from data.evidence.chain import DayRoot, faults_of
    from data.settings import settings
    from data.store.store import Store

    folder = roots or settings().evidence_roots
    if roots is not None and not roots.is_dir():
        raise InputError(f"--roots {str(roots)!r} is no folder", f"--roots “{roots}”不是文件夹")
    published: dict[str, DayRoot] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            root = DayRoot(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise InputError(f"{path} is no root of a day: {error}", f"{path} 不是每日根文件") from error
        published[root.day] = root
    counted = {"entries": 0, "erased": 0}

    def counting(entries: "Iterator[Entry]") -> "Iterator[Entry]":
        for entry in entries:
            counted["entries"] += 1
            counted["erased"] += sum(part.erased for part in entry.parts)
            yield entry

    with Store.open(settings().store_url, create=False) as store:
        days = store.evidence.days()
        faults = list(faults_of(counting(store.evidence.entries()), published))
    last_day = days[-1] if days else ""
    unrooted = [day for day in days if day not in published and day != last_day]
    if as_json:
        found = [vars(fault) for fault in faults]
        typer.echo(json.dumps(counted | {"faults": found, "roots": len(published), "days_without_root": unrooted}))
    else:
        for fault in faults[:20]:
            typer.echo(f"第 {fault.number} 条：{fault.why}")
        if unrooted:
            typer.echo(f"没有每日根、截断无从发现的日期：{'、'.join(unrooted)}")
        if last_day and last_day not in published:
            typer.echo(f"{last_day} 尚无每日根：当日条目只由链保护，末尾被截去无从发现")
        verdict = f"发现 {len(faults)} 处不符" if faults else "完好"
        typer.echo(
            f"{counted['entries']} 条证据（其中 {counted['erased']} 项已按要求删除），{len(published)} 个每日根：{verdict}"
        )
    if faults:
        raise typer.Exit(1)
