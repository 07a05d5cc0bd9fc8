"""Graded pairs from the event log, delays and the hold-out."""
