"""`gongxu recommend --kinds`: records of declared kinds for a demand, printed kind by kind."""

import json
from datetime import UTC, datetime

import typer

from data.dates import CHINA_STANDARD_TIME
from data.errors import InputError
from data.kinds.registry import load_kinds
from data.records import Demand
from data.settings import settings
from data.store.store import Store
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.kinds.candidates import KindsQuery
from matcher.kinds.loading import kind_index
from matcher.kinds.recommend import recommend_kinds

SIGNS = {"met": "✓", "missed": "✗", "unknown": "?", "not_comparable": "≠"}


def show_kinds(
    engine: Engine, store: Store, demand: Demand, asked: str, top: int, filters: Filters, *, as_json: bool
) -> None:
    """Print the best records of each kind in `asked` (service,expert:3) that are offered today.

    Raises:
        InputError: a kind is unknown, or a number is none.

    """
    kinds = load_kinds(settings().kinds)
    wanted = dict(_wanted(part, top) for part in asked.replace("，", ",").split(",") if part.strip())
    index = kind_index(settings().bundles, engine, store, kinds)
    today = datetime.now(UTC).astimezone(CHINA_STANDARD_TIME).date()
    anything = filters.model_copy(update={"statuses": ()})  # whether a record is offered is its kind's to say
    answer = recommend_kinds(engine, index, demand, KindsQuery(wanted, today, anything))
    if as_json:
        typer.echo(json.dumps(answer.model_dump(mode="json"), ensure_ascii=False, indent=1))
        return
    for kind in answer.kinds:
        typer.echo(f"{kind.label}：{kind.message}" if kind.message else kind.label)
        for item in kind.items:
            typer.echo(f"{item.rank:>3}. {item.title}{f' · {item.provider}' if item.provider else ''} {item.id}")
            for requirement in item.requirements:
                typer.echo(f"      {SIGNS[requirement.status]} {requirement.text}")
            for reason in item.reasons:
                typer.echo(f"      + {reason}")


def _wanted(part: str, top: int) -> tuple[str, int]:
    name, _, number = part.strip().partition(":")
    if number and not number.isdecimal():
        raise InputError(f"--kinds {part.strip()!r}: the number after the colon is none; write service:5")
    return name, int(number) if number else top
