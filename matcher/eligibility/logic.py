"""Three-valued evaluation of tests: met, missed, or unknown; `unknown` until the facts leave no other outcome."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from knowledge_graph.criteria.figures import DATE_UNIT
from knowledge_graph.criteria.types import Group, Leaf, Test, Tier, Tiers, is_number
from knowledge_graph.criteria.units import comparable, in_base_unit
from matcher.eligibility.known import Facts, Interval, Known, Listed, Said, named_alike

Status = Literal["met", "missed", "unknown"]
_RELATIVE = re.compile(r"^(?P<year>上一?年度?|本年度|当年度?|前一年度?)(?P<day>\d\d-\d\d)?$")
_RECORDS = re.compile(r"违法|违规|失信|处罚|不良.{0,4}记录|信用记录|违纪")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of one comparison: the fact it met, and how far a missed or unknown number is from the bound.

    `gap` is what is lacking in the unit of the criterion, None where that cannot be said; `share` the same as a share of
    the bound.
    """

    leaf: Leaf
    status: Status
    fact: str = ""
    gap: float | None = None
    share: float | None = None


def all_hold(statuses: Iterable[Status]) -> Status:
    """Return missed if any is missed, else unknown if any is unknown, else met; in any order the same."""
    seen = set(statuses)
    return "missed" if "missed" in seen else "unknown" if "unknown" in seen else "met"


def any_holds(statuses: Iterable[Status]) -> Status:
    """Return met if any is met, else unknown if any is unknown, else missed; in any order the same."""
    seen = set(statuses)
    return "met" if "met" in seen else "unknown" if "unknown" in seen else "missed"


def evaluate(test: Test, check: Callable[[Leaf], Status], size: Callable[[Tiers], Interval | None]) -> Status:
    """Return the status of a test from the statuses of its comparisons; `size` tells what tiers depend on."""
    if isinstance(test, Leaf):
        return check(test)
    if isinstance(test, Group):
        parts = (evaluate(part, check, size) for part in test.parts)
        return all_hold(parts) if test.mode == "all" else any_holds(parts)
    known = size(test) or Interval(0.0, math.inf, "")
    possible = [tier for tier in test.tiers if _may_lie(known, tier, test.unit)]
    statuses = {evaluate(tier.then, check, size) for tier in possible}
    if not _covers(possible, known, test.unit):
        statuses.add("missed")  # the rule is for none of such a size
    return statuses.pop() if len(statuses) == 1 else "unknown"


def _ends(tier: Tier, unit: str) -> tuple[float, float]:
    low = -math.inf if not tier.low else in_base_unit(tier.low, unit)[0]
    return low, math.inf if tier.high is None else in_base_unit(tier.high, unit)[0]


def _may_lie(size: Interval, tier: Tier, unit: str) -> bool:
    """Tell whether a size may lie above a tier's lower end and up to its upper one."""
    low, high = _ends(tier, unit)
    return (size.low <= high if tier.high_included else size.low < high) and size.high > low


def _covers(tiers: Sequence[Tier], size: Interval, unit: str) -> bool:
    """Tell whether every size in the interval lies in a tier; borders between tiers count as covered."""
    reached = size.low
    for low, high in sorted(_ends(tier, unit) for tier in tiers):
        if low > reached:
            return False
        reached = max(reached, high)
    return bool(tiers) and reached >= size.high


def fact_of(leaf: Leaf) -> str:
    """Return the fact that a comparison asks for: of qualifications the one that is named, else the field."""
    return f"{leaf.field}:{leaf.value}" if leaf.field == "qualifications" else leaf.field


def is_absence(leaf: Leaf) -> bool:
    """Tell whether a comparison asks that something be not."""
    return leaf.value is False or (is_number(leaf.value) and leaf.value == 0 and leaf.op in ("=", "<="))


def check_leaf(leaf: Leaf, facts: Facts) -> Outcome:
    """Return what the facts make of one comparison."""
    if leaf.field == "qualifications" and isinstance(leaf.value, str):
        return _qualified(leaf, facts)
    known = facts.look_up(leaf.field)
    if known is None:
        if is_absence(leaf) and _RECORDS.search(leaf.field):
            return _unrecorded(leaf, facts)
        return Outcome(leaf, "unknown")
    if leaf.unit == DATE_UNIT and isinstance(leaf.value, str):
        return _dated(leaf, known, facts.as_of)
    if is_number(leaf.value) and isinstance(known, Interval):
        return _measured(leaf, float(leaf.value), known)  # type: ignore[arg-type]
    return _stated(leaf, known)


