"""Keeps one owner from filling the list and the same matter from appearing twice."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Diversity = Literal["none", "balanced", "high"]
# Of the list, at most, for one holder or firm; but never fewer places than the second number.
OWNER_LIMITS: dict[Diversity, tuple[float, int]] = {"none": (1.0, 1), "balanced": (0.3, 2), "high": (0.0, 1)}


def diversify(
    order: NDArray[np.intp],
    owners: NDArray[np.int64],
    text_ids: NDArray[np.int64],
    top: int,
    diversity: Diversity = "balanced",
) -> NDArray[np.intp]:
    """Return the first `top` places of `order` (best first) with at most max(2, 30% of `top`) of one owner.

    That is for `diversity` "balanced"; "high" gives each owner one place, "none" limits nobody.

    `owners` (n,): number of each candidate's owner, -1 if unnamed (never limited); `matters` (n,): candidates of equal
    text have equal numbers, only the first is kept. Where too few others exist the places are filled with what was held
    back, so that the list is never shorter than it could be; equal texts stay out.
    """
    share, least = OWNER_LIMITS[diversity]
    limit = max(least, int(np.ceil(share * top)))
    taken: list[int] = []
    held: list[int] = []
    count: dict[int, int] = {}
    seen: set[int] = set()
    for place in order.tolist():
        matter, owner = int(text_ids[place]), int(owners[place])
        if matter in seen:
            continue
        seen.add(matter)
        if owner >= 0 and count.get(owner, 0) >= limit:
            held.append(place)
            continue
        count[owner] = count.get(owner, 0) + 1
        taken.append(place)
        if len(taken) == top:
            break
    return np.array((taken + held)[:top], dtype=np.intp)
