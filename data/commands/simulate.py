"""`gongxu lab simulate`: parses arguments and shows progress; the work is in `data.simulator`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import TaskID

    from data.simulator.plan import SimulationSummary


def simulate(
    *,
    out: Annotated[Path, typer.Option(help="Folder to write to; made if missing.")],
    achievements: Annotated[int, typer.Option(help="Achievements to write.")] = 5_000,
    demands: Annotated[int, typer.Option(help="Demands to write.")] = 1_000,
    events: Annotated[int, typer.Option(help="Outcome events to write.")] = 50_000,
    kinds: Annotated[int, typer.Option(help="Services, experts and equipment to write, so many of each.")] = 0,
    seed: Annotated[int, typer.Option(help="Same seed and sizes, same bytes.")] = 7,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write a simulated platform whose true relevance is known.

    Chinese achievements and demands, outcome events from a biased logging policy, expert judgements, and (in truth/,
    which import never reads) the true relevance. For load and for methods whose truth must be known; figures measured
    on it say nothing about real platforms.

    Small, in seconds: `gongxu lab simulate --out sim`

    Full scale: `gongxu lab simulate --achievements 100000 --demands 20000 --events 1000000 --seed 7 --out sim`

    """
    import json

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from data.errors import GongxuError
    from data.simulator.plan import SimulationPlan
    from data.simulator.simulation import simulate as run
    from data.terminal import console as terminal

    complaints = terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        plan = SimulationPlan(achievements=achievements, demands=demands, events=events, seed=seed, kinds=kinds)
        _require_empty(out, force)
        with Progress(*columns, console=complaints, transient=True) as bars:
            tasks: dict[str, TaskID] = {}

            def report(stage: str, done: int, total: int) -> None:
                if stage not in tasks:
                    tasks[stage] = bars.add_task(stage, total=total)
                bars.update(tasks[stage], completed=done)

            summary = run(plan, out, report)
    except GongxuError as error:
        complaints.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    if as_json:
        record = {name: getattr(summary, name) for name in summary.__slots__}
        typer.echo(json.dumps({**record, "out": str(summary.out)}, ensure_ascii=False))
    else:
        _print_table(summary)


def _require_empty(out: Path, force: bool) -> None:
    """Refuse to mix a simulation with other files unless asked to."""
    from data.errors import InputError

    if not force and out.is_dir() and any(out.iterdir()):
        raise InputError(f"--out {out} is not empty; choose another folder or add --force to overwrite its files")


def _print_table(summary: "SimulationSummary") -> None:
    """Print what was written."""
    from data.terminal import Table
    from data.terminal import console as terminal

    typer.echo(f"模拟平台已写入 {summary.out}（{summary.seconds:.1f} 秒）")
    table = Table()
    table.add_column("内容")
    table.add_column("数量", justify="right")
    rows = {"成果 achievements.csv": summary.achievements, "需求 demands.csv": summary.demands}
    rows |= {f"事件 {kind}": count for kind, count in summary.events.items()}
    rows |= {"专家评分 judgements.csv": summary.judgements, "真实相关对 truth/relevance.csv": summary.truth_pairs}
    for label, count in rows.items():
        table.add_row(label, f"{count:,}")
    terminal().print(table)
    typer.echo("仅供压力测试与方法验证：模拟数据上的指标不代表真实平台的匹配质量。")
    typer.echo(f"下一步：gongxu import {summary.out}")