def _unrecorded(leaf: Leaf, facts: Facts) -> Outcome:
    """Return met if the firm has no bad record at all; records of some kind do not tell of which."""
    figure = facts.firm.credit_records
    high = figure.high if figure.value is None else figure.value
    if high is None:
        return Outcome(leaf, "unknown")
    return Outcome(leaf, "met" if high <= 0 else "unknown", f"不良记录至多{high:g}条")


def _measured(leaf: Leaf, bound: float, known: Interval) -> Outcome:
    value, unit = in_base_unit(bound, leaf.unit)
    if not comparable(unit, known.unit) and unit and known.unit:
        return Outcome(leaf, "unknown", f"{known.as_text}（单位与条件不同）")
    status = compare(leaf.op, value, known.low, known.high)
    gap = _gap(leaf.op, value, known.low, known.high) if status == "missed" else None
    if gap is None:
        return Outcome(leaf, status, known.as_text)
    factor = value / bound if bound else 1.0
    return Outcome(leaf, status, known.as_text, gap / factor if factor else gap, gap / abs(value) if value else None)


def compare(op: str, bound: float, low: float, high: float) -> Status:
    """Return whether every, no, or only some number of [low, high] satisfies `op bound`."""
    met, missed = {
        ">=": (low >= bound, high < bound),
        ">": (low > bound, high <= bound),
        "<=": (high <= bound, low > bound),
        "<": (high < bound, low >= bound),
    }.get(op, (low == high == bound, high < bound or low > bound))
    return "met" if met else "missed" if missed else "unknown"


def _gap(op: str, bound: float, low: float, high: float) -> float | None:
    end = high if op in (">=", ">") else low if op in ("<=", "<") else None
    return None if end is None or not math.isfinite(end) else abs(bound - end)


def _stated(leaf: Leaf, known: Known) -> Outcome:
    """Return the outcome of a comparison with words, yes or no."""
    wanted = leaf.value
    if isinstance(known, Said):
        if isinstance(wanted, bool) or (is_number(wanted) and wanted == 0):
            return Outcome(leaf, "met" if known.value is bool(wanted) else "missed", known.as_text)
        return Outcome(leaf, "unknown", known.as_text)
    if isinstance(known, Interval):
        if isinstance(wanted, bool):  # whether there is any
            status = compare(">" if wanted else "<=", 0.0, known.low, known.high)
            return Outcome(leaf, status, known.as_text)
        return Outcome(leaf, "unknown", known.as_text)
    return Outcome(leaf, _listed(wanted, known), known.as_text)


def _listed(wanted: object, known: Listed) -> Status:
    if isinstance(wanted, bool):
        if not known.words and not known.complete:
            return "unknown"
        return "met" if bool(known.words) is wanted else "missed"
    names = wanted if isinstance(wanted, tuple) else (str(wanted),)
    if any(named_alike(name, known.words) for name in names):
        return "met"
    return "missed" if known.complete else "unknown"


def _qualified(leaf: Leaf, facts: Facts) -> Outcome:
    held = facts.qualification(str(leaf.value))
    if held is not None:
        until = f"，有效期至{held.valid_until}" if held.valid_until else ""
        return Outcome(leaf, "met", f"{held.name}{until}")
    return Outcome(leaf, "missed" if facts.firm.qualifications_complete else "unknown")


def _dated(leaf: Leaf, known: Known, as_of: date) -> Outcome:
    bound = resolve_day(str(leaf.value), as_of)
    if bound is None or not isinstance(known, Listed) or len(known.words) != 1:
        return Outcome(leaf, "unknown")
    try:
        day = date.fromisoformat(known.words[0])
    except ValueError:
        return Outcome(leaf, "unknown", known.as_text)
    return Outcome(leaf, compare(leaf.op, bound.toordinal(), day.toordinal(), day.toordinal()), known.as_text)


def resolve_day(text: str, as_of: date) -> date | None:
    """Return the day that 2020-01-01 or 上一年度07-01 means on the day `as_of`; None if it is none."""
    relative = _RELATIVE.match(text)
    if relative:
        year = as_of.year - (0 if relative["year"].startswith(("本", "当")) else 1)
        text = f"{year}-{relative['day'] or '01-01'}"
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def status_of(test: Test, facts: Facts, assumed: Mapping[str, Status] | None = None) -> Status:
    """Return the status of a test, with comparisons of the facts in `assumed` taken to end so where they are unknown."""

    def check(leaf: Leaf) -> Status:
        status = check_leaf(leaf, facts).status
        return (assumed or {}).get(fact_of(leaf), status) if status == "unknown" else status

    return evaluate(test, check, lambda tiers: size_of(tiers, facts))


def size_of(tiers: Tiers, facts: Facts) -> Interval | None:
    """Return what is known of the size that tiers depend on."""
    known = facts.look_up(tiers.field)
    return known if isinstance(known, Interval) else None
