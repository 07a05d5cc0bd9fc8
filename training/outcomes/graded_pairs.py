"""From outcome events to graded pairs: one row for each time a pair was shown, and one for each expert's judgement."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from data.records import DeclineReason, EventKind, OutcomeEvent
from matcher.collection.columns import RecordColumns
from matcher.history.graded_pairs import NO_REASON, NOT_SHOWN, GradedPairs, OutcomeLog, Showings
from training.outcomes.delays import DAY, delay_distribution
from training.outcomes.event_order import impressions_first, until

JUDGEMENT_WEIGHT = 1.0
IMPRESSION_WEIGHT = 0.5  # shown and not taken up: weak evidence, the position may be to blame
OUTCOME_WEIGHT = 1.0
# Only what was good enough to be contacted is ever declined: at full weight grade 0 teaches to shun near matches.
DECLINE_WEIGHT = 0.1
MATURITY_DAYS = 180  # from then on an outcome that did not come is taken never to come
LEAST_CERTAINTY = 0.05  # so that the log of a young platform teaches too
MAX_PAIRS = 200_000
REASONS = tuple(DeclineReason)
REASON_NAMES = {
    DeclineReason.TOO_EARLY: "技术尚早",
    DeclineReason.BENEFIT_UNCLEAR: "效益不明",
    DeclineReason.ROUTE_UNCLEAR: "路线不明",
    DeclineReason.PRICE: "价格不合适",
    DeclineReason.LOCATION: "地点不合适",
    DeclineReason.ALREADY_SOLVED: "需求已解决",
    DeclineReason.VAGUE: "需求不清楚",
    DeclineReason.OTHER: "其他",
}


@dataclass
class _Rows:
    """Rows under construction; of each list one entry a row, of `changes` one for each change of a grade."""

    d: list[int] = field(default_factory=list)
    a: list[int] = field(default_factory=list)
    grade: list[int] = field(default_factory=list)
    judged: list[bool] = field(default_factory=list)
    request: list[int] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    shown_at: list[float] = field(default_factory=list)
    reason: list[int] = field(default_factory=list)
    changes: list[tuple[float, int, int]] = field(default_factory=list)

    def add(self, pair: tuple[int, int], at: float, grade: int, request: int = -1, *, judged: bool = False) -> int:
        """Begin a row and return its number."""
        row = len(self.d)
        self.d.append(pair[0])
        self.a.append(pair[1])
        self.judged.append(judged)
        self.request.append(request)
        self.position.append(NOT_SHOWN)
        self.shown_at.append(at)
        self.reason.append(NO_REASON)
        self.grade.append(grade)
        self.changes.append((at, row, grade))
        return row

    def change(self, row: int, at: float, grade: int) -> None:
        """Note a row's new grade, if it is one."""
        if self.grade[row] != grade:
            self.grade[row] = grade
            self.changes.append((at, row, grade))


def graded_pairs(
    events: Iterable[OutcomeEvent],
    demands: RecordColumns,
    achievements: RecordColumns,
    seed: int = 0,
    maturity_days: float = MATURITY_DAYS,
    now: datetime | None = None,
) -> GradedPairs:
    """Return the outcome of each pair that both sides still know, as far as the log goes.

    A row is a pair as one request showed it. Later events join it by request and pair; an event that names no request,
    or one that did not show the pair, joins the pair's latest row, and begins one if there is none. A row's grade is
    the best that happened to it (see `data.records.GRADES`). A decline ends the outcome of the pair before it at grade 0
    and leaves its reason; what comes after it counts again. Every expert judgement is a row of its own, so that experts
    may disagree.

    Outcomes come late, deals by months: what has not come yet is no failure yet. `certainty` says how sure each row's
    grade is; the younger a row, the less it weighs as one that did not rise.

    Of more than `MAX_PAIRS` rows judgements and contacts are kept first and of the others a random sample, which weighs
    for all of them; what lists showed is counted before.

    Args:
        events: in order of time, undated ones first, as the store yields them.
        demands: records that the rows count in.
        achievements: records that the rows count in.
        seed: of the sample.
        maturity_days: age in days from which a row's grade is final.
        now: the moment; what lies beyond it, by a wrong clock, is no outcome and ripens nothing. None: no limit.

    """
    rows = _joined(impressions_first(until(events, now)), demands, achievements)
    changes = np.array(rows.changes, dtype=np.float64).reshape(-1, 3)
    changes = changes[np.argsort(changes[:, 0], kind="stable")]
    shown_at = np.array(rows.shown_at, dtype=np.float64)
    log = OutcomeLog(
        judged=np.array(rows.judged, dtype=np.bool_),
        request=np.array(rows.request, dtype=np.int64),
        position=np.array(rows.position, dtype=np.int64),
        shown_at=np.where(np.isfinite(shown_at), shown_at, np.nan),
        reason=np.array(rows.reason, dtype=np.int8),
        change_row=changes[:, 1].astype(np.int64),
        change_at=changes[:, 0].copy(),
        change_grade=changes[:, 2].astype(np.int64),
    )
    grade = np.array(rows.grade, dtype=np.int64)
    weight = np.where(grade > 0, OUTCOME_WEIGHT, np.where(log.reason == NO_REASON, IMPRESSION_WEIGHT, DECLINE_WEIGHT))
    weight = np.where(log.judged, JUDGEMENT_WEIGHT, weight)
    certain = certainty(grade, log, maturity_days, now)
    d, a = np.array(rows.d, dtype=np.int64), np.array(rows.a, dtype=np.int64)
    shown = log.position != NOT_SHOWN
    showings = Showings.counted(d[shown], a[shown]) if shown.any() else None
    pairs = GradedPairs(d, a, grade, weight, log, certain, showings)
    return _sampled(pairs, log.judged | (grade >= 2), seed)


