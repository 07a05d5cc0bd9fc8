"""What is a kind of what, and what is called by several names: two short lists of our own, and the forms of words."""

from functools import lru_cache
from pathlib import Path


def narrower(thing: str) -> tuple[str, ...]:
    """Return the other names and the kinds of a thing; none of a thing that the lists do not hold."""
    names = [name for name in _heads().get(thing, ()) if name != thing]
    return tuple(dict.fromkeys([*names, *_kinds().get(thing, ())]))


def is_kind_of(narrow: str, broad: str) -> bool:
    """Tell whether the lists give the first as a kind of the second, directly or over one step."""
    kinds: dict[str, None] = _kinds().get(broad, {})
    return narrow in kinds or any(narrow in _kinds().get(one, ()) for one in kinds)


def are_same(one: str, other: str) -> bool:
    """Tell whether the lists give both as names of one thing."""
    return one == other or other in _same().get(one, ()) or other in _heads().get(one, ())


def _lines(name: str) -> list[str]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@lru_cache(maxsize=1)
def _heads() -> dict[str, tuple[str, ...]]:
    heads: dict[str, tuple[str, ...]] = {}
    for line in _lines("kinds_of_things.txt"):
        names = tuple(line.partition(":")[0].split())
        for name in names:
            heads[name] = tuple(dict.fromkeys([*heads.get(name, ()), *names]))
    return heads


@lru_cache(maxsize=1)
def _kinds() -> dict[str, dict[str, None]]:
    kinds: dict[str, dict[str, None]] = {}
    for line in _lines("kinds_of_things.txt"):
        names, _, listed = line.partition(":")
        for name in names.split():
            kinds.setdefault(name, {}).update(dict.fromkeys(listed.split()))
    return kinds


@lru_cache(maxsize=1)
def _same() -> dict[str, frozenset[str]]:
    same: dict[str, frozenset[str]] = {}
    for line in _lines("same_things.txt"):
        group = frozenset(line.split())
        for name in group:
            same[name] = same.get(name, frozenset()) | group
    return same
