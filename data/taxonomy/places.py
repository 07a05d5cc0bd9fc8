"""Where cities are, by GB/T 2260 code, and the kilometres between them."""

from functools import cache
from math import asin, cos, degrees, radians, sin, sqrt

from data.taxonomy.tables import read_rows, shipped

EARTH = 6371.0  # km, mean radius
_MUNICIPALITIES = ("11", "12", "31", "50")


Place = tuple[float, float]
"""Latitude and longitude in degrees (WGS 84)."""


def place_of(region: str | None) -> Place | None:
    """Return where the city of a six-digit region is, its capital for a province; None if it is not known."""
    found = _place(region) or (_place(f"{region[:2]}0100") if region and region[2:] == "0000" else None)
    return None if found is None else (degrees(found[1]), degrees(found[0]))


def distance_km(one: Place, other: Place) -> float:
    """Return the length of the great circle between two places, in kilometres."""
    (north, east), (other_north, other_east) = (tuple(map(radians, place)) for place in (one, other))
    return _arc(east, north, other_east, other_north)


def known_cities() -> list[str]:
    """Return the codes whose place is known, in their order."""
    return sorted(_places())


def kilometres(one: str | None, other: str | None) -> float | None:
    """Return the great-circle distance between the cities of two six-digit codes; None where one is not known.

    A district counts as its city, a municipality's as the municipality; a province alone is no place.
    """
    here, there = _place(one), _place(other)
    if here is None or there is None:
        return None
    (east, north), (other_east, other_north) = here, there
    return _arc(east, north, other_east, other_north)


def _arc(east: float, north: float, other_east: float, other_north: float) -> float:
    half = sin((other_north - north) / 2) ** 2 + cos(north) * cos(other_north) * sin((other_east - east) / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(half)))


def _place(code: str | None) -> tuple[float, float] | None:
    """Return longitude and latitude in radians."""
    if code is None:
        return None
    return _places().get(f"{code[:2]}0000" if code[:2] in _MUNICIPALITIES else f"{code[:4]}00")


@cache
def _places() -> dict[str, tuple[float, float]]:
    rows = read_rows(shipped("city_places.csv"), "code", "longitude", "latitude")
    return {row["code"]: (radians(float(row["longitude"])), radians(float(row["latitude"]))) for row in rows}
