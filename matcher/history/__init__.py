"""Outcome history: graded pairs of the past, their statistics and the kernel model."""
