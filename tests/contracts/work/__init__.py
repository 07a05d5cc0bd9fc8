"""Contracts of the work of operators and brokers."""
