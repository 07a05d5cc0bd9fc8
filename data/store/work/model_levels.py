"""Levels that models gave to pairs of a demand and an achievement; they are no events, and nothing learns from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from data.errors import InputError
from data.store.dashboard_tables import model_levels
from data.store.database import reading, writing

_NUMBER = 500  # levels in one statement


@dataclass(frozen=True)
class ModelLevel:
    """A level (1-4) of a pair, by `model` under the instruction with the digest `prompt`.

    `texts` is the digest of the two texts that were read. The quotes are verbatim from them, empty for level 1.
    """

    texts: str
    model: str
    prompt: str
    demand_id: str
    achievement_id: str
    level: int
    need_quote: str
    offer_quote: str
    given_at: datetime


class ModelLevels:
    """The models' levels of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def keep(self, levels: Iterable[ModelLevel]) -> int:
        """Keep levels; of a model's level of the same texts under the same prompt the first stays. Return how many are new.

        Raises:
            InputError: a level is not 1-4.

        """
        insert: Any = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        rows = []
        for one in levels:
            if not 1 <= one.level <= 4:
                raise InputError(f"level {one.level} of {one.demand_id} with {one.achievement_id} is not 1 to 4")
            rows.append(vars(one) | {"given_at": one.given_at.astimezone(UTC).replace(tzinfo=None)})
        added = 0
        with writing(self._engine) as connection:
            for start in range(0, len(rows), _NUMBER):
                statement = insert(model_levels).values(rows[start : start + _NUMBER]).on_conflict_do_nothing()
                added += len(connection.execute(statement.returning(model_levels.c.texts)).all())
        return added

    def under(self, model: str, prompt: str) -> dict[str, ModelLevel]:
        """Return a model's levels under a prompt, by the digest of their texts."""
        query = sa.select(model_levels).where(model_levels.c.model == model, model_levels.c.prompt == prompt)
        with reading(self._engine) as connection:
            return {row.texts: _level(row) for row in connection.execute(query)}

    def all(self) -> list[ModelLevel]:
        """Return all levels, oldest first."""
        columns = model_levels.c
        query = sa.select(model_levels).order_by(columns.given_at, columns.model, columns.prompt, columns.texts)
        with reading(self._engine) as connection:
            return [_level(row) for row in connection.execute(query)]


def _level(row: Any) -> ModelLevel:
    return ModelLevel(**(dict(row._mapping) | {"given_at": row.given_at.replace(tzinfo=UTC)}))
