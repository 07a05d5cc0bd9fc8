"""The store in SQLAlchemy: records, events, reviews, keys, operators and their migrations."""
