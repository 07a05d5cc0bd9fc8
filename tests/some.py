"""What a test loops over is there."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def some(items: Iterable[T]) -> list[T]:
    """Return the items, at least one: a loop over nothing would assert nothing."""
    found = list(items)
    assert found, "nothing to look at"
    return found
