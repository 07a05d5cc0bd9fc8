"""From a text to its quantities."""

from knowledge_graph.quantities.baseline import extract_baseline
from knowledge_graph.quantities.types import Quantity, Side


def extract(text: str, side: Side) -> tuple[Quantity, ...]:
    """Return the quantities of `text` in the order of their numbers; spans are in `text` as given.

    Args:
        text: as written, normalised or not.
        side: whose text it is; it decides which roles there are.

    """
    return extract_baseline(text, side)
