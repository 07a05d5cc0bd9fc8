"""Titles and industries as columns of their own, searched without the texts; operators who sign in at a provider."""

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_CHUNK = 1_000
_LETTERS = "ABCDEFGHIJKLMNOPQRST"
_LISTED = ["deleted", "status", "id", "field", "region", "published_at", "updated_at"]
_OWN = {
    "achievements": ["holder", "stage", "trl", "price_min"],
    "demands": ["enterprise", "trl_min", "budget_max", "deadline"],
}


def upgrade() -> None:
    """Add the columns, fill them from the records, and have the indexes of what is listed hold them."""
    with op.batch_alter_table("operators") as table:
        table.add_column(sa.Column("subject", sa.String(500)))
        table.create_unique_constraint("uq_operators_subject", ["subject"])
    for name, own in _OWN.items():
        added = [sa.Column("title", sa.String(500), nullable=False, server_default="")]
        if name == "demands":
            added.append(sa.Column("industry", sa.String(2), nullable=False, server_default=""))
        for column in added:
            op.add_column(name, column)
        _fill(op.get_bind(), name)
        if op.get_bind().dialect.name == "sqlite":
            op.drop_index(f"ix_{name}_listed", name)
            columns = [*_LISTED, *own, *(["industry"] if name == "demands" else []), "title"]
            op.create_index(f"ix_{name}_listed", name, columns)


def downgrade() -> None:
    """Drop the columns."""
    for name, own in _OWN.items():
        if op.get_bind().dialect.name == "sqlite":
            op.drop_index(f"ix_{name}_listed", name)
            op.create_index(f"ix_{name}_listed", name, [*_LISTED, *own])
        op.drop_column(name, "title")
        if name == "demands":
            op.drop_column(name, "industry")
    with op.batch_alter_table("operators") as table:
        table.drop_constraint("uq_operators_subject", type_="unique")
        table.drop_column("subject")


def _fill(connection: sa.Connection, name: str) -> None:
    """Write title (and industry) of every record, in steps by id."""
    table = sa.table(name, *(sa.column(column) for column in ("id", "record", "title", "industry")))
    last = ""
    while True:
        query = sa.select(table.c.id, table.c.record).where(table.c.id > last).order_by(table.c.id).limit(_CHUNK)
        rows = connection.execute(query).all()
        if not rows:
            return
        last = rows[-1].id
        values: dict[str, Any] = {"title": sa.bindparam("new_title")}
        if name == "demands":
            values["industry"] = sa.bindparam("new_industry")
        connection.execute(
            sa.update(table).where(table.c.id == sa.bindparam("known")).values(values),
            [{"known": row.id, **_values(row.record, name)} for row in rows],
        )


def _values(text: str, name: str) -> dict[str, str]:
    record = orjson.loads(text)
    found = {"new_title": record.get("title", "").replace("\0", "")}
    if name == "demands":
        code = (record.get("industries") or [""])[0]
        found["new_industry"] = (code.lstrip(_LETTERS) or code)[:2]
    return found
