"""Candidates that are about something the demand rules out."""

import numpy as np
from numpy.typing import NDArray

from data.text.exclusions import Excluded
from matcher.collection.collection import Collection
from matcher.collection.rows import CollectionRows


def not_excluded(collection: Collection, rows: CollectionRows, things: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return (n,) which records are not titled by any of the things, nor by a kind of them."""
    excluded = Excluded(things)
    if not excluded:
        return np.ones(len(rows), dtype=np.bool_)
    view, places = collection.view_of(rows)
    titles = view.cards.titles
    return np.array([not excluded.matches(titles[place]) for place in places.tolist()], dtype=np.bool_)
