"""Does a stated figure meet a required one? Compared in canonical units, compiled, never guessed."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from knowledge_graph.quantities.linking import LINKED, link_confidence
from knowledge_graph.quantities.types import OPS

UNKNOWN, MET, MISSED, NOT_COMPARABLE = 0, 1, 2, 3
EXACT = 1e-9  # conversions are exact to rounding
ABOUT = 0.1  # 约 N means N within a tenth
SAME = 0.05  # a plain figure of a parameter without a better side is met within a twentieth
HARD = 0.05  # missed by more than this share of the bound is a hard miss
SETTING_TRUST = 0.9  # what a text gives as a size or condition decides less surely than what it claims to reach

GE, GT, LE, LT, EQ, RANGE, APPROX, INCREASE, DECREASE, TIMES = range(len(OPS))
OP, ROLE, UNIT, BETTER, NAME = range(5)
SETTING = 4


@numba.njit(nogil=True, cache=True)
def bounds(op: int, low: float, high: float, better: int) -> tuple[float, float]:
    """Return the (low, high) a requirement really sets, NaN where open.

    A plain or approximate figure, or a range, of a parameter with a better side bounds the worse side only: 强度达到 50
    is met by 60, 含水率 10–12% by 8%. A change is a lower bound on its size.
    """
    plain = op in (EQ, RANGE, APPROX)
    about = ABOUT if op == APPROX else SAME if op == EQ and better == 0 else 0.0
    least, most = low - about * abs(low), high + about * abs(high)
    if plain and better < 0:
        least = math.nan
    if (plain and better > 0) or op >= INCREASE:
        most = math.nan
    return least, most


@numba.njit(nogil=True, cache=True)
def judge(
    op: int, low: float, high: float, better: int, other_op: int, other_low: float, other_high: float
) -> tuple[int, float]:
    """Return (status, margin) of a figure that measures the same as a requirement in the same unit.

    Args:
        op: code of the requirement's comparator.
        low: lower end the requirement states, NaN if open.
        high: upper end, NaN if open.
        better: 1 if more of the parameter is better, -1 if less, 0 otherwise.
        other_op: comparator of the stated figure.
        other_low: what is stated at least, NaN if open.
        other_high: what is stated at most, NaN if open.

    Met if the whole stated interval lies within the bounds, missed if none of it does, unknown if part of it does;
    not comparable if one is a change and the other a level. A wider stated range than the required one (works from -50
    to 60 ℃ where -40 to 40 is asked) meets it where no side is better. The margin is a share of the bound, positive
    inside, negative outside, clipped to [-1, 1]; NaN unless met or missed.

    """
    change, other_change = op >= INCREASE, other_op >= INCREASE
    if change != other_change or (change and op != other_op):
        return NOT_COMPARABLE, math.nan
    least, most = bounds(op, low, high, better)
    slack = EXACT * max(0.0 if math.isnan(least) else abs(least), 0.0 if math.isnan(most) else abs(most))
    open_end = op in (GT, LT) and other_op not in (GT, LT)
    touch = -slack if open_end else slack
    if op == RANGE and other_op == RANGE and better == 0 and other_low <= low + slack and other_high >= high - slack:
        return MET, 0.0
    # NaN compares false: what is open on a side that is bounded does not meet it
    above = math.isnan(least) or other_low >= least - touch
    below = math.isnan(most) or other_high <= most + touch
    if above and below:
        margin = math.inf
        if not math.isnan(least):
            margin = _share(other_low - least, least)
        if not math.isnan(most):
            margin = min(margin, _share(most - other_high, most))
        return MET, max(-1.0, min(1.0, margin))
    under = not math.isnan(least) and other_high < least - touch
    over = not math.isnan(most) and other_low > most + touch
    if not (under or over):
        return UNKNOWN, math.nan
    if op in (EQ, APPROX) and better == 0 and not change:
        return UNKNOWN, math.nan  # a plain figure that differs from another one says nothing where no side is better
    margin = _share(other_high - least, least) if under else _share(most - other_low, most)
    return MISSED, max(-1.0, min(0.0, margin))


@numba.njit(nogil=True, cache=True)
def _share(difference: float, bound: float) -> float:
    """Return a difference as a share of a bound; of a bound of 0, its sign."""
    if bound != 0.0:
        return difference / abs(bound)
    return 1.0 if difference > 0 else -1.0 if difference < 0 else 0.0


@numba.njit(nogil=True, cache=True)
def decide(
    pair: NDArray[np.int64],
    row: NDArray[np.int64],
    codes: NDArray[np.int64],
    ends: NDArray[np.float64],
    names: NDArray[np.int64],
    vectors: NDArray[np.int8],
    achievements: NDArray[np.int64],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    claims: NDArray[np.int64],
    other_codes: NDArray[np.int64],
    other_ends: NDArray[np.float64],
    other_names: NDArray[np.int64],
    other_vectors: NDArray[np.int8],
    status: NDArray[np.int8],
    margin: NDArray[np.float64],
    answer: NDArray[np.int64],
    confidence: NDArray[np.float32],
    same_unit: NDArray[np.bool_],
    unit_met: NDArray[np.bool_],
) -> None:
    """Fill in the last six columns, slot by slot: see `RequirementMatches` for them and `requirement table` for the others.

    Claims that decide go before those that do not, then surer links before weaker ones; of equally sure ones that
    disagree none decides, of equally sure ones that agree the one with the smallest margin speaks.
    """
    for slot in range(len(pair)):
        mine = row[slot]
        record = achievements[pair[slot]]
        op, unit, better, name = codes[mine, OP], codes[mine, UNIT], codes[mine, BETTER], codes[mine, NAME]
        decided = False
        split = False
        for at in range(starts[record], starts[record] + sizes[record]):
            claim = claims[at]
            other_name = other_codes[claim, NAME]
            comparable = other_codes[claim, UNIT] == unit
            sure = link_confidence(names, name, vectors, other_names, other_name, other_vectors)
            if other_codes[claim, ROLE] == SETTING:
                sure *= SETTING_TRUST
            if not comparable and sure < LINKED:
                continue
            verdict, distance = NOT_COMPARABLE, math.nan
            if comparable:
                verdict, distance = judge(
                    op, ends[mine, 0], ends[mine, 1], better,
                    other_codes[claim, OP], other_ends[claim, 0], other_ends[claim, 1],
                )  # fmt: skip
                same_unit[slot] = True
                unit_met[slot] |= verdict == MET
            if sure < LINKED:
                continue
            decides = verdict in (MET, MISSED)
            best = confidence[slot]
            equal = decides == decided and abs(sure - best) < 1e-6
            if equal and decides and verdict != status[slot]:
                split = True
            surer = (decides and not decided) or (decides == decided and sure > best + 1e-6)
            if surer:
                split = False
            if surer or (equal and decides and distance < margin[slot]) or answer[slot] < 0:
                status[slot], margin[slot], answer[slot], confidence[slot] = verdict, distance, claim, sure
                decided = decided or decides
        if split:
            status[slot], margin[slot] = UNKNOWN, math.nan
