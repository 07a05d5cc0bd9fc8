"""What to simulate, and its outcome."""

from dataclasses import dataclass
from pathlib import Path

from data.errors import InputError

LIST_LENGTH = 10
"""Achievements shown for one request."""

LIMITS = {
    "achievements": (LIST_LENGTH, 2_000_000),
    "demands": (1, 500_000),
    "events": (0, 20_000_000),
    "seed": (0, 2**32 - 1),
    "kinds": (0, 200_000),
}
"""Least and greatest value of every number of a plan."""


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """Size and seed of a simulated platform.

    `achievements`, `demands` and `events` are the exact numbers of rows written, `kinds` that of services, of experts and of
    equipment each (0: none are written); the same plan gives the same bytes.

    Raises:
        InputError: a number lies outside `LIMITS`.

    """

    achievements: int = 5_000
    demands: int = 1_000
    events: int = 50_000
    seed: int = 7
    kinds: int = 0

    def __post_init__(self) -> None:
        """Check every number against its limits."""
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"--{name} is {value:,}; it must lie between {low:,} and {high:,}")


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What was written.

    `events` counts by kind, `truth_pairs` is the number of rows of truth/relevance.csv, `seconds` the elapsed time.
    """

    out: Path
    achievements: int
    demands: int
    events: dict[str, int]
    judgements: int
    truth_pairs: int
    seconds: float
