"""Logs, metrics, traces and stage times."""
