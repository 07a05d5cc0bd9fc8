"""Quality online: rates by version with intervals, and how far the traffic moved from one period to the next."""

from math import log, sqrt
from typing import Any

import sqlalchemy as sa

from data.store.aggregates import FIELD, INDUSTRY, REGION, VERSION
from eval.online.analysis import slice_label
from eval.online.versions import Candidate, Figure
from serving.dashboard.figures.overview import by_side
from serving.dashboard.figures.periods import Period

STEPS = ("click", "contact", "deal")
_Z = 1.959964  # of 95%
_LEAST = 0.5  # counts added to both sides, so that a value seen once only has a finite index


def wilson(part: int, whole: int) -> Figure:
    """Return a share with its 95% interval (Wilson 1927); nothing for no cases."""
    if not whole:
        return Figure()
    share = part / whole
    middle = (share + _Z**2 / (2 * whole)) / (1 + _Z**2 / whole)
    half = _Z * sqrt(share * (1 - share) / whole + _Z**2 / (4 * whole**2)) / (1 + _Z**2 / whole)
    return Figure(value=share, low=max(0.0, middle - half), high=min(1.0, middle + half))


def online_rates(connection: sa.Connection, period: Period) -> list[dict[str, Any]]:
    """Return clicks, contacts and deals per impression by the version that recommended, with intervals.

    Impressions of one list are not independent of each other: the intervals are somewhat too narrow.
    """
    rows = []
    for row in by_side(connection, period, VERSION):
        shown = row["impression"]
        rates = {step: wilson(min(row[step], shown), shown) for step in STEPS}
        rows.append(
            {"version": row["value"] or "（未说明）", "impression": shown}
            | {step: row[step] for step in STEPS}
            | {f"{step}_rate": rates[step].value for step in STEPS}
            | {f"{step}_low": rates[step].low for step in STEPS}
            | {f"{step}_high": rates[step].high for step in STEPS}
        )
    return rows


def traffic_drift(connection: sa.Connection, period: Period) -> list[dict[str, Any]]:
    """Return the population stability index of what was shown, now against the period before, by three sides.

    PSI = Σ (p - q) ln(p / q) over the values' shares; below 0.1 stable, above 0.25 another population.
    """
    found = []
    for side in (FIELD, INDUSTRY, REGION):
        now = {row["value"]: row["impression"] for row in by_side(connection, period, side)}
        before = {row["value"]: row["impression"] for row in by_side(connection, period.before, side)}
        values = sorted({*now, *before})
        whole, earlier = sum(now.values()), sum(before.values())
        index, most, moved = 0.0, 0.0, ""
        for value in values:
            p = (now.get(value, 0) + _LEAST) / (whole + _LEAST * len(values))
            q = (before.get(value, 0) + _LEAST) / (earlier + _LEAST * len(values))
            part = (p - q) * log(p / q)
            index += part
            if part > most:
                most, moved = part, value
        known = bool(whole and earlier)
        found.append({"side": side, "psi": index if known else None, "moved": moved, "values": len(values)})
    return found


def slices_compared(now: Candidate | None, before: Candidate | None, metric: str) -> list[dict[str, Any]]:
    """Return a metric by slice of two versions, what got worse most first."""
    rows = []
    for name, figures in (now.slices if now else {}).items():
        ours = figures.get(metric, Figure())
        theirs = before.slices.get(name, {}).get(metric, Figure()) if before else Figure()
        change = None if ours.value is None or theirs.value is None else ours.value - theirs.value
        rows.append(
            {"slice": slice_label(name), "value": ours.value, "low": ours.low, "high": ours.high}
            | {"before": theirs.value, "change": change}
        )
    return sorted(rows, key=lambda row: (row["change"] is None, row["change"] or 0.0))
