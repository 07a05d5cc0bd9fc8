"""Files of levels: a model's with everything that it is known by, people's as judgements."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from data.errors import InputError
from data.files.reading.readers import open_table
from data.records import EventKind
from data.store.store import Store
from data.store.work.model_levels import ModelLevel

COLUMNS = (
    *("demand_id", "achievement_id", "level", "ai_generated", "model", "prompt"),
    *("given_at", "texts", "need_quote", "offer_quote"),
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_MODEL = 200


def model_levels_csv(store: Store) -> str:
    """Return the models' levels of a store as CSV with `COLUMNS`, `ai_generated` true in each row."""
    rows = (
        vars(one) | {"ai_generated": "true", "given_at": one.given_at.isoformat()} for one in store.model_levels.all()
    )
    return _csv(COLUMNS, ([row[name] for name in COLUMNS] for row in rows))


def people_levels_csv(store: Store) -> str:
    """Return people's judgements of a store as CSV: the file that `gongxu evaluate --levels` and `gongxu import` read."""
    rows = (
        [one.demand_id, one.achievement_id, one.level]
        for one in store.events({EventKind.JUDGEMENT})
        if one.level is not None
    )
    return _csv(("demand_id", "achievement_id", "level"), rows)


def _csv(header: tuple[str, ...], rows: Iterator[list[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()


def read_model_levels(path: Path) -> list[ModelLevel]:
    """Return the levels of a file that `model_levels_csv` wrote.

    Raises:
        NotFoundError: there is no such file.
        InputError: a column is missing, or a row is not a model's level.

    """
    found = []
    with open_table(path) as table:
        missing = [name for name in COLUMNS if name not in table.headers]
        if missing:
            raise InputError(
                f"{path} lacks the column {missing[0]!r}; a file of models' levels has {', '.join(COLUMNS)}, people's "
                "judgements are read by `gongxu import`"
            )
        for number, cells, problem, _, skipped in table.rows:
            if skipped:
                continue
            if problem:
                raise InputError(f"{path} row {number} cannot be read: {problem}")
            try:
                found.append(_level({name: str(cells.get(name) or "") for name in COLUMNS}))
            except ValueError as error:
                raise InputError(f"{path} row {number}: {error}") from error
    return found


def _level(cells: dict[str, str]) -> ModelLevel:
    """Return the level of a row; ValueError says what is wrong with it."""
    if cells["ai_generated"].lower() != "true":
        raise ValueError(f"ai_generated is {cells['ai_generated']!r} instead of true; this is no model's level")
    if cells["level"] not in ("1", "2", "3", "4"):
        raise ValueError(f"level {cells['level']!r} is not 1 to 4")
    for name in ("texts", "prompt"):
        if not _DIGEST.fullmatch(cells[name]):
            raise ValueError(f"{name} {cells[name]!r} is no SHA-256")
    if not 0 < len(cells["model"]) <= _MAX_MODEL or not cells["demand_id"] or not cells["achievement_id"]:
        raise ValueError("model, demand_id and achievement_id may not be empty")
    given_at = datetime.fromisoformat(cells["given_at"])
    return ModelLevel(
        texts=cells["texts"],
        model=cells["model"],
        prompt=cells["prompt"],
        demand_id=cells["demand_id"],
        achievement_id=cells["achievement_id"],
        level=int(cells["level"]),
        need_quote=cells["need_quote"],
        offer_quote=cells["offer_quote"],
        given_at=given_at if given_at.tzinfo else given_at.replace(tzinfo=UTC),
    )
