"""What is assigned, and to whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from data.taxonomy.places import Place


@dataclass(frozen=True)
class Task:
    """A demand that somebody shall take; who is in `excluded` may not.

    `priority` is in [0, 1]: when there are fewer places than tasks, the higher ones are taken first.
    """

    id: str
    place: Place | None = None
    region: str = ""
    field: str = ""
    excluded: frozenset[str] = frozenset()
    priority: float = 0.0


@dataclass(frozen=True)
class Worker:
    """A broker as the assignment sees one: `limit` places, `open` of them taken, `recent` proposals lately.

    `skills` is in [0, 1] by task, `skill` that for any other task. Without regions or fields all are taken.
    """

    id: str
    limit: int
    place: Place | None = None
    regions: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    open: int = 0
    recent: int = 0
    skills: Mapping[str, float] = field(default_factory=dict)
    skill: float = 0.5

    @property
    def free(self) -> int:
        """How many more tasks the worker can take."""
        return max(0, self.limit - self.open)

    def skill_for(self, task: str) -> float:
        """Return the skill for a task, in [0, 1]."""
        return self.skills.get(task, self.skill)
