"""Eligibility criteria in Chinese policy text: read as tests over facts, each with its verbatim quote and place."""

from knowledge_graph.criteria.reading import read_criteria, read_span
from knowledge_graph.criteria.types import Criterion, Group, Leaf, Test, Tier, Tiers, read_test, write_test

__all__ = [
    "Criterion",
    "Group",
    "Leaf",
    "Test",
    "Tier",
    "Tiers",
    "read_criteria",
    "read_span",
    "read_test",
    "write_test",
]
