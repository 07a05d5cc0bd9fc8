"""Online experiments that all machines of a store take part in: what was begun or ended on one is known to the others."""

import sqlalchemy as sa

from data.store.database import reading, writing
from data.store.tables import metadata

experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)


class StoredExperiments:
    """The experiments of one store as JSON; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, name: str, document: str) -> None:
        """Write an experiment, new or changed."""
        with writing(self._engine, "experiments") as connection:
            connection.execute(sa.delete(experiments).where(experiments.c.name == name))
            connection.execute(sa.insert(experiments).values(name=name, document=document))

    def all(self) -> list[str]:
        """Return all experiments, by name."""
        query = sa.select(experiments.c.document).order_by(experiments.c.name)
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())
