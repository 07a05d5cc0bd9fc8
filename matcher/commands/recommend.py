"""`gongxu recommend`: parses arguments, asks the engine, prints the answer."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from data.records import Demand
    from data.store.store import Store
    from matcher.collection.filters import Filters
    from matcher.engine import Engine
    from matcher.gaps.report import GapReport
    from matcher.recommendation import Recommendation, RequirementCheck

# Filters by the options that set them.
_OPTIONS: dict[int | str, str] = {
    "fields": "field",
    "industries": "industry",
    "regions": "region",
    "budget": "budget",
    "trl_at_least": "trl",
    "share_met_at_least": "least-met",
    "share_known_at_least": "least-known",
    "worst_margin_at_least": "worst-margin",
}


def recommend(
    demand: Annotated[str | None, typer.Option(help="Id of a stored demand: achievements for it.")] = None,
    text: Annotated[str | None, typer.Option(help="A demand in free text: achievements for it.")] = None,
    achievement: Annotated[str | None, typer.Option(help="Id of a stored achievement: demands for it.")] = None,
    firm: Annotated[str | None, typer.Option(help="Id of a stored firm: records of --kinds for what it does.")] = None,
    top: Annotated[int, typer.Option(help="How many, 1-200.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, with evidence.")] = False,
    field: Annotated[list[str] | None, typer.Option(help="Only this 技术领域; may be repeated.")] = None,
    industry: Annotated[list[str] | None, typer.Option(help="Only this GB/T 4754 code and below; repeatable.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only this GB/T 2260 code and below; repeatable.")] = None,
    budget: Annotated[float | None, typer.Option(help="Price at most, 万元.")] = None,
    trl: Annotated[int | None, typer.Option(help="Technology readiness at least, 1-9.")] = None,
    all_statuses: Annotated[bool, typer.Option("--all-statuses", help="Closed records too.")] = False,
    hide_misses: Annotated[
        bool, typer.Option("--hide-hard-misses", help="Leave out what clearly misses a required figure.")
    ] = False,
    least_met: Annotated[
        float | None, typer.Option(help="Share of the checked figures that must be met, 0-1; unchecked ones pass.")
    ] = None,
    least_known: Annotated[
        float | None, typer.Option(help="Share of the required figures that the other side must speak of, 0-1.")
    ] = None,
    worst_margin: Annotated[
        float | None, typer.Option(help="How far the worst checked figure may miss its bound, as a share of it: -0.1.")
    ] = None,
    gaps: Annotated[
        bool, typer.Option("--gaps", help="Where no match is good enough: what is missing, and who could develop it.")
    ] = False,
    kinds: Annotated[
        str | None, typer.Option(help="Records of declared kinds instead of achievements: service,expert:3,equipment.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Recommend achievements for a demand (by id or free text), or demands for an achievement.

    Examples:
      gongxu recommend --demand D000001 --top 10 --explain

      gongxu recommend --text "需要一种低温污泥干化设备，含水率降到40%以下" --explain

      gongxu recommend --achievement A000001 --region 410000

    """
    from pydantic import ValidationError

    from data.clocks import china_today
    from data.errors import InputError
    from data.records import Demand
    from data.settings import settings
    from data.store.store import Store
    from matcher.collection.filters import OPEN_STATUSES, Filters
    from matcher.gaps.report import report_dict, report_text
    from matcher.kinds.subjects import demand_of_achievement, demand_of_firm
    from matcher.loading import load_engine
    from models.threads import limit_threads

    _require_subject(demand, text, achievement, firm, kinds)
    try:
        filters = Filters(
            fields=tuple(field or ()),
            industries=tuple(industry or ()),
            regions=tuple(region or ()),
            statuses=() if all_statuses else OPEN_STATUSES,
            budget=budget,
            trl_at_least=trl,
            hide_hard_misses=hide_misses,
            share_met_at_least=least_met,
            share_known_at_least=least_known,
            worst_margin_at_least=worst_margin,
        ).on(china_today())
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"--{_OPTIONS[first['loc'][0]]} {first['input']!r} cannot be used: {first['msg']}") from error
    limit_threads(settings().threads)
    with Store.open(settings().store_url, create=False) as store:
        if achievement is not None:
            offered = store.achievement(achievement)
            wanted = demand_of_achievement(offered)
        elif firm is not None:
            known = store.firms.get(firm)
            wanted = demand_of_firm(known.title, known.facts, known.record)
        else:
            wanted = store.demand(demand) if demand is not None else Demand.of_text(text or "")
        engine = load_engine(settings(), store)
        if kinds is not None:
            from matcher.commands.kinds import show_kinds

            show_kinds(engine, store, wanted, kinds, top, filters, as_json=as_json)
            return
        if achievement is not None:
            answer = engine.recommend_demands(offered, top=top, filters=filters, explain=explain)
        else:
            answer = engine.recommend_achievements(wanted, top=top, filters=filters, explain=explain)
        report = _gaps(engine, store, wanted, filters) if gaps and achievement is None and not answer.answered else None
    if as_json:
        shown = answer.model_dump() | ({"gap_report": report_dict(report)} if report else {})
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=1))
        return
    show(answer)
    if answer.verdict is not None and not answer.answered:
        typer.echo(f"{answer.verdict.text}。{answer.verdict.measure}。")
        if report is not None:
            typer.echo(report_text(report))
        elif demand is not None:
            typer.echo(f"还缺什么、谁能补足：gongxu gaps --demand {demand}；该问什么：gongxu clarify --demand {demand}")


