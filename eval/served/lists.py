"""The lists that each system gives a demand over the whole collection: the real engine's, and those of plain retrieval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.columns.strings import StringColumn
from data.records import Demand
from data.text.segment import content_words
from matcher.engine import Engine
from matcher.ranking.channels import CHANNEL_DEPTH, fuse

SERVED = "gongxu"
BASELINES = ("rrf", "encoder", "bm25", "random")
SYSTEMS = (SERVED, *BASELINES)
SHOWN = 10  # items of a list that a user sees
DEPTH = 50  # items that the deepest metrics look at


@dataclass(frozen=True)
class ServedList:
    """A list, best first, each text once: `texts` (k,) their numbers, `probability` (k,) as shown, NaN where none is.

    `answered` tells whether the system calls it good enough.
    """

    texts: tuple[int, ...]
    probability: tuple[float, ...]
    answered: bool = True


def engine_list(engine: Engine, demand: Demand, text_of: Mapping[str, int]) -> ServedList:
    """Return what the engine serves a demand: the ten that are shown, and what it would show below them."""
    answer = engine.recommend_achievements(demand, top=SHOWN)
    further = engine.recommend_achievements(demand, top=DEPTH)
    found: dict[int, float] = {}
    for match in (*answer.items, *further.items):
        probability = float("nan") if match.probability is None else match.probability
        found.setdefault(text_of[match.id], probability)
    return ServedList(tuple(found)[:DEPTH], tuple(found.values())[:DEPTH], answer.answered)


def baseline_lists(engine: Engine, demand: Demand, text_of: Mapping[str, int], seed: int) -> dict[str, ServedList]:
    """Return the lists of the systems `BASELINES`, which know no outcome; `seed` is that of the random one.

    bm25 reads the demand's full text (title twice), encoder the cosine of the full texts, rrf fuses both.
    """
    collection, subject = engine.collection("achievements"), engine.subject(demand)
    allowed = np.ones(len(collection), dtype=np.bool_)
    words = content_words(subject.text.full)
    vector = np.asarray(subject.view.texts.full.vectors[subject.place : subject.place + 1])
    dense = collection.vectors.search(vector, CHANNEL_DEPTH, allowed)[0][0]
    lexical = collection.lexical.search(words, CHANNEL_DEPTH, allowed)[0] if words else np.zeros(0, dtype=np.int64)
    rows = {
        "rrf": fuse({"dense": dense[dense >= 0], "lexical": lexical[lexical >= 0]}).rows,
        "encoder": dense[dense >= 0],
        "bm25": lexical[lexical >= 0],
        "random": np.random.default_rng(seed).permutation(len(collection)),
    }
    ids = collection.base.cards.ids
    return {name: _by_text(found, ids, text_of) for name, found in rows.items()}


def _by_text(rows: NDArray[np.int64], ids: Sequence[str] | StringColumn, text_of: Mapping[str, int]) -> ServedList:
    texts: dict[int, None] = {}
    for row in rows.tolist():
        texts.setdefault(text_of[ids[row]])
        if len(texts) == DEPTH:
            break
    return ServedList(tuple(texts), (float("nan"),) * len(texts))
