"""Quantities in Chinese technical text: read, converted, given a role, and linked to the same parameter elsewhere."""

from knowledge_graph.quantities.extraction import extract
from knowledge_graph.quantities.types import Op, Quantity, Role, Side

__all__ = ["Op", "Quantity", "Role", "Side", "extract"]
