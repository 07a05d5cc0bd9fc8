"""The tables that ship with the graph; codes of regions, industries and readiness are in `data.taxonomy`."""

from importlib.resources.abc import Traversable
from typing import Any

from data.taxonomy import tables
from data.taxonomy.tables import read_rows

__all__ = ["read_json", "read_rows", "shipped"]

_OF_DATA = frozenset({"provinces.csv", "cities.csv", "industries.csv", "trl.csv"})


def shipped(name: str) -> Traversable:
    """Return a table that ships with the package."""
    return tables.shipped(name) if name in _OF_DATA else tables.shipped(name, "knowledge_graph.taxonomy")


def read_json(name: str) -> Any:
    """Return the content of a JSON table that ships with the package."""
    return tables.read_json(shipped(name))
