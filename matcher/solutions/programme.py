"""The integer programme: one candidate for each role, the most valuable together, within the limits (SciPy's HiGHS)."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from data.errors import InputError
from matcher.solutions.types import Limit, Limits, Part, RoleWanted, Weights

SECONDS = 5.0
TOLERANCE = 1e-6
_INFEASIBLE = 2
Cuts = Sequence[tuple[tuple[int, ...], int]]  # candidates, and how many of them may be chosen
Row = tuple[dict[int, float], float, float]  # coefficients by column, lower and upper bound


@dataclass(frozen=True)
class Found:
    """The places of the chosen candidates, ascending, and what they are worth."""

    chosen: tuple[int, ...]
    value: float


@dataclass
class Programme:
    """Candidates of roles as columns. Owners with several candidates have a column each, 1 where one of them is chosen."""

    roles: Sequence[RoleWanted]
    parts: Sequence[Part]
    limits: Limits
    weights: Weights = field(default_factory=Weights)
    # Cost in 万元 that takes off the whole weight of cost; 0: the budget, or the dearest candidates together.
    scale: float = 0.0

    def __post_init__(self) -> None:
        """Compute what each column adds."""
        count = len(self.parts)
        owned: dict[str, list[int]] = defaultdict(list)
        for place, part in enumerate(self.parts):
            owned[part.owner or f"\0{place}"].append(place)
        self._owners = list(owned.values())
        self._shared = [places for places in self._owners if len(places) > 1]
        dearest = sorted((part.cost or 0.0 for part in self.parts), reverse=True)[: len(self.roles)]
        self.scale = scale = self.scale or self.limits.budget or sum(dearest)
        worth = np.zeros(count + len(self._shared))
        for place, part in enumerate(self.parts):
            worth[place] = part.utility - self.weights.way * (part.kilometres or 0.0) / 1000
            worth[place] -= self.weights.cost * (part.cost or 0.0) / scale if scale else 0.0
        for places in self._owners:
            if len(places) == 1:
                worth[places[0]] -= self.weights.handover
        worth[count:] = -self.weights.handover
        self._worth = worth

    def value(self, chosen: Sequence[int]) -> float:
        """Return what candidates are worth together: utilities less cost, way and each owner after the first."""
        owners = {self.parts[place].owner or f"\0{place}" for place in chosen}
        single = {places[0] for places in self._owners if len(places) == 1}
        total = float(self._worth[list(chosen)].sum()) if chosen else 0.0
        total += self.weights.handover * sum(place in single for place in chosen)
        return total - self.weights.handover * max(0, len(owners) - 1)

    def broken(self, chosen: Sequence[int]) -> list[Limit]:
        """Return the limits that candidates break together."""
        found = []
        for limit in Limit:
            bound = self.limits.value(limit)
            if bound is not None and self.need(limit, chosen) > bound + TOLERANCE:
                found.append(limit)
        return found

    def need(self, limit: Limit, chosen: Sequence[int]) -> float:
        """Return the least bound of a limit that candidates keep together."""
        parts = [self.parts[place] for place in chosen]
        if limit is Limit.BUDGET:
            return sum(part.cost or 0.0 for part in parts)
        if limit is Limit.DAYS:
            return max((part.days or 0.0 for part in parts), default=0.0)
        if limit is Limit.REGIONS:
            return float(sum(not part.inside for part in parts))
        return float(max(Counter(part.owner for part in parts if part.owner).values(), default=0))

    def best(self, cuts: Cuts = (), without: str = "") -> Found | None:
        """Return the most valuable choice, None if there is none.

        Of the candidates of each cut at most so many may be chosen; the role `without` is left open.

        Raises:
            InputError: no best choice was found in time.

        """
        return self._solved(self._rows(cuts, without))

    def _rows(self, cuts: Cuts, without: str) -> list[Row]:
        by_role: dict[str, list[int]] = defaultdict(list)
        by_record: dict[tuple[str, str], list[int]] = defaultdict(list)
        for place, part in enumerate(self.parts):
            by_role[part.role].append(place)
            by_record[part.kind, part.id].append(place)
        rows: list[Row] = []
        for role in self.roles:
            most = 0.0 if role.name == without else 1.0
            rows.append((dict.fromkeys(by_role[role.name], 1.0), most if role.needed else 0.0, most))
        rows += [(dict.fromkeys(places, 1.0), 0.0, 1.0) for places in by_record.values() if len(places) > 1]
        limits = self.limits
        if limits.budget is not None:
            rows.append(({place: part.cost or 0.0 for place, part in enumerate(self.parts)}, 0.0, limits.budget))
        if limits.days is not None:
            late = [place for place, part in enumerate(self.parts) if (part.days or 0.0) > limits.days]
            rows.append((dict.fromkeys(late, 1.0), 0.0, 0.0))
        if limits.outside is not None:
            far = [place for place, part in enumerate(self.parts) if not part.inside]
            rows.append((dict.fromkeys(far, 1.0), 0.0, float(limits.outside)))
        at_most = limits.owner_at_most
        for number, places in enumerate(self._shared, start=len(self.parts)):
            if at_most is not None:
                rows.append((dict.fromkeys(places, 1.0), 0.0, float(at_most)))
            for role in self.roles:  # of a role at most one is chosen: one row for all of them bounds more tightly
                own = [place for place in places if self.parts[place].role == role.name]
                if own:
                    rows.append((dict.fromkeys(own, 1.0) | {number: -1.0}, -np.inf, 0.0))
        rows += [(dict.fromkeys(places, 1.0), 0.0, float(most)) for places, most in cuts]
        return rows

    def _solved(self, rows: Sequence[Row]) -> Found | None:
        from scipy.optimize import Bounds, LinearConstraint, milp  # half a second, which no other command shall pay

        width = len(self._worth)
        if any(not coefficients and low > 0 for coefficients, low, _ in rows):
            return None
        kept = [row for row in rows if row[0]]
        if not width or not kept:
            return Found((), 0.0)
        indptr = np.cumsum([0, *(len(coefficients) for coefficients, _, _ in kept)])
        indices = np.array([column for coefficients, _, _ in kept for column in coefficients])
        values = np.array([value for coefficients, _, _ in kept for value in coefficients.values()])
        matrix = csr_array((values, indices, indptr), shape=(len(kept), width))
        found = milp(
            -self._worth,
            integrality=np.ones(width),
            bounds=Bounds(0.0, 1.0),
            constraints=LinearConstraint(matrix, [low for _, low, _ in kept], [high for _, _, high in kept]),
            options={"time_limit": SECONDS, "mip_rel_gap": 0.0},
        )
        if found.status == _INFEASIBLE:
            return None
        if found.x is None or found.status != 0:
            raise InputError(
                f"no best choice among {len(self.parts)} candidates within {SECONDS:g} s; ask for fewer candidates",
                "候选过多，未能在限定时间内求出最优组合；请减少每个角色的候选数",
            )
        chosen = tuple(np.flatnonzero(found.x[: len(self.parts)] > 0.5).tolist())
        return Found(chosen, self.value(chosen))
