"""Alembic's entry: migrates over the connection that the store handed over, or the store of the settings."""

import sqlalchemy as sa
from alembic import context

from data.settings import settings
from data.store.tables import metadata


def run(connection: sa.Connection) -> None:
    """Run the wanted steps inside the transaction that `connection` is in."""
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    with sa.create_engine(settings().store_url).begin() as own:
        run(own)
