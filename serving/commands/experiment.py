"""`gongxu experiment`: start, stop, and what the events say; parses arguments and prints."""

from typing import TYPE_CHECKING, Annotated

import typer

from eval.online.experiments import Mode

if TYPE_CHECKING:
    from eval.online.experiments import Results

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Compare champion and challenger online."
)
MODES = {Mode.SPLIT: "分流", Mode.SHADOW: "影子", Mode.INTERLEAVE: "交错"}
STEP_NAMES = {"click": "点击", "contact": "联系", "meeting": "会面", "deal": "成交"}


@app.command("start")
def start(
    mode: Annotated[Mode, typer.Option(help="split: by demander; shadow: unseen; interleave: one list by both.")],
    name: Annotated[str | None, typer.Option(help="Name of the experiment; by default its mode and moment.")] = None,
    challenger: Annotated[str | None, typer.Option(help="Bundle version; by default the challenger.")] = None,
    share: Annotated[
        float | None, typer.Option(help="Share of demanders with the challenger (split); GONGXU_EXPERIMENT_SHARE.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the experiment as JSON.")] = False,
) -> None:
    """Begin an experiment; every server of this home follows within a second.

    Examples:
      gongxu experiment start --mode split --share 0.2

      gongxu experiment start --mode interleave --challenger 20260101-120000

    """
    import re
    from datetime import UTC, datetime

    from data.errors import InputError
    from data.settings import settings
    from data.store.store import Store
    from eval.online.experiments import (
        Experiment,
        all_experiments,
        fetch_experiments,
        running_experiment,
        save_experiment,
        share_experiment,
    )
    from matcher.bundle import CHALLENGER, current_bundle, has_ranker, pointed

    home, bundles = settings().home, settings().bundles
    now = datetime.now(UTC)
    chosen = name or f"{mode.value}-{now:%Y%m%d-%H%M%S}"
    if not re.fullmatch(r"[\w.-]{1,60}", chosen) or chosen.startswith("."):
        raise InputError(f"--name {chosen!r} cannot be used: up to 60 letters, digits, '-', '_' and '.'")
    with Store.open(settings().store_url, create=False) as store:
        fetch_experiments(home, store)
    if (open_one := running_experiment(home)) is not None:
        raise InputError(f"experiment {open_one.name!r} is running; `gongxu experiment stop` it first")
    if chosen in [experiment.name for experiment in all_experiments(home)]:
        raise InputError(f"an experiment {chosen!r} was run before; choose another --name")
    wanted = challenger or pointed(bundles, CHALLENGER)
    champion = current_bundle(bundles).name
    if not wanted:
        raise InputError("there is no challenger: train one with `gongxu train --no-promote`, or name --challenger")
    if wanted == champion or not has_ranker(bundles / wanted):
        reason = "serves already" if wanted == champion else "has no ranker here"
        raise InputError(f"challenger {wanted} {reason}; `gongxu models` lists the trained versions")
    if share is not None and not 0 < share < 1:
        raise InputError(f"--share is {share}; it must lie between 0 and 1")
    experiment = Experiment(
        name=chosen,
        mode=mode,
        champion=champion,
        challenger=wanted,
        share=share or settings().experiment_share,
        started_at=now,
    )
    with Store.open(settings().store_url, create=False) as store:
        share_experiment(store, experiment)
    save_experiment(home, experiment)
    if as_json:
        typer.echo(experiment.model_dump_json())
    else:
        how = f"，{experiment.share:.0%} 的需求方由挑战者服务" if mode is Mode.SPLIT else ""
        typer.echo(f"实验 {chosen}（{MODES[mode]}）已开始：在役 {champion}，挑战者 {wanted}{how}。")


@app.command("stop")
def stop() -> None:
    """End the experiment that is running: the champion answers everybody again.

    Examples:
      gongxu experiment stop

    """
    from datetime import UTC, datetime

    from data.errors import InputError
    from data.settings import settings
    from data.store.store import Store
    from eval.online.experiments import fetch_experiments, running_experiment, save_experiment, share_experiment

    with Store.open(settings().store_url, create=False) as store:
        fetch_experiments(settings().home, store)
        running = running_experiment(settings().home)
        if running is None:
            raise InputError("no experiment is running; `gongxu experiment start` begins one")
        ended = running.model_copy(update={"stopped_at": datetime.now(UTC)})
        share_experiment(store, ended)
    save_experiment(settings().home, ended)
    typer.echo(f"实验 {running.name} 已结束；`gongxu experiment results {running.name}` 查看结果。")


@app.command("results")
def results_command(
    name: Annotated[str | None, typer.Argument(help="Which experiment; the latest if absent.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Print what the events say of an experiment, running or ended.

    Examples:
      gongxu experiment results

      gongxu experiment results split-20260101-120000 --json

    """
    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from eval.online.experiments import fetch_experiments, require_experiment, results
    from serving.runtime.experiments import demander

    with Store.open(settings().store_url, create=False) as store, steps({"events": "统计事件"}) as progress:
        fetch_experiments(settings().home, store)
        experiment = require_experiment(settings().home, name or "")
        progress("events")
        demanders = {demand.demand_id: demander(demand) for demand in store.demands()}
        found = results(experiment, store.events(), demanders, settings().home)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        _show(found)


def _show(found: "Results") -> None:
    from data.terminal import Table
    from data.terminal import console as terminal

    console, experiment = terminal(), found.experiment
    state = "进行中" if experiment.stopped_at is None else "已结束"
    console.print(
        f"实验 {experiment.name}（{MODES[experiment.mode]}，{state}）：在役 {experiment.champion}，"
        f"挑战者 {experiment.challenger}",
        highlight=False,
    )
    if experiment.mode is Mode.SPLIT:
        table = Table(title="按请求计，至少达到该步的比例")
        for column in ("步骤", "在役", "挑战者", "差", "95% 区间"):
            table.add_column(column)
        for step, rate in found.rates.items():
            interval = f"[{rate.low:+.4f}, {rate.high:+.4f}]"
            table.add_row(
                STEP_NAMES[step], f"{rate.champion:.4f}", f"{rate.challenger:.4f}", f"{rate.difference:+.4f}", interval
            )
        console.print(table)
        console.print(f"需求方：在役 {found.demanders['champion']} 家，挑战者 {found.demanders['challenger']} 家。")
    elif experiment.mode is Mode.INTERLEAVE:
        wins, votes = found.wins, found.demanders
        console.print(f"请求：在役胜 {wins['champion']}，挑战者胜 {wins['challenger']}，平 {wins['tie']}。")
        p_value = "–" if found.p_value is None else f"{found.p_value:.4f}"
        console.print(
            f"需求方：偏好在役 {votes['champion']} 家，偏好挑战者 {votes['challenger']} 家；符号检验 p = {p_value}。"
        )
    elif found.overlap is not None and found.same_first is not None:
        console.print(
            f"{found.requests['both']} 次请求：前列重合 {found.overlap:.0%}，首位相同 {found.same_first:.0%}。"
        )
        console.print(f"挑战者每次请求 CPU 中位数 {found.challenger_ms:.1f} 毫秒。")
    console.print(f"结论：{found.conclusion}。", highlight=False)
