"""Levels that a scripted model gives pairs."""
