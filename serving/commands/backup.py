"""`gongxu backup` and `gongxu restore`: parse arguments, print what was saved or put in place."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from serving.runtime.backup import Saved


def backup_command(
    archive: Annotated[Path, typer.Argument(help="File to write, such as gongxu.tar.")],
) -> None:
    """Save store and current bundle in one file. The server may go on running.

    Example:
      gongxu backup /backups/gongxu-$(date +%F).tar

    """
    from data.settings import settings
    from serving.runtime.backup import back_up

    saved = back_up(settings(), archive)
    typer.echo(f"已备份到 {saved.archive}（{saved.archive.stat().st_size / 2**20:.1f} MiB）：{_contents(saved)}")


def restore_command(
    archive: Annotated[Path, typer.Argument(help="File that `gongxu backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Set an existing store aside.")] = False,
) -> None:
    """Put a backup in place. Stop the server first. All digests are checked before anything is touched.

    Example:
      gongxu restore /backups/gongxu-2026-01-01.tar --replace

    """
    from data.settings import settings
    from serving.runtime.backup import restore

    saved = restore(settings(), archive, replace=replace)
    typer.echo(f"已恢复：{_contents(saved)}")


def _contents(saved: "Saved") -> str:
    counts = saved.counts
    bundle = f"模型包 {saved.bundle}" if saved.bundle else "尚无模型包"
    return f"成果 {counts.achievements:,} 项，需求 {counts.demands:,} 项，事件 {counts.events:,} 条，{bundle}。"
