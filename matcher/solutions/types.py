"""What a solution of several parts is chosen from, and within which limits."""

from dataclasses import dataclass
from enum import StrEnum


class Limit(StrEnum):
    """What bounds a solution; the values are what users read."""

    BUDGET = "预算"
    DAYS = "工期"
    REGIONS = "地区"
    OWNER = "同一单位承担的项数"


@dataclass(frozen=True)
class Limits:
    """Bounds of a solution; None: none.

    `budget` in 万元 for all parts together, `days` for each part (they run side by side), `outside` how many parts may neither
    lie in nor serve the regions asked for, `owner_at_most` parts of one owner.
    """

    budget: float | None = None
    days: float | None = None
    outside: int | None = None
    owner_at_most: int | None = None

    def value(self, limit: Limit) -> float | None:
        """Return the bound of a limit; None: none."""
        return {
            Limit.BUDGET: self.budget,
            Limit.DAYS: self.days,
            Limit.REGIONS: self.outside,
            Limit.OWNER: self.owner_at_most,
        }[limit]


@dataclass(frozen=True)
class RoleWanted:
    """A role that a part has to fill; one that is not `needed` may be left open."""

    name: str
    label: str
    needed: bool = True


@dataclass(frozen=True)
class Part:
    """A record that could fill a role. `utility` in [0, 1] is how well; costs in 万元, way in km.

    None where the record does not state a value: it is counted as nothing and said to be unknown. `inside` is whether it
    lies in, or serves, the regions asked for; what is not known does not.
    """

    role: str
    kind: str
    id: str
    title: str
    utility: float
    owner: str = ""
    region: str | None = None
    cost: float | None = None
    days: float | None = None
    kilometres: float | None = None
    inside: bool = True
    note: str = ""


@dataclass(frozen=True)
class Weights:
    """What takes off a solution's utility: all of the budget, 1,000 km of one part, each owner after the first."""

    cost: float = 0.3
    way: float = 0.2
    handover: float = 0.1


@dataclass(frozen=True)
class Relaxation:
    """The least by which one limit has to give way, alone, for a better (or for any) solution, and that solution."""

    limit: Limit
    amount: float
    parts: tuple[Part, ...]
    value: float


@dataclass(frozen=True)
class Solution:
    """Parts for all roles needed, in the order of the roles, with their `value`; `relaxation` is the cheapest that helps.

    Its limit is the one that binds; None: no limit alone keeps a better solution out.
    """

    parts: tuple[Part, ...]
    value: float
    relaxation: Relaxation | None = None


@dataclass(frozen=True)
class Impossible:
    """Why there is no solution: roles without any candidate, else those without which there would be one."""

    roles: tuple[str, ...]
    empty: bool
    relaxation: Relaxation | None = None
