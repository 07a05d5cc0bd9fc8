"""Asks the real engine for lists by a scorer that is still being made."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError, NotFoundError
from matcher.engine import Engine
from matcher.learning.exposure import COUNTED, LISTED, AskDemands, AskedList
from matcher.model import MatchingModel
from matcher.ranking.scorer import Scorer
from matcher.request.pipeline import retrieve, score
from training.candidate.first_stage import RecordReader


def asking(model: MatchingModel, store: RecordReader) -> AskDemands:
    """Return how lists of a model's stored demands are asked for; one deleted since, or without text, has none."""

    def ask(scorer: Scorer, rows: NDArray[np.int64]) -> Iterator[AskedList]:
        engine = Engine(replace(model, scorer=scorer))
        for row in rows.tolist():
            try:
                query = engine.query(store.demand(model.demands.base.cards.ids[row]), "achievements")
            except (NotFoundError, InputError):
                continue
            scored = score(retrieve(query), scorer)
            order, probability = np.argsort(-scored.scores.expected, kind="stable"), scored.scores.probability
            best, good = order[:LISTED], float(probability[order[:COUNTED]].sum())
            yield AskedList(row, np.asarray(scored.retrieved.places)[best], probability[best], good)

    return ask
