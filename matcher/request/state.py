"""What a request reads, all of one moment: the model and both collections as they are."""

from dataclasses import dataclass

from data.records import Achievement, Demand
from matcher.collection.collection import Collection, Side
from matcher.model import MatchingModel
from matcher.requirements.collection import Quantities


@dataclass(frozen=True)
class State:
    """A model with both sides' records; a write makes another state, so that a request goes on undisturbed."""

    model: MatchingModel
    achievements: Collection
    demands: Collection
    quantities: Quantities | None = None

    @classmethod
    def of(cls, model: MatchingModel) -> "State":
        """Return the state of a bundle to which nothing was written yet."""
        return cls(model, model.achievements, model.demands, model.quantities)

    def collection(self, side: Side) -> Collection:
        """Return the records of a side."""
        return self.achievements if side == "achievements" else self.demands

    def title(self, side: Side, record_id: str) -> str:
        """Return a record's title as it is now, or its id if there is none."""
        return self.collection(side).title(record_id)


def side_of(record: Achievement | Demand) -> Side:
    """Return the side that a record is on."""
    return "achievements" if isinstance(record, Achievement) else "demands"
