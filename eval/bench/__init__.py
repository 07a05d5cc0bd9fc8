"""Benchmarks: every stage timed beside the bare library or exact search in the same run."""
