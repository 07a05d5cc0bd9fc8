"""Up to three different solutions, each with the limit that binds it and the cheapest way out, or why there is none."""

from collections.abc import Sequence
from dataclasses import replace
from math import floor, inf

from matcher.solutions.programme import Cuts, Found, Programme
from matcher.solutions.types import Impossible, Limit, Limits, Part, Relaxation, RoleWanted, Solution, Weights

MOST = 3
LEAST_GAIN = 0.01
"""Value by which a solution must be better for a limit to be worth giving way: a hundredth of one perfect part."""
DIFFERENT = 3
"""One in so many parts, and at least one, differs between any two solutions."""
STEP = 1e-4
"""How much smaller a bound has to be to count: a yuan."""


def choose(
    roles: Sequence[RoleWanted],
    parts: Sequence[Part],
    limits: Limits,
    weights: Weights | None = None,
    most: int = MOST,
) -> tuple[Solution, ...] | Impossible:
    """Return the best solutions, best first, or why there is none.

    Raises:
        InputError: there are so many candidates that no best choice is found in time.

    """
    programme = Programme(roles, parts, limits, weights or Weights())
    found: list[Solution] = []
    cuts: list[tuple[tuple[int, ...], int]] = []
    while len(found) < most:
        best = programme.best(cuts)
        if best is None or not best.chosen:
            break
        relaxation = _cheapest(programme, cuts, best)
        found.append(Solution(_parts(programme, best), best.value, relaxation))
        cuts.append((best.chosen, len(best.chosen) - max(1, len(best.chosen) // DIFFERENT)))
    return tuple(found) if found else _impossible(programme)


def _impossible(programme: Programme) -> Impossible:
    """Return the roles that nobody fills; else those without which there would be a solution, and the cheapest way out."""
    filled = {part.role for part in programme.parts}
    empty = tuple(role.name for role in programme.roles if role.needed and role.name not in filled)
    if empty:
        return Impossible(empty, empty=True)
    needed = [role.name for role in programme.roles if role.needed]
    blocking = tuple(name for name in needed if programme.best(without=name) is not None)
    return Impossible(blocking or tuple(needed), empty=False, relaxation=_cheapest(programme, [], None))


def _cheapest(programme: Programme, cuts: Cuts, before: Found | None) -> Relaxation | None:
    """Return the relaxation of a single limit that takes the smallest share of it; None if no limit alone would help.

    It leads to something better than `before`, by `LEAST_GAIN` at least; without one, to anything.
    """
    more_than = -inf if before is None else before.value + LEAST_GAIN
    known = {} if before is None else _exchanges(programme, cuts, before, more_than)
    best: tuple[float, Limit, float] | None = None
    for limit in sorted(Limit, key=lambda one: known[one] / _whole(programme, one) if one in known else inf):
        bound, whole = programme.limits.value(limit), _whole(programme, limit)
        if bound is None:
            continue
        below = inf if best is None else bound + best[0] * whole
        need = _least(programme, limit, cuts, more_than, known.get(limit, inf) + bound, below)
        if need is not None:
            best = ((need - bound) / whole, limit, need)
    if best is None:
        return None
    _, limit, need = best
    found = _within(programme, limit, need).best(cuts)
    bound = programme.limits.value(limit)
    if found is None or bound is None:
        return None  # cannot be: the choice that gave the bound keeps it
    return Relaxation(limit, need - bound, _parts(programme, found), found.value)


def _least(
    programme: Programme, limit: Limit, cuts: Cuts, more_than: float, known: float, below: float
) -> float | None:
    """Return the least bound of a limit for a choice worth `more_than`; None unless it is less than `below`.

    `known` is a bound that is enough. Each step asks for the most valuable choice within a smaller bound: at first only
    just smaller, which mostly proves that none is, then half way.
    """
    low = programme.limits.value(limit) or 0.0
    if _next(programme, limit, low) >= below:
        return None
    high, proving = min(known, below), True
    reached = known < below
    while True:
        probe = high - STEP if proving or high == inf else (low + high) / 2
        found = _within(programme, limit, probe).best(cuts) if probe > low else None
        if found is not None and found.value >= more_than:
            high, reached = programme.need(limit, found.chosen), True
        elif proving:
            return high if reached else None
        else:
            low = probe
        proving = not proving


def _exchanges(programme: Programme, cuts: Cuts, found: Found, more_than: float) -> dict[Limit, float]:
    """Return by limit the least by which it would have to give way for one part to be exchanged for a better one."""
    least: dict[Limit, float] = {}
    for old in found.chosen:
        rest = tuple(place for place in found.chosen if place != old)
        for new, part in enumerate(programme.parts):
            chosen = (*rest, new)
            if part.role != programme.parts[old].role or new == old or not _distinct(programme, chosen):
                continue
            broken = programme.broken(chosen)
            if len(broken) != 1 or programme.value(chosen) < more_than:
                continue
            if all(len(set(chosen) & set(places)) <= most for places, most in cuts):
                limit = broken[0]
                by = programme.need(limit, chosen) - (programme.limits.value(limit) or 0.0)
                least[limit] = min(by, least.get(limit, inf))
    return least


def _distinct(programme: Programme, chosen: tuple[int, ...]) -> bool:
    return len({(programme.parts[place].kind, programme.parts[place].id) for place in chosen}) == len(chosen)


def _whole(programme: Programme, limit: Limit) -> float:
    """Return what a relaxation is measured by: the limit itself, or the number of roles where it counts parts."""
    bound = programme.limits.value(limit)
    return bound if limit in (Limit.BUDGET, Limit.DAYS) and bound else float(len(programme.roles))


def _next(programme: Programme, limit: Limit, bound: float) -> float:
    """Return a bound above one that could let something more through; there is none below it."""
    if limit is Limit.BUDGET:
        return bound
    if limit is Limit.DAYS:
        return min((part.days for part in programme.parts if part.days is not None and part.days > bound), default=inf)
    return bound + 1


def _within(programme: Programme, limit: Limit, bound: float) -> Programme:
    """Return the programme with another bound of one limit."""
    limits = programme.limits
    if limit is Limit.BUDGET:
        limits = replace(limits, budget=bound)
    elif limit is Limit.DAYS:
        limits = replace(limits, days=bound)
    else:
        whole = len(programme.parts) if bound == inf else floor(bound)
        owner = limit is Limit.OWNER
        limits = replace(limits, owner_at_most=whole) if owner else replace(limits, outside=whole)
    return replace(programme, limits=limits)


def _parts(programme: Programme, found: Found) -> tuple[Part, ...]:
    order = {role.name: place for place, role in enumerate(programme.roles)}
    return tuple(sorted((programme.parts[place] for place in found.chosen), key=lambda part: order[part.role]))
