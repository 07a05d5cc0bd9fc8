"""Tests of eval/dispatch."""
