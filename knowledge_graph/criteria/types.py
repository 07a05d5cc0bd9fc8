"""What a criterion is: a test over facts (one comparison, all of, any of, tiers), its quote, its place, its kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Op = Literal[">=", ">", "<=", "<", "=", "in", "contains"]
OPS: tuple[Op, ...] = (">=", ">", "<=", "<", "=", "in", "contains")
Kind = Literal["hard", "judgement"]
Role = Literal["requirement", "preference", "definition"]
KINDS: tuple[Kind, ...] = ("hard", "judgement")
Value = float | bool | str | tuple[str, ...]
MAX_PARTS = 64
MAX_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison: fact `field` `op` `value`, in `unit` as written ("" without one).

    A number is compared in units of its kind, a date is an ISO text with the unit 日期, `contains` asks whether a list
    fact holds the text, `in` whether a text fact is one of several.
    """

    field: str
    op: Op
    value: Value
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Tests that must hold all together, or of which any one suffices."""

    mode: Literal["all", "any"]
    parts: tuple["Test", ...]


@dataclass(frozen=True, slots=True)
class Tier:
    """What holds for a size above `low` (not included, but for the first tier) up to `high` (included or not)."""

    low: float | None
    high: float | None
    high_included: bool
    then: "Test"


@dataclass(frozen=True, slots=True)
class Tiers:
    """Tests that depend on the size of a fact `field`, given in `unit`."""

    field: str
    unit: str
    tiers: tuple[Tier, ...]


Test = Leaf | Group | Tiers


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition of a text: its test, its verbatim quote at [start, end) of the field `source`, and its kind.

    `hard` is decided by facts, `judgement` by people. `branch` names the applicants or the part of the policy that it
    binds, "" for everybody. `role` tells a requirement from a preference (优先) and from the definition of a word (其中，
    在孵企业指…), which decide nothing.
    """

    kind: Kind
    test: Test
    quote: str
    start: int
    end: int
    source: str
    branch: str = ""
    role: Role = "requirement"


def all_of(parts: list[Test]) -> Test:
    """Return the test that all of `parts` hold, at least one; a single part is returned as it is."""
    return parts[0] if len(parts) == 1 else Group("all", tuple(parts))


def any_of(parts: list[Test]) -> Test:
    """Return the test that any of `parts` holds, at least one; a single part is returned as it is."""
    return parts[0] if len(parts) == 1 else Group("any", tuple(parts))


def leaves(test: Test) -> Iterator[Leaf]:
    """Yield the comparisons of a test in order; of tiers those of each tier."""
    if isinstance(test, Leaf):
        yield test
    elif isinstance(test, Group):
        for part in test.parts:
            yield from leaves(part)
    else:
        for tier in test.tiers:
            yield from leaves(tier.then)


def is_number(value: object) -> bool:
    """Tell whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def write_test(test: Test) -> dict[str, Any]:
    """Return a test as the JSON form of marked files: field, op, value, unit; all; any; tiered_by."""
    if isinstance(test, Leaf):
        value = list(test.value) if isinstance(test.value, tuple) else test.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return {"field": test.field, "op": test.op, "value": value, "unit": test.unit}
    if isinstance(test, Group):
        return {test.mode: [write_test(part) for part in test.parts]}
    rows = [
        {"from": tier.low, "to": tier.high, "to_inclusive": tier.high_included, "then": write_test(tier.then)}
        for tier in test.tiers
    ]
    return {"tiered_by": test.field, "unit": test.unit, "tiers": rows}


def _leaf(row: dict[str, Any]) -> Leaf:
    name, op, value = row["field"], row["op"], row["value"]
    if not isinstance(name, str) or not name:
        raise ValueError(f"field is {name!r}; it must be a name")
    if op not in OPS:
        raise ValueError(f"op is {op!r}; it must be one of {', '.join(OPS)}")
    if isinstance(value, list):
        if not value or not all(isinstance(item, str) for item in value):
            raise ValueError(f"value is {value!r}; a list must hold texts")
        value = tuple(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    elif not isinstance(value, float | bool | str):
        raise TypeError(f"value is {value!r}; it must be a number, a text, true or false, or a list of texts")
    if (op in ("<", "<=", ">", ">=")) and isinstance(value, bool | tuple):
        raise ValueError(f"op {op} cannot compare {value!r}")
    return Leaf(name, op, value, str(row.get("unit") or ""))


def read_test(row: Any, depth: int = 0) -> Test:
    """Return the test of a JSON form.

    Raises:
        ValueError: it is no test, is nested deeper than `MAX_DEPTH`, or has more than `MAX_PARTS` parts.
        TypeError: a value is of a type that no comparison takes.

    """
    if not isinstance(row, dict):
        raise TypeError(f"a test is {row!r}; it must be an object with field, all, any or tiers")
    if depth > MAX_DEPTH:
        raise ValueError(f"a test is nested deeper than {MAX_DEPTH}")
    if "field" in row:
        return _leaf(row)
    for mode in ("all", "any"):
        if mode in row:
            parts = row[mode]
            if not isinstance(parts, list) or not 0 < len(parts) <= MAX_PARTS:
                raise ValueError(f"{mode} must hold 1 to {MAX_PARTS} tests")
            read = tuple(read_test(part, depth + 1) for part in parts)
            return Group("all", read) if mode == "all" else Group("any", read)
    rows = row.get("tiers")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_PARTS or not row.get("tiered_by"):
        raise ValueError(f"a test has the keys {sorted(row)}; it must have field, all, any, or tiered_by and tiers")
    tiers = tuple(
        Tier(
            None if tier.get("from") is None else float(tier["from"]),
            None if tier.get("to") is None else float(tier["to"]),
            bool(tier.get("to_inclusive")),
            read_test(tier["then"], depth + 1),
        )
        for tier in rows
    )
    return Tiers(str(row["tiered_by"]), str(row.get("unit") or ""), tiers)
