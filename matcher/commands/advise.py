"""`gongxu advise`: what a holder can change so that demands find the achievement; `gongxu gaps`: what a demand lacks."""

import json
from typing import Annotated

import typer


def advise_command(
    achievement: Annotated[str, typer.Option(help="Id of a stored achievement.")],
    top: Annotated[int, typer.Option(help="Length of the list it shall come into.", min=1, max=50)] = 10,
    demands: Annotated[int, typer.Option(help="How many demands to look at.", min=1, max=100)] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print the advice as JSON.")] = False,
) -> None:
    """Show the smallest real changes that would lift an achievement for the demands it nearly fits.

    Each change is scored by the ranker on the changed record; the place it brings is the one the engine would give.

    Examples:
      gongxu advise --achievement A0000001

      gongxu advise --achievement A0000001 --top 5 --json

    """
    from data.clocks import china_today
    from data.settings import settings
    from data.store.store import Store
    from matcher.collection.filters import Filters
    from matcher.gaps.advice import PEERS, advice_dict, advise
    from matcher.loading import load_engine, stored_achievements, stored_demands
    from matcher.rescoring import best_demands
    from models.threads import limit_threads

    limit_threads(settings().threads)
    with Store.open(settings().store_url, create=False) as store:
        record = store.achievement(achievement)
        engine = load_engine(settings(), store)
        today = china_today()
        wanted = stored_demands(store, best_demands(engine, record, demands, Filters().on(today)))
        peers = stored_achievements(store, [near.id for near in engine.similar(record, PEERS)])
    found = advise(engine, record, wanted, peers, top=top)
    if as_json:
        body = {"achievement_id": achievement, "demands": len(wanted), "advice": [advice_dict(item) for item in found]}
        typer.echo(json.dumps(body, ensure_ascii=False))
        return
    typer.echo(f"成果：{record.title}  {achievement}")
    if not found:
        typer.echo(f"查看了最接近的 {len(wanted)} 条需求：没有一项可行的改动能让它的名次上升。")
    for item in found:
        reached = f"进入前 {top}" if item.enough else f"仍在前 {top} 之外"
        typer.echo(f"\n需求：{item.demand_title}  {item.demand_id}\n  {item.change.text}")
        typer.echo(f"  → 名次由第 {item.before} 位升到第 {item.after} 位，{reached}")


def gaps(
    demand: Annotated[str, typer.Option(help="Id of a stored demand.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Show whether a demand has a good enough match, and what would have to be developed where it has none.

    Examples:
      gongxu gaps --demand D000001

    """
    from data.settings import settings
    from data.store.store import Store
    from matcher.gaps.report import LOOKED_AT, gap_report, report_dict, report_text
    from matcher.loading import load_engine, stored_achievements
    from matcher.rescoring import candidate_pool
    from models.threads import limit_threads

    limit_threads(settings().threads)
    with Store.open(settings().store_url, create=False) as store:
        record = store.demand(demand)
        engine = load_engine(settings(), store)
        pool = candidate_pool(engine, record)
        records = stored_achievements(store, pool.found.cards.ids[:LOOKED_AT])
        report = gap_report(engine, record, records, pool=pool)
    if as_json:
        typer.echo(json.dumps({"demand_id": demand} | report_dict(report), ensure_ascii=False))
        return
    typer.echo(f"需求：{record.title}  {demand}")
    typer.echo(report_text(report))
