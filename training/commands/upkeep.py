"""`gongxu retrain` and `gongxu monitor`: for a scheduler and for people; parse arguments, show progress, print."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.output import ClusterOption

if TYPE_CHECKING:
    from eval.online.monitor_report import MonitorReport
    from training.release.retrain import Retrained

BUSY = 3  # exit code: another retraining is running
ALARM = 1  # exit code of a monitor that found something
MORE_STEPS = {
    "import": "导入",
    "digest": "查看有无新数据",
    "traffic": "读取近期事件",
    "model": "加载在役模型",
    "answers": "抽查近期需求",
}


def retrain_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders to import first, as `gongxu import` reads them.")
    ] = None,
    trees: Annotated[int | None, typer.Option(help="Trees per grade; GONGXU_RANKER_TREES.", min=1, max=2000)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of folds and ranker; GONGXU_RANKER_SEED.", min=0)] = None,
    tune: Annotated[float, typer.Option("--tune", help="Minutes to search better parameters for.", min=0)] = 0.0,
    again: Annotated[bool, typer.Option("--again", help="Also when nothing is new.")] = False,
    cluster: ClusterOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Import, build, train, evaluate, ask the gate, promote or say why not. Made for cron.

    Exit code 0: done, whether promoted, refused or nothing new; 2: a step failed, the next call resumes; 3: another one
    is running.

    Examples:
      gongxu retrain /srv/exports --json

      15 2 * * 0  GONGXU_HOME=/var/lib/gongxu gongxu retrain /srv/exports

    """
    from data.cluster.ray_workers import open_workers
    from data.locks import BusyError
    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from models.threads import limit_threads
    from training.commands.output import STEPS
    from training.release.retrain import retrain

    limit_threads(settings().threads)
    parameters = settings().ranker.overridden(trees=trees, seed=seed)
    try:
        with (
            Store.open(settings().store_url) as store,
            steps(STEPS | MORE_STEPS) as progress,
            open_workers(cluster, progress.part) as workers,
        ):
            done = retrain(
                settings(),
                store,
                paths or (),
                parameters,
                again=again,
                tune_minutes=tune,
                progress=progress,
                workers=workers,
            )
    except BusyError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BUSY) from error
    if as_json:
        typer.echo(done.model_dump_json())
    else:
        _show_retrained(done)


def monitor_command(
    days: Annotated[int | None, typer.Option(help="Days of traffic; GONGXU_MONITOR_DAYS.", min=1)] = None,
    until: Annotated[datetime | None, typer.Option(help="Look at the days before this moment (UTC); now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Compare recent traffic with what training saw. Exit code 0: fine; 1: an alarm; 2: it could not look.

    Looked at: drift of features and of scores, outcome rates against expectation, share of unanswered demands. The report
    is kept in GONGXU_HOME/monitor_report.json, where the dashboard shows it.

    Examples:
      gongxu monitor

      gongxu monitor --days 7 --json

    """
    from datetime import UTC

    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from eval.online.monitor_report import report_json, save_report
    from models.threads import limit_threads
    from training.commands.output import STEPS
    from training.release.monitor import monitor

    limit_threads(settings().threads)
    end = until.replace(tzinfo=UTC) if until and until.tzinfo is None else until
    with Store.open(settings().store_url, create=False) as store, steps(STEPS | MORE_STEPS) as progress:
        report = monitor(settings(), store, days=days, until=end, progress=progress)
    save_report(settings().home, report)
    if as_json:
        typer.echo(report_json(report))
    else:
        _show_report(report)
    if report.alarm:
        raise typer.Exit(ALARM)


def _show_retrained(done: "Retrained") -> None:
    from training.commands.output import show_decision

    if done.imported or done.rejected:
        typer.echo(f"导入：新增或更新 {done.imported:,} 条，拒收 {done.rejected:,} 条。")
    if done.status == "nothing new":
        typer.echo("没有新数据：存储、参数和程序与上次重训时相同，什么也没做（--again 可强制重训）。")
        return
    if done.resumed:
        typer.echo("接着上次中断处继续。")
    if done.decision is not None:
        show_decision(done.decision)
    else:
        typer.echo(f"{done.candidate} 已在役。")
    if done.removed:
        typer.echo(f"已清理旧模型包 {len(done.removed)} 个。")


def _show_report(report: "MonitorReport") -> None:
    from data.terminal import console as terminal

    console = terminal()
    console.print(f"在役模型包 {report.version}", highlight=False)
    for finding in report.findings:
        mark = "[red]✗[/]" if finding.alarm else "[green]✓[/]"
        console.print(f"  {mark} {finding.message}", highlight=False)
    console.print("有告警：考虑 gongxu retrain。" if report.alarm else "一切正常。")
