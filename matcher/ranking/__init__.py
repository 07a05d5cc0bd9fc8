"""Candidates to an order: channels, preselection, scorer, diversity and verdict."""
