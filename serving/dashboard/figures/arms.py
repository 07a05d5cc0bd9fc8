"""What the events say of experiments, by arm: as `gongxu experiment results` has it."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from data.records import STORED, OutcomeEvent
from data.store.dashboard_tables import daily_counts
from data.store.database import translated_errors
from data.store.store import Store
from data.store.tables import demands, events
from eval.online.experiments import Experiment, Mode, Results, all_experiments, results
from serving.dashboard.figures.periods import china_day_of

ARMS = ("champion", "challenger")
_KEPT = 8  # experiments whose results a worker remembers until more events come


def experiment_of(home: Path, name: str) -> Experiment | None:
    """Return an experiment by name, else the one that began last; None if there was none."""
    known = all_experiments(home)
    named = [one for one in known if one.name == name] or known
    return named[-1] if named else None


def experiment_results(store: Store, home: Path, experiment: Experiment) -> Results:
    """Return what the events say of an experiment; counted again when there are more events than before."""
    table = daily_counts
    query = sa.select(sa.func.coalesce(sa.func.sum(table.c.number), 0)).where(
        table.c.dimension == "all", table.c.day >= china_day_of(experiment.started_at)
    )
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        number = int(connection.execute(query).scalar_one())
    shadows = sum(path.stat().st_size for path in (home / "experiments" / experiment.name).glob("shadow-*.jsonl"))
    return _results(store, home, experiment, number, shadows)


@lru_cache(maxsize=_KEPT)
def _results(store: Store, home: Path, experiment: Experiment, _events: int, _shadows: int) -> Results:
    table = events
    begin = experiment.started_at.replace(tzinfo=None)
    query = sa.select(table.c.event).where(table.c.occurred_at >= begin).order_by(table.c.occurred_at, table.c.event_id)
    engine = store.engine.execution_options(long=True)  # all events of the time may be read
    with translated_errors(store.engine.url), engine.connect() as connection:
        firms = sa.select(demands.c.id, demands.c.enterprise)
        demander = {row.id: row.enterprise or row.id for row in connection.execute(firms)}
        if experiment.mode is Mode.SHADOW:
            return results(experiment, (), demander, home)
        found = connection.execute(query, execution_options={"yield_per": 1_000}).scalars()
        return results(
            experiment, (OutcomeEvent.model_validate_json(text, context=STORED) for text in found), demander, home
        )


def arm_rows(found: Results) -> list[dict[str, Any]]:
    """Return one row for each arm: version, requests, demanders, rates by step, requests and demanders won."""
    rows = []
    for arm in ARMS:
        row: dict[str, Any] = {
            "arm": arm,
            "version": getattr(found.experiment, arm),
            "requests": found.requests.get(arm, found.requests.get("both")),
            "demanders": found.demanders.get(arm),
            "wins": found.wins.get(arm),
        }
        rows.append(row | {step: getattr(rate, arm) for step, rate in found.rates.items()})
    return rows


def step_rows(found: Results) -> list[dict[str, Any]]:
    """Return the difference between the arms by step, with its interval over demanders."""
    return [{"step": step} | rate.model_dump() for step, rate in found.rates.items()]