def _require_subject(
    demand: str | None, text: str | None, achievement: str | None, firm: str | None, kinds: str | None
) -> None:
    """Refuse a command line that names no subject, several, or one that cannot be read."""
    from data.errors import InputError
    from data.records import MAX_TEXT

    if sum(given is not None for given in (demand, text, achievement, firm)) != 1:
        raise InputError("give exactly one of --demand ID, --text TEXT, --achievement ID, --firm ID")
    if text is not None and not text.strip():
        raise InputError("the text of --text is empty; describe the demand in a sentence")
    if text is not None and len(text) > MAX_TEXT:
        raise InputError(f"the text of --text has {len(text):,} characters, at most {MAX_TEXT:,} are read; shorten it")
    if firm is not None and kinds is None:
        raise InputError("--firm asks for records of kinds; say which: --kinds policy:5,service,expert")


def _gaps(engine: "Engine", store: "Store", demand: "Demand", filters: "Filters") -> "GapReport | None":
    """Return what is missing for a demand, None where the bundle has no ranker to tell."""
    from matcher.gaps.report import LOOKED_AT, gap_report
    from matcher.loading import stored_achievements
    from matcher.rescoring import candidate_pool

    if engine.model.scorer is None:
        return None
    pool = candidate_pool(engine, demand, filters)
    return gap_report(engine, demand, stored_achievements(store, pool.found.cards.ids[:LOOKED_AT]), pool=pool)


def show(answer: "Recommendation") -> None:
    """Print an answer: a line per match, its reasons below it."""
    from rich.markup import escape
    from rich.padding import Padding

    from data.terminal import console as terminal

    console = terminal()
    if answer.message:
        console.print(f"[yellow]{escape(answer.message)}[/]")
    for match in answer.items:
        probability = "" if match.probability is None else f"[cyan]{match.probability:>4.0%}[/]  "
        owner = f" · {escape(match.owner)}" if match.owner else ""
        console.print(
            f"{match.rank:>3}. {probability}[bold]{escape(match.title)}[/]{owner} [dim]{escape(match.id)}[/]",
            highlight=False,
        )
        missed = [one for one in match.requirements if one.status == "missed"]
        for requirement in missed:  # what a match misses is shown before what speaks for it
            _print_requirement(console, requirement)
        for reason in match.reasons:
            sign, colour = ("−", "red") if reason.weight < 0 else ("+", "green")
            line = f"[{colour}]{sign}[/] {escape(reason.text)} [dim]({reason.weight:+.2f})[/]"
            console.print(Padding(line, (0, 0, 0, 6), expand=False), highlight=False)
        if match.requirements_text:
            console.print(Padding(escape(match.requirements_text), (0, 0, 0, 6), expand=False), highlight=False)
        for requirement in match.requirements[len(missed) :]:
            _print_requirement(console, requirement)


def _print_requirement(console: "Console", requirement: "RequirementCheck") -> None:
    from rich.markup import escape
    from rich.padding import Padding

    sign, colour = _VERDICTS[requirement.status]
    line = f"[{colour}]{sign}[/] {escape(requirement.text)}"
    console.print(Padding(line, (0, 0, 0, 6), expand=False), highlight=False)


_VERDICTS = {"met": ("✓", "green"), "missed": ("✗", "red"), "unknown": ("?", "dim"), "not_comparable": ("≠", "dim")}