def certainty(
    grade: NDArray[np.int64], log: OutcomeLog, maturity_days: float = MATURITY_DAYS, now: datetime | None = None
) -> NDArray[np.float64]:
    """Return (n, 4) how sure it is that a row will not exceed the grades 0 to 3 any more, in [`LEAST_CERTAINTY`, 1].

    For rows that nobody took up: the share of first reactions that come within the row's age. For the others: the share
    of outcomes above the grade in question that do. Both are estimated from the log (`training.delays`). Where there are
    too few to estimate, nothing is certain before `maturity_days`. From that age on, after a decline, and where a
    row exceeds the grade already, all is certain. A judgement is certain at once, but says nothing of deals.

    Args:
        grade: (n,) grades so far.
        log: of these rows; its last change, of those before `now`, is the end of what is known.
        maturity_days: age in days from which a grade is final.
        now: the moment, beyond which no clock is believed; None: no limit.

    """
    certain = np.ones((len(grade), 4))
    certain[log.judged, 3] = 0.0  # a judgement says nothing of deals
    moments = log.change_at[np.isfinite(log.change_at)]
    if now is not None:
        moments = moments[moments <= now.timestamp()]
    if not len(moments):
        return certain
    age = np.nan_to_num(np.maximum(float(moments.max()) - log.shown_at, 0.0), nan=np.inf)
    young = ~log.judged & (log.reason == NO_REASON) & (age < maturity_days * DAY)
    arrived = np.ones((len(grade), 4))
    for above in range(4):
        rose = np.flatnonzero(log.change_grade > above)
        rows, first = np.unique(log.change_row[rose], return_index=True)
        dated = np.isfinite(log.shown_at[rows]) & (log.position[rows] != NOT_SHOWN)
        delay = np.maximum(log.change_at[rose][first] - log.shown_at[rows], 0.0)[dated]
        seen = delay_distribution(delay, age[rows[dated]])
        arrived[:, above] = LEAST_CERTAINTY if seen is None else np.maximum(seen.arrived(age), LEAST_CERTAINTY)
    for above in range(4):
        waiting = young & (grade <= above)
        certain[waiting, above] = np.where(grade[waiting] == 0, arrived[waiting, 0], arrived[waiting, above])
    return certain


def _joined(events: Iterable[OutcomeEvent], demands: RecordColumns, achievements: RecordColumns) -> _Rows:
    """Return one row for each pair that a request showed, each judgement, and each pair that events alone name."""
    rows = _Rows()
    requests: dict[str, int] = {}
    row_of: dict[tuple[int, int, int], int] = {}
    rows_of_pair: dict[tuple[int, int], list[int]] = {}
    for event in events:
        d, a = demands.rows.get(event.demand_id), achievements.rows.get(event.achievement_id)
        if d is None or a is None:
            continue
        at = event.occurred_at.timestamp() if event.occurred_at else -np.inf
        if event.kind is EventKind.JUDGEMENT:
            rows.add((d, a), at, event.grade, judged=True)
            continue
        request = requests.setdefault(event.request_id, len(requests)) if event.request_id else -1
        shown = event.kind is EventKind.IMPRESSION
        row = row_of.get((request, d, a))
        earlier = rows_of_pair.setdefault((d, a), [])
        if row is None and earlier and not (shown and event.request_id):
            row = earlier[-1]
        if row is None:
            row = rows.add((d, a), at, 0, request)
            row_of[request, d, a] = row
            earlier.append(row)
        if shown and rows.position[row] == NOT_SHOWN:
            rows.position[row] = event.position or NOT_SHOWN
        if event.kind is EventKind.DECLINE:
            for ended in earlier:
                rows.change(ended, at, 0)
            rows.reason[row] = REASONS.index(event.reason or DeclineReason.OTHER)
        elif event.grade > rows.grade[row]:
            rows.change(row, at, event.grade)
            rows.reason[row] = NO_REASON
    return rows


def _sampled(pairs: GradedPairs, telling: NDArray[np.bool_], seed: int) -> GradedPairs:
    """Return at most `MAX_PAIRS` rows, the telling ones first; the others that stay weigh for those that do not."""
    if len(pairs) <= MAX_PAIRS:
        return pairs
    order = np.lexsort((np.random.default_rng(seed).random(len(pairs)), ~telling))
    kept = np.sort(order[:MAX_PAIRS])
    sampled = pairs.take(kept)
    for part in (telling, ~telling):
        if part[kept].any():
            sampled.weight[part[kept]] *= pairs.weight[part].sum() / sampled.weight[part[kept]].sum()
    return sampled
