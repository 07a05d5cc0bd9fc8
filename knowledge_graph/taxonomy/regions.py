"""Regions by GB/T 2260 code: which touch, which belong to one agglomeration, and which an address names."""

import re
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.taxonomy.tables import read_rows, shipped

MUNICIPALITIES = frozenset({11, 12, 31, 50, 81, 82})
UNREACHED = 9

_SUFFIX = re.compile(r"(?:市|省|地区|盟|林区|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区)$")


@dataclass(frozen=True)
class Regions:
    """`names` and `groups` by six-digit code; `hops` (100, 100) int8 between provinces by their first two digits."""

    names: dict[int, str]
    hops: NDArray[np.int8]
    groups: dict[int, frozenset[str]]
    places: dict[str, int]
    pattern: re.Pattern[str]
    # between cities, filled as they are asked for
    distances: dict[tuple[int, int], float] = field(default_factory=dict)

    def name(self, code: int) -> str:
        """Return the name of a region, of its city or its province, whichever is known first; "" for none."""
        for width in (1, 100, 10_000):
            found = self.names.get(code // width * width)
            if found:
                return found
        return ""

    def full_name(self, code: int) -> str:
        """Return the name of a region with its province's before it; "" for none."""
        province, name = self.name(self.province(code)), self.name(code)
        return name if name == province or province in name else f"{province}{name}"

    def province(self, code: int) -> int:
        """Return the code of the province that a region lies in."""
        return code // 10_000 * 10_000

    def agglomerations(self, code: int) -> frozenset[str]:
        """Return the urban agglomerations that a city or county belongs to."""
        return self.groups.get(city_of(code), frozenset()) | self.groups.get(code, frozenset())

    def find(self, text: str) -> int:
        """Return the code of the most exact place that an address or an organisation's name tells, 0 if none.

        A city counts before its province; of several cities the first one counts: an address begins with its own.
        """
        found = [self.places[name] for name in self.pattern.findall(text)]
        return next((code for code in found if code % 10_000), found[0] if found else 0)


def city_of(code: int) -> int:
    """Return the code of the city that a region lies in; a municipality is its own city."""
    if code // 10_000 in MUNICIPALITIES:
        return code // 10_000 * 10_000
    # counties directly under a province (…90xx) are their own city
    return code if code // 100 % 100 == 90 else code // 100 * 100


def region_distance(regions: Regions, one: int, others: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return (n,) float32: 0 same city, 1 same province or agglomeration, 1 + hops between provinces; NaN if unknown.

    A province without a city (`410000`) is 0.5 from the cities in it.
    """
    if one <= 0:
        return np.full(len(others), np.nan, dtype=np.float32)
    here, memory = city_of(one), regions.distances
    different, which = np.unique(others, return_inverse=True)
    values = np.full(len(different), np.nan, dtype=np.float32)
    for place, other in enumerate(different.tolist()):
        if other > 0:
            pair = (here, city_of(other))
            if pair not in memory:
                memory[pair] = _distance(regions, *pair)
            values[place] = memory[pair]
    return values[which]


def _distance(regions: Regions, one: int, other: int) -> float:
    """Return the distance between two cities, as `region_distance` has it."""
    if one == other:
        return 0.0
    if one // 10_000 == other // 10_000:
        return 0.5 if one % 10_000 == 0 or other % 10_000 == 0 else 1.0
    if regions.agglomerations(one) & regions.agglomerations(other):
        return 1.0
    hops = int(regions.hops[one // 10_000 % 100, other // 10_000 % 100])
    return 1.0 + hops if hops < UNREACHED else float("nan")


@lru_cache(maxsize=1)
def load_regions() -> Regions:
    """Return the shipped regions."""
    provinces = read_rows(shipped("provinces.csv"), "code", "name", "short", "neighbours")
    cities = read_rows(shipped("cities.csv"), "code", "name")
    names = {int(row["code"]): row["name"] for row in (*provinces, *cities)}
    places: dict[str, int] = {}
    for row in provinces:
        places[row["name"]] = places[row["short"]] = int(row["code"])
    for row in cities:
        code = int(row["code"])
        places.setdefault(row["name"], code)
        short = _SUFFIX.sub("", row["name"])
        # 吉林 is also a province, 海南 a prefecture: the short name belongs to the greater one
        if len(short) >= 2 and code % 100 == 0:
            places.setdefault(short, code)
    groups: dict[int, set[str]] = {}
    for row in read_rows(shipped("agglomerations.csv"), "name", "codes"):
        for member in row["codes"].split():
            groups.setdefault(int(member), set()).add(row["name"])
    touching = {int(row["code"]): [int(code) for code in row["neighbours"].split()] for row in provinces}
    pattern = re.compile("|".join(sorted(map(re.escape, places), key=len, reverse=True)))
    return Regions(names, _hops(touching), {code: frozenset(found) for code, found in groups.items()}, places, pattern)


def _hops(touching: dict[int, list[int]]) -> NDArray[np.int8]:
    """Return the least number of borders between any two provinces, by breadth-first search."""
    hops = np.full((100, 100), UNREACHED, dtype=np.int8)
    for start in touching:
        seen = {start: 0}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            for there in touching[here]:
                if there not in seen:
                    seen[there] = seen[here] + 1
                    queue.append(there)
        for end, steps in seen.items():
            hops[start // 10_000, end // 10_000] = min(steps, UNREACHED)
    return hops
