"""Replays of a real log through ways to dispatch work."""
