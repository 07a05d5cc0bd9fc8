"""The table of industry chains."""

import sqlalchemy as sa

from data.store.tables import metadata

MAX_CHAIN_ID = 40

# One row is one chain; it is read whole and written whole.
chains = sa.Table(
    "chains",
    metadata,
    sa.Column("id", sa.String(MAX_CHAIN_ID), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("nodes", sa.Integer, nullable=False),
    sa.Column("links", sa.Integer, nullable=False),
    sa.Column("imported_at", sa.DateTime, nullable=False),
)
