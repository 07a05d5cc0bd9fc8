"""Who asks: a record as a request reads it, and what is known of its past."""

from dataclasses import dataclass

import numpy as np

from data.columns.arrays import FloatArray
from data.errors import InputError
from data.records import Achievement, Demand
from data.text.normalise import normalise
from matcher.collection.encoded import EncodedRecords
from matcher.history.outcome_history import RelevanceFeedback
from matcher.ranking.scorer import Scorer
from matcher.texts.space import RecordText, record_text


@dataclass(frozen=True)
class Subject:
    """Who asks: the record at `place` of a view, its text, and its row in the bundle if it stands there as it is given."""

    view: EncodedRecords
    place: int
    text: RecordText
    row: int | None


def require_text(record: Achievement | Demand) -> RecordText:
    """Return what a record says.

    Raises:
        InputError: it says nothing.

    """
    text = record_text(record)
    if not text.full:
        raise InputError(f"the text {normalise(record.title)[:40]!r} says nothing to match by; give a title or content")
    return text


def demand_history(scorer: Scorer, subject: Subject) -> tuple[FloatArray | None, RelevanceFeedback | None]:
    """Return how like a demand is to those with outcomes, (1, g), and what came of such demands."""
    history, row = scorer.history, np.array([subject.place], dtype=np.int64)
    if history.kernel is None:
        return None, None
    likeness = history.likeness(subject.view, row)
    return likeness, history.feedback(subject.view, subject.place, likeness)
