"""Technology readiness after GB/T 22900-2022: the ladder, and the level that a text tells."""

from dataclasses import dataclass
from functools import lru_cache

from knowledge_graph.taxonomy.tables import read_rows, shipped


@dataclass(frozen=True)
class ReadinessLevel:
    """A rung: number 1-9, its name, what it means, and words that tell it."""

    level: int
    name: str
    means: str
    words: tuple[str, ...]


@lru_cache(maxsize=1)
def load_ladder() -> tuple[ReadinessLevel, ...]:
    """Return the nine levels, lowest first."""
    rows = read_rows(shipped("trl.csv"), "level", "name", "means", "words")
    return tuple(
        ReadinessLevel(int(row["level"]), row["name"], row["means"], tuple(row["words"].split())) for row in rows
    )


def readiness(text: str) -> int | None:
    """Return the highest level whose words are in a normalised text, None if none does."""
    found = [rung.level for rung in load_ladder() if any(word in text for word in rung.words)]
    return max(found, default=None)
