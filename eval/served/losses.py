"""Where good items are lost on their way to a user."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from data.records import Demand
from eval.served.lists import SHOWN
from matcher.engine import Engine
from matcher.request.pipeline import Retrieved, preselected, retrieve, score, select

# Stages in the order of a request; the last one is where an item ought to end.
STAGES = ("channel", "preselection", "ranker", "selection", "refused", "served")


def fate_of(
    engine: Engine, demand: Demand, wanted: Collection[int], text_of: Mapping[str, int], *, shown: bool
) -> Counter[str]:
    """Return how many of the wanted texts a request loses at each stage, and how many it serves in the first ten.

    channel: no channel proposes it; preselection: it is dropped before the ranker; ranker: it is not among the ten best;
    selection: it has to give way to other owners; refused: the list that would hold it is not `shown`.
    """
    query = engine.query(demand, "achievements", top=SHOWN)
    found = retrieve(query)
    kept = preselected(found)
    scorer = query.scorer
    order = np.arange(len(kept)) if scorer is None else np.argsort(-score(kept, scorer).scores.expected, kind="stable")
    chosen = select(kept, order.astype(np.intp))
    last = "served" if shown else "refused"
    ten = list(dict.fromkeys(_texts(kept, order, text_of)))[:SHOWN]
    reached = (
        ("channel", set(_texts(found, np.arange(len(found)), text_of))),
        ("preselection", set(_texts(kept, order, text_of))),
        ("ranker", set(ten)),
        ("selection", set(_texts(kept, chosen, text_of))),
    )
    return Counter(next((stage for stage, texts in reached if text not in texts), last) for text in wanted)


def _texts(retrieved: Retrieved, order: "NDArray[np.integer]", text_of: Mapping[str, int]) -> Iterable[int]:
    ids = retrieved.found.cards.ids
    return [text_of[ids[place]] for place in retrieved.places[order].tolist()]
