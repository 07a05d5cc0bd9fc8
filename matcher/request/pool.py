"""The candidates of one query before it is decided which are scored, wherever they are: here, or on several shards."""

from typing import Protocol

from matcher.request.pipeline import Query, Retrieved, preselected, relative_familiarity


class Pool(Protocol):
    """Candidates of a query, best fused rank first."""

    @property
    def query(self) -> Query:
        """What is looked for."""

    def __len__(self) -> int:
        """Return how many they are."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """What was asked for candidates and did not answer in time: "shard 2"."""

    def familiarity(self) -> float | None:
        """Return what `relative_familiarity` does."""

    def preselected(self) -> Retrieved:
        """Return the candidates that are worth all features, all that is known of them at hand."""


class LocalPool:
    """Candidates that this process holds."""

    lacks: tuple[str, ...] = ()

    def __init__(self, retrieved: Retrieved) -> None:
        self.query = retrieved.query
        self._retrieved = retrieved

    def __len__(self) -> int:
        return len(self._retrieved)

    def familiarity(self) -> float | None:
        """See `Pool`."""
        return relative_familiarity(self._retrieved)

    def preselected(self) -> Retrieved:
        """See `Pool`."""
        return preselected(self._retrieved)
