"""Metrics, intervals, offline evaluation, benchmarks and reports."""
