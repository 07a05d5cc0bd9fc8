"""`gongxu models`, `promote` and `sync`: parse arguments, show progress, print versions and decisions."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.output import STEPS, show_decision

if TYPE_CHECKING:
    from data.terminal import Table
    from eval.online.versions import Candidate

REFUSED = 1  # exit code of a promotion that the gate refused
ALIAS_NAMES = {"champion": "在役 champion", "challenger": "候选 challenger", "previous": "上一版 previous"}
WIDE = 150  # columns from which on a version fits one line
OUTCOMES = {"promoted": "通过", "refused": "未通过", "forced": "强制"}


def models_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the versions as JSON.")] = False,
) -> None:
    """List trained versions with their aliases and headline figures on held-out demands, newest first.

    Examples:
      gongxu models

      gongxu models --json

    """
    from data.settings import settings
    from training.versions.candidates import aliases_of, all_candidates

    rows = [(candidate, aliases_of(settings(), candidate.version)) for candidate in all_candidates(settings())]
    if as_json:
        models = [{**candidate.model_dump(mode="json"), "aliases": aliases} for candidate, aliases in rows]
        typer.echo(json.dumps({"models": models}, ensure_ascii=False))
        return
    if not rows:
        typer.echo("还没有训练过的版本；运行 gongxu train。")
        return
    from data.terminal import console

    terminal = console()
    terminal.print(models_table(rows, narrow=terminal.width < WIDE))


def promote_command(
    version: Annotated[
        str | None, typer.Argument(help="Bundle version, MLflow run id or model version number; the latest if absent.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Serve it whatever the gate says; needs --why.")] = False,
    why: Annotated[str, typer.Option(help="Why; kept with the decision.")] = "",
    back: Annotated[bool, typer.Option("--rollback", help="Serve the previous version again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the decision as JSON.")] = False,
) -> None:
    """Ask the promotion gate about a trained version and serve it if it passes. Exit code 1: refused.

    The gate: better than the champion on the same held-out outcomes with 95% confidence, no protected slice worse beyond
    its margin, calibration, latency and size within their limits, the bundle whole and usable.

    Examples:
      gongxu promote

      gongxu promote 20260101-120000 --force --why "seasonal data, agreed with operations"

      gongxu promote --rollback

    """
    from data.errors import InputError
    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from models.threads import limit_threads
    from training.release.promotion import promote, rollback

    if back and (version or force):
        raise InputError("--rollback takes no version and no --force: it serves the previous version again")
    limit_threads(settings().threads)
    with Store.open(settings().store_url, create=False) as store, steps(STEPS) as progress:
        if back:
            decision = rollback(settings(), store, why)
        else:
            decision = promote(settings(), store, version or "", force=force, why=why, progress=progress)
    if as_json:
        typer.echo(decision.model_dump_json())
    else:
        show_decision(decision)
    if not decision.promoted:
        raise typer.Exit(REFUSED)


def sync_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Push to MLflow what was recorded while it could not be reached: runs, model versions, aliases.

    Examples:
      gongxu sync

    """
    from data.progress import steps
    from data.settings import settings
    from training.versions.registry import sync

    with steps({"mlflow": "推送到 MLflow"}) as progress:
        progress("mlflow")
        done = sync(settings())
    if as_json:
        typer.echo(json.dumps(vars(done), ensure_ascii=False))
        return
    typer.echo(f"推送运行 {len(done.pushed)} 次，登记模型版本 {len(done.registered)} 个。")
    for alias, number in done.aliases.items():
        typer.echo(f"  {alias}: 模型版本 {number}")


def models_table(rows: "list[tuple[Candidate, list[str]]]", *, narrow: bool = False) -> "Table":
    """Return versions with their aliases and figures, to be printed; a narrow table has several lines to a version."""
    from rich import box

    from data.terminal import Table

    table = Table(
        title="训练过的版本（指标为留出需求上的值与 95% 区间）",
        box=box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD,
        padding=(0, 1, 1, 0) if narrow else (0, 1),
    )
    figures = ("NDCG@10", "AUC ≥2", *(("误差", "毫秒") if narrow else ("校准误差", "CPU 毫秒")), "晋级")
    for column in ("模型包", *(() if narrow else ("别名", "MLflow 版本", "训练对数")), *figures):
        table.add_column(column, no_wrap=column == "模型包" or narrow)
    for candidate, aliases in rows:
        names = "，".join(ALIAS_NAMES[alias] for alias in aliases)
        registered = candidate.model_version or "未登记"
        known = [candidate.version, names, registered, f"{candidate.pairs:,}"]
        if narrow:
            named = (ALIAS_NAMES[alias] for alias in aliases)
            known = ["\n".join((candidate.version, *named, f"{candidate.pairs:,} 对", f"MLflow {registered}"))]
        table.add_row(
            *known,
            *(_cell(candidate, metric, "\n" if narrow else " ") for metric in ("ndcg10", "auc2")),
            "–" if candidate.calibration_error is None else f"{candidate.calibration_error:.3f}",
            "–" if candidate.latency_ms is None else f"{candidate.latency_ms:.0f}",
            OUTCOMES.get(candidate.decision, "未问"),
        )
    return table


def _cell(candidate: "Candidate", metric: str, between: str) -> str:
    figure = candidate.figures.get(metric)
    if figure is None or figure.value is None:
        return "–"
    return f"{figure.value:.3f}{between}[{figure.low:.3f}, {figure.high:.3f}]"
