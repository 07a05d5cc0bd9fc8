"""`gongxu recommend`: parses arguments, asks the engine, prints the answer."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from matcher.recommendation import Recommendation

# Filters by the options that set them.
_OPTIONS: dict[int | str, str] = {
    "fields": "field",
    "industries": "industry",
    "regions": "region",
    "budget": "budget",
    "trl_at_least": "trl",
}


def recommend(
    demand: Annotated[str | None, typer.Option(help="Id of a stored demand: achievements for it.")] = None,
    text: Annotated[str | None, typer.Option(help="A demand in free text: achievements for it.")] = None,
    achievement: Annotated[str | None, typer.Option(help="Id of a stored achievement: demands for it.")] = None,
    top: Annotated[int, typer.Option(help="How many, 1-200.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, with evidence.")] = False,
    field: Annotated[list[str] | None, typer.Option(help="Only this 技术领域; may be repeated.")] = None,
    industry: Annotated[list[str] | None, typer.Option(help="Only this GB/T 4754 code and below; repeatable.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only this GB/T 2260 code and below; repeatable.")] = None,
    budget: Annotated[float | None, typer.Option(help="Price at most, 万元.")] = None,
    trl: Annotated[int | None, typer.Option(help="Technology readiness at least, 1-9.")] = None,
    all_statuses: Annotated[bool, typer.Option("--all-statuses", help="Closed records too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Recommend achievements for a demand (by id or free text), or demands for an achievement.

    Examples:
      gongxu recommend --demand D000001 --top 10 --explain

      gongxu recommend --text "需要一种低温污泥干化设备，含水率降到40%以下" --explain

      gongxu recommend --achievement A000001 --region 410000

    """
    from pydantic import ValidationError

    from data.errors import InputError
    from data.records import MAX_TEXT, Demand
    from data.settings import settings
    from data.store import Store
    from matcher.bundle import current_bundle, verify
    from matcher.engine import Engine
    from matcher.filters import OPEN_STATUSES, Filters
    from matcher.model import MatchingModel
    from matcher.threshold import load_threshold
    from models.threads import limit_threads

    if sum(given is not None for given in (demand, text, achievement)) != 1:
        raise InputError("give exactly one of --demand ID, --text TEXT, --achievement ID")
    if text is not None and not text.strip():
        raise InputError("the text of --text is empty; describe the demand in a sentence")
    if text is not None and len(text) > MAX_TEXT:
        raise InputError(f"the text of --text has {len(text):,} characters, at most {MAX_TEXT:,} are read; shorten it")
    try:
        filters = Filters(
            fields=tuple(field or ()),
            industries=tuple(industry or ()),
            regions=tuple(region or ()),
            statuses=() if all_statuses else OPEN_STATUSES,
            budget=budget,
            trl_at_least=trl,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"--{_OPTIONS[first['loc'][0]]} {first['input']!r} cannot be used: {first['msg']}") from error
    limit_threads(settings().threads)
    with Store.open(settings().store_url) as store:
        if achievement is not None:
            offered = store.achievement(achievement)
        else:
            wanted = store.demand(demand) if demand is not None else Demand.of_text(text or "")
        directory = current_bundle(settings().bundles)
        manifest = verify(directory)
        engine = Engine(MatchingModel.load(directory, threads=settings().threads, verified=manifest))
        engine.apply(list(store.changes_since(manifest.watermark)))
    if achievement is not None:
        answer = engine.recommend_demands(offered, top=top, filters=filters, explain=explain)
    else:
        answer = engine.recommend_achievements(wanted, top=top, filters=filters, explain=explain)
    if as_json:
        typer.echo(json.dumps(answer.model_dump(), ensure_ascii=False, indent=1))
        return
    show(answer)
    if demand is not None:
        _show_verdict(answer, demand, load_threshold(settings()))


def _show_verdict(answer: "Recommendation", demand: str, threshold: float | None) -> None:
    """Say so when the best match lies below the calibrated threshold, and where the gaps are told."""
    best = max((match.probability for match in answer.items if match.probability is not None), default=None)
    if not answer.answered or (best is not None and threshold is not None and best < threshold):
        if answer.answered:
            typer.echo(f"没有足够好的匹配：以上最高概率 {best:.0%}，门槛 {threshold:.0%}")
        typer.echo(f"还缺什么、谁能补足：gongxu gaps --demand {demand}；该问什么：gongxu clarify --demand {demand}")


def show(answer: "Recommendation") -> None:
    """Print an answer: a line per match, its reasons below it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.padding import Padding

    console = Console()
    if answer.message:
        console.print(f"[yellow]{escape(answer.message)}[/]")
    for match in answer.items:
        probability = "" if match.probability is None else f"[cyan]{match.probability:>4.0%}[/]  "
        owner = f" · {escape(match.owner)}" if match.owner else ""
        console.print(
            f"{match.rank:>3}. {probability}[bold]{escape(match.title)}[/]{owner} [dim]{escape(match.id)}[/]",
            highlight=False,
        )
        for reason in match.reasons:
            sign, colour = ("−", "red") if reason.weight < 0 else ("+", "green")
            line = f"[{colour}]{sign}[/] {escape(reason.text)} [dim]({reason.weight:+.2f})[/]"
            console.print(Padding(line, (0, 0, 0, 6)), highlight=False)
        for requirement in match.requirements:
            sign, colour = _VERDICTS[requirement.status]
            console.print(Padding(f"[{colour}]{sign}[/] {escape(requirement.text)}", (0, 0, 0, 6)), highlight=False)


_VERDICTS = {"met": ("✓", "green"), "missed": ("✗", "red"), "unknown": ("?", "dim"), "not_comparable": ("≠", "dim")}
