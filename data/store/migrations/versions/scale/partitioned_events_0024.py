"""On PostgreSQL events lie in partitions by a hash of their id, which stays the one key. SQLite has no partitions."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

PARTITIONS = 16
_INDEXES = {
    "ix_events_kind_occurred_at": "kind, occurred_at, achievement_id, demand_id",
    "ix_events_demand_id": "demand_id",
    "ix_events_achievement_id": "achievement_id",
}
_STATEMENT_TRIGGER = (
    "CREATE TRIGGER events_append_only BEFORE UPDATE OR TRUNCATE ON {} "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events()"
)
_ROW_TRIGGER = (
    "CREATE TRIGGER events_no_delete BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_loss_of_events()"
)


def upgrade() -> None:
    """Move the events into partitions; indexes are made after the rows are there, which is faster."""
    if op.get_bind().dialect.name != "postgresql":
        return
    _move("PARTITION BY HASH (event_id)")


def downgrade() -> None:
    """Move the events into one table again."""
    if op.get_bind().dialect.name == "postgresql":
        _move("")


def _move(partitioned: str) -> None:
    op.execute("ALTER TABLE events RENAME TO events_before")
    op.execute("ALTER INDEX events_pkey RENAME TO events_before_pkey")
    for name in _INDEXES:
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_before")
    op.execute(f"CREATE TABLE events (LIKE events_before) {partitioned}")
    parts = [f"events_{place:02d}" for place in range(PARTITIONS if partitioned else 0)]
    for place, name in enumerate(parts):
        values = f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {place})"
        op.execute(f"CREATE TABLE {name} PARTITION OF events {values}")
    op.execute("INSERT INTO events SELECT * FROM events_before")
    op.execute("ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (event_id)")
    for name, columns in _INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON events ({columns})")
    op.execute("DROP TABLE events_before")
    for name in ("events", *parts):
        op.execute(_STATEMENT_TRIGGER.format(name))
    op.execute(_ROW_TRIGGER)
    op.get_bind().execute(sa.text("ANALYZE events"))
