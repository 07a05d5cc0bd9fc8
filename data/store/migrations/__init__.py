"""Alembic migrations of the store; they run by themselves when a store is opened."""
