"""`gongxu lab dispatch`: a real log replayed through ways to give work to people."""

import json
from pathlib import Path
from typing import Annotated

import typer

from knowledge_graph.commands.output import Bar, console, print_rows


def dispatch_command(
    file: Annotated[Path, typer.Argument(help="CSV of events: case_id, activity, resource, timestamp.")],
    capacity: Annotated[
        float, typer.Option(min=0.05, max=10.0, help="People's usual places are scaled by this.")
    ] = 0.45,
    seed: Annotated[int, typer.Option(help="Seed of the intervals; the simulation itself uses no chance.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Simulate how long cases wait when work is given by least cost, in turn, or to the nearest.

    Example:
      gongxu lab dispatch ../shared/data/kinds/dispatch/helpdesk_events.csv

    """
    from eval.dispatch.replay import read_replay
    from eval.dispatch.report import compare

    replay = read_replay(file, capacity)
    with Bar() as bar:
        figures = compare(replay, seed, bar.show)
    if as_json:
        found = {"cases": len(replay.cases), "people": len(replay.people), "capacity": capacity}
        typer.echo(json.dumps(found | {"dispatchers": [one.as_dict() for one in figures]}))
        return
    rows = [
        (
            one.name,
            *(f"{part.value:,.1f} [{part.low:,.1f}, {part.high:,.1f}]" for part in (one.p95_wait, one.mean_wait)),
            "–"
            if one.name == "gongxu"
            else f"{one.more_than_gongxu.value:+,.1f} [{one.more_than_gongxu.low:+,.1f}, "
            f"{one.more_than_gongxu.high:+,.1f}]",
            f"{one.kilometres:,.0f}",
            f"{one.waited:.0%}",
            f"{one.fullest:.0%}",
        )
        for one in figures
    ]
    title = (
        f"{len(replay.cases):,} 件，{len(replay.people)} 人，{sum(person.limit for person in replay.people)} 个在办名额"
    )
    headers = ("派单方式", "等待P95（小时）", "平均等待（小时）", "P95 比 gongxu 多", "平均公里", "等待过", "名额最满")
    print_rows(console(), title, headers, rows)
