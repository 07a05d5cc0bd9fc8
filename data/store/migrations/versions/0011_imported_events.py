"""Events stay append-only, but for those that one of the latest imports brought: they may go with it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_BROUGHT = """EXISTS (
    SELECT 1 FROM import_changes WHERE kind = 'events' AND record_id = {event}.event_id
    AND import_number IN (SELECT number FROM imports ORDER BY number DESC LIMIT 20)
)"""


def upgrade() -> None:
    """Let the database refuse to delete any other event; make room for longer names of kinds."""
    with op.batch_alter_table("import_changes") as batch:
        batch.alter_column("kind", type_=sa.String(40), existing_type=sa.String(16), existing_nullable=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER events_append_only ON events")
        op.execute(
            "CREATE TRIGGER events_append_only BEFORE UPDATE OR TRUNCATE ON events "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events()"
        )
        op.execute(
            "CREATE FUNCTION refuse_loss_of_events() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF {_BROUGHT.format(event='OLD')} THEN RETURN OLD; END IF; "
            "RAISE EXCEPTION 'events are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
            "FOR EACH ROW EXECUTE FUNCTION refuse_loss_of_events()"
        )
        return
    op.execute("DROP TRIGGER events_no_delete")
    op.execute(
        f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events WHEN NOT {_BROUGHT.format(event='OLD')} "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
    )


def downgrade() -> None:
    """Refuse every deletion again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER events_no_delete ON events")
        op.execute("DROP FUNCTION refuse_loss_of_events()")
        op.execute("DROP TRIGGER events_append_only ON events")
        op.execute(
            "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events()"
        )
    else:
        op.execute("DROP TRIGGER events_no_delete")
        op.execute(
            "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )
    with op.batch_alter_table("import_changes") as batch:
        batch.alter_column("kind", type_=sa.String(16), existing_type=sa.String(40), existing_nullable=False)
