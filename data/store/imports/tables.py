"""Tables of imports: what each did, for the report, and the records as they were before, so that it can be undone."""

import sqlalchemy as sa

from data.records import MAX_ID
from data.store.tables import metadata

_ID = sa.String(MAX_ID).with_variant(sa.String(MAX_ID, collation="C"), "postgresql")

imports = sa.Table(
    "imports",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("actor", sa.String(100), nullable=False),
    # UTC without offset, as everywhere.
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("finished_at", sa.DateTime),
    sa.Column("undone_at", sa.DateTime),
    # JSON: one entry a table, as `data.files.report` writes it; empty while the import runs or if it was interrupted.
    sa.Column("report", sa.Text, nullable=False),
)

import_changes = sa.Table(
    "import_changes",
    metadata,
    sa.Column("import_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("record_id", _ID, primary_key=True),
    # The record's JSON before the import, null where there was none.
    sa.Column("before", sa.Text),
    # What the import made of it: a record that changed since is not undone.
    sa.Column("digest", sa.String(64), nullable=False),
)
