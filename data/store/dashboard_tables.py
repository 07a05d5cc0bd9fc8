"""Tables behind the operators' dashboard: who may sign in, what was reviewed or merged, and counts kept up to date."""

import sqlalchemy as sa

from data.records import MAX_ID, MAX_TITLE
from data.store.tables import metadata

MAX_NAME = 100
MAX_SUBJECT = 500
_ID = sa.String(MAX_ID).with_variant(sa.String(MAX_ID, collation="C"), "postgresql")

operators = sa.Table(
    "operators",
    metadata,
    sa.Column("name", sa.String(MAX_NAME), primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    # Argon2id, with its parameters and salt.
    sa.Column("password_hash", sa.String(200), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("disabled_at", sa.DateTime),
    # Wrong passwords since the last right one.
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("locked_until", sa.DateTime),
    # Issuer and subject at an OpenID Connect provider, for who signs in there and has no password here.
    sa.Column("subject", sa.String(MAX_SUBJECT), unique=True),
)

operator_sessions = sa.Table(
    "operator_sessions",
    metadata,
    # SHA-256 of the cookie, which itself is never stored.
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("operator", sa.String(MAX_NAME), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("seen_at", sa.DateTime, nullable=False),
    sa.Index("ix_operator_sessions_operator", "operator"),
)

# Events by China's calendar day, seen from one side at a time: all of them, or by the demand's field, industry or region,
# or by the model that made the recommendation.
daily_counts = sa.Table(
    "daily_counts",
    metadata,
    sa.Column("dimension", sa.String(16), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("value", sa.String(MAX_ID), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

# How far each demand got: moments in UTC.
demand_progress = sa.Table(
    "demand_progress",
    metadata,
    sa.Column("demand_id", _ID, primary_key=True),
    sa.Column("first_shown", sa.DateTime),
    sa.Column("first_response", sa.DateTime),
    sa.Column("first_deal", sa.DateTime),
    sa.Column("impressions", sa.BigInteger, nullable=False),
    sa.Column("responses", sa.BigInteger, nullable=False),
)

achievement_progress = sa.Table(
    "achievement_progress",
    metadata,
    sa.Column("achievement_id", _ID, primary_key=True),
    sa.Column("first_shown", sa.DateTime),
    sa.Column("last_shown", sa.DateTime),
    sa.Column("first_deal", sa.DateTime),
    sa.Column("impressions", sa.BigInteger, nullable=False),
    sa.Column("responses", sa.BigInteger, nullable=False),
)

# Pairs that wait for a judgement, and why each was chosen.
review_queue = sa.Table(
    "review_queue",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("demand_id", _ID, nullable=False),
    sa.Column("achievement_id", _ID, nullable=False),
    sa.Column("stratum", sa.String(16), nullable=False),
    sa.Column("probability", sa.Float),
    sa.Column("other_probability", sa.Float),
    sa.Column("bundle_version", sa.String(64), nullable=False),
    sa.Column("queued_at", sa.DateTime, nullable=False),
    sa.Index("ix_review_queue_pair", "demand_id", "achievement_id", unique=True),
)

# What an operator said of a pair. It becomes an event of kind judgement once it can no longer be undone.
reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("demand_id", _ID, nullable=False),
    sa.Column("achievement_id", _ID, nullable=False),
    sa.Column("reviewer", sa.String(MAX_NAME), nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("reasons", sa.String(200), nullable=False),
    sa.Column("note", sa.String(1000), nullable=False),
    sa.Column("stratum", sa.String(16), nullable=False),
    sa.Column("probability", sa.Float),
    sa.Column("bundle_version", sa.String(64), nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("reviewed_at", sa.DateTime, nullable=False),
    sa.Column("undone_at", sa.DateTime),
    sa.Column("event_id", _ID),
    sa.Index("ix_reviews_pair", "demand_id", "achievement_id"),
    sa.Index("ix_reviews_event_id", "event_id"),
)

# What was decided about a group of records that look like one.
duplicate_decisions = sa.Table(
    "duplicate_decisions",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("side", sa.String(16), nullable=False),
    # SHA-256 of the group's ids: another member makes it another question.
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("decision", sa.String(16), nullable=False),
    sa.Column("kept_id", _ID),
    # JSON list.
    sa.Column("ids", sa.Text, nullable=False),
    sa.Column("operator", sa.String(MAX_NAME), nullable=False),
    sa.Column("decided_at", sa.DateTime, nullable=False),
    sa.Column("undone_at", sa.DateTime),
    sa.Index("ix_duplicate_decisions_cluster", "cluster"),
)

# What was done with matches, append-only. A move becomes an event once it can no longer be undone.
match_actions = sa.Table(
    "match_actions",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("demand_id", _ID, nullable=False),
    sa.Column("achievement_id", _ID, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("value", sa.String(1000), nullable=False),
    sa.Column("operator", sa.String(MAX_NAME), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    # Of the sender's choice: the same action sent again has the same.
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("reason", sa.String(32)),
    sa.Column("note", sa.String(1000), nullable=False),
    sa.Column("undone_at", sa.DateTime),
    sa.Column("event_id", _ID),
    sa.Index("ix_match_actions_pair", "demand_id", "achievement_id"),
    sa.Index("ix_match_actions_token", "token", unique=True),
    sa.Index("ix_match_actions_event_id", "event_id"),
)

# Texts that operators pasted, by digest: an address names them without holding them.
asked_texts = sa.Table(
    "asked_texts",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("side", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("asked_at", sa.DateTime, nullable=False),
)

# Demands given to brokers: how far each has come, and when the next step is due.
assignments = sa.Table(
    "assignments",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("demand_id", _ID, nullable=False),
    sa.Column("broker_id", _ID, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("proposed_at", sa.DateTime, nullable=False),
    sa.Column("proposed_by", sa.String(MAX_NAME), nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
    sa.Column("due_at", sa.DateTime),
    # JSON: what the choice rested on.
    sa.Column("why", sa.Text, nullable=False),
    # What it came to, once it is closed.
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("value", sa.String(40), nullable=False),
    sa.Column("note", sa.String(1000), nullable=False),
    sa.Index("ix_assignments_demand_id", "demand_id"),
    sa.Index("ix_assignments_state", "state", "due_at"),
    sa.Index("ix_assignments_broker_id", "broker_id", "state"),
)

# Every change of an assignment after its proposal, append-only.
assignment_steps = sa.Table(
    "assignment_steps",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("assignment", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("by", sa.String(MAX_NAME), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    # Of the sender's choice: the same step sent again has the same.
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("value", sa.String(40), nullable=False),
    sa.Column("note", sa.String(1000), nullable=False),
    sa.Index("ix_assignment_steps_assignment", "assignment"),
    sa.Index("ix_assignment_steps_token", "token", unique=True),
)

# Orders of services: what each is about, and where it is now, as its steps say, to be listed and counted by.
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("demand_id", _ID, nullable=False),
    sa.Column("client", sa.String(MAX_TITLE), nullable=False),
    sa.Column("firm_id", _ID, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    # The record that is ordered, empty before.
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("record_id", _ID, nullable=False),
    sa.Column("provider", sa.String(MAX_TITLE), nullable=False),
    # Number of the latest step that counts.
    sa.Column("last", sa.Integer, nullable=False),
    sa.Index("ix_orders_state", "state", "kind", "record_id"),
    sa.Index("ix_orders_demand_id", "demand_id"),
    sa.Index("ix_orders_last", "last"),
)

# What both parties did with an order, append-only. A step becomes an event or evaluation once it can no longer be undone.
order_steps = sa.Table(
    "order_steps",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("order", sa.Integer, nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("party", sa.String(16), nullable=False),
    sa.Column("by", sa.String(MAX_NAME), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    # Of the sender's choice: the same step sent again has the same.
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("record_id", _ID, nullable=False),
    sa.Column("provider", sa.String(MAX_TITLE), nullable=False),
    sa.Column("voucher", sa.String(100), nullable=False),
    sa.Column("reason", sa.String(32), nullable=False),
    # JSON, null where there are none.
    sa.Column("scores", sa.String(200)),
    sa.Column("note", sa.String(1000), nullable=False),
    sa.Column("undone_at", sa.DateTime),
    # The event or evaluation that it became, empty for none; null: not yet.
    sa.Column("event_id", _ID),
    sa.Index("ix_order_steps_order", "order"),
    sa.Index("ix_order_steps_token", "token", unique=True),
    sa.Index("ix_order_steps_event_id", "event_id"),
)

# Views that operators saved under names of their own: the query of a page's address.
saved_views = sa.Table(
    "saved_views",
    metadata,
    sa.Column("operator", sa.String(MAX_NAME), primary_key=True),
    sa.Column("page", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("query", sa.String(1000), nullable=False),
)

# Levels that models gave to pairs: what a person judged is an event, and never here. A pair is named by the digest of the
# texts that were sent, so that no level outlives the text that it was given for.
model_levels = sa.Table(
    "model_levels",
    metadata,
    sa.Column("texts", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    # SHA-256 of the instruction with its examples.
    sa.Column("prompt", sa.String(64), primary_key=True),
    sa.Column("demand_id", _ID, nullable=False),
    sa.Column("achievement_id", _ID, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    # What it rests on, verbatim from either text; empty for level 1.
    sa.Column("need_quote", sa.Text, nullable=False),
    sa.Column("offer_quote", sa.Text, nullable=False),
    sa.Column("given_at", sa.DateTime, nullable=False),
    sa.Index("ix_model_levels_pair", "demand_id", "achievement_id"),
)
