"""Processes: the worker supervisor and the application of one process."""
