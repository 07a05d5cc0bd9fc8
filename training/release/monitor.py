"""Is the served version still fit for what it is asked? Recent traffic against what training saw."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from data.errors import InputError
from data.learning import MonitorLimits
from data.records import Demand, OutcomeEvent
from data.settings import Settings
from data.store.store import Store
from eval.metrics.bootstrap import RESAMPLES, resample_weights
from eval.online.monitor_report import Finding, MonitorReport, Watched
from matcher.bundle import current_bundle, verify
from matcher.engine import Engine
from matcher.history.graded_pairs import GradedPairs
from matcher.model import MatchingModel
from matcher.ranking.scorer import GOOD_GRADE
from training.comparison.pairs import Records, score_pairs
from training.comparison.reference import STEPS, Histogram, Rates, Reference, ripe_rows, sampling_factor
from training.comparison.sample_answers import SAMPLE, Answers, answer_features, ask, sample_demands
from training.outcomes.graded_pairs import MATURITY_DAYS, graded_pairs

SURE = 0.01
SCORED_ROWS = 2_000
WATCHED = {"click": "点击", "contact": "联系"}  # steps that come soon enough to watch
Progress = Callable[[str], None]


def monitor(
    settings: Settings,
    store: Store,
    *,
    days: int | None = None,
    until: datetime | None = None,
    progress: Progress = lambda _: None,
) -> MonitorReport:
    """Hold the traffic of the last days against the reference that training left in the served bundle.

    Raises:
        BundleError: nothing is served, or the bundle is damaged.
        InputError: the bundle has no reference, because no `gongxu train` made it.

    """
    until = until or datetime.now(UTC)
    since = until - timedelta(days=days or settings.monitor.days)
    directory = current_bundle(settings.bundles)
    manifest = verify(directory)
    reference = Reference.load(directory)
    if reference is None:
        raise InputError(f"bundle {manifest.version} holds no reference of its training; run `gongxu train` first")
    progress("traffic")
    # How late outcomes come is learned from what happened before.
    begin = since - timedelta(days=MATURITY_DAYS)
    known = [event for event in store.events() if event.occurred_at and begin <= event.occurred_at <= until]
    events = [event for event in known if event.occurred_at and event.occurred_at >= since]
    demands = recent_demands(store, events, since.date(), until.date())
    progress("model")
    engine = Engine(MatchingModel.load(directory, threads=settings.threads, verified=manifest))
    engine.apply(list(store.changes_since(manifest.watermark)))
    progress("answers")
    answers = ask(engine, demands)
    findings = [_traffic(settings.monitor, events, answers, since, until)]
    watched: dict[str, Watched] = {}
    drifted: dict[str, float] = {}
    if answers.asked >= settings.monitor.min_demands:
        asked = {demand.demand_id: demand for demand in demands}
        shown = set(answers.achievement_ids)
        offered = {r.achievement_id: r for r in store.achievements() if r.achievement_id in shown}
        features = answer_features(engine, answers, Records(asked, offered))
        watched = watched_features(settings, engine, reference, features, answers.asked)
        drifted = drifted_features(watched)
        findings += [
            _feature_drift(settings.monitor, watched, drifted),
            _score_drift(settings, reference, answers),
            _unanswered(settings.monitor, reference, answers),
        ]
    progress("outcomes")
    cards = engine.model.demands.base.cards, engine.model.achievements.base.cards
    pairs = graded_pairs(known, *cards, now=until)
    rows = ripe_rows(pairs)
    rows = rows[pairs.shown_at[rows] >= since.timestamp()]
    findings += _rates(settings.monitor, reference.rates, pairs, rows)
    findings += _calibration(settings.monitor, engine, pairs, rows, manifest.created_at)
    return MonitorReport(
        version=manifest.version,
        since=since,
        until=until,
        events=len(events),
        demands=answers.asked,
        findings=tuple(findings),
        drifted=drifted,
        features=watched,
    )


def recent_demands(
    store: Store, events: Sequence[OutcomeEvent], since: date, until: date, size: int = SAMPLE
) -> list[Demand]:
    """Return up to `size` demands that had events or were published in the time, chosen by their digests."""
    active = {event.demand_id for event in events}
    found = [
        demand
        for demand in store.demands()
        if demand.demand_id in active or (demand.published_at is not None and since <= demand.published_at <= until)
    ]
    return sample_demands(found, size)


def watched_features(
    settings: Settings, engine: Engine, reference: Reference, features: dict[str, NDArray[np.float32]], asked: int
) -> dict[str, Watched]:
    """Return all features that the reference knows, the most drifted first; shares are of the gain of these features."""
    scorer = engine.model.scorer
    importance = scorer.ranker.importance() if scorer else {}
    total = sum(importance.get(name, 0.0) for name in reference.features) or 1.0
    found = {}
    for name, values in features.items():
        known = reference.features.get(name)
        if known is not None:
            found[name] = Watched(
                index=known.psi(values, asked, reference.asked),
                limit=_limit(settings, known, asked, reference.asked),
                share=importance.get(name, 0.0) / total,
            )
    return dict(sorted(found.items(), key=lambda item: -item[1].index))


def drifted_features(watched: dict[str, Watched]) -> dict[str, float]:
    """Return the features whose index lies above its limit, the most drifted first."""
    return {name: round(one.index, 4) for name, one in watched.items() if one.index > one.limit}


def _limit(settings: Settings, known: Histogram, asked: int, asked_then: int) -> float:
    """Return the index from which on a difference is more than chance among so few demands: two deviations above.

    Under no change the index has about the deviation sqrt(2 (bins - 1)) (1/n + 1/m) (Yurdakul 2018). The demands count, not
    the pairs: those of one demand are alike.
    """
    bins = len(known.shares)
    return settings.monitor.psi + 2 * sqrt(2 * (bins - 1)) * (1 / max(asked, 1) + 1 / max(asked_then, 1))


def _traffic(
    limits: MonitorLimits, events: Sequence[OutcomeEvent], answers: Answers, since: datetime, until: datetime
) -> Finding:
    span = f"{since:%Y-%m-%d} 至 {until:%Y-%m-%d}"
    if not events:
        return Finding(
            name="traffic", alarm=True, value=0, limit=1, message=f"{span} 没有任何事件：检查平台是否还在上报"
        )
    message = f"{span} 有 {len(events):,} 个事件，抽查 {answers.asked} 条需求"
    if answers.asked < limits.min_demands:
        message += f"（不足 {limits.min_demands} 条，未检查漂移）"
    return Finding(name="traffic", alarm=False, value=len(events), limit=1, message=message)


def _feature_drift(limits: MonitorLimits, watched: dict[str, Watched], drifted: dict[str, float]) -> Finding:
    """Weigh the drifted features by what the ranker gains from them, among those that need no outcome."""
    share = sum(watched[name].share for name in drifted)
    examples = "，".join(f"{name} {index:.2f}" for name, index in list(drifted.items())[:3])
    message = f"{len(drifted)} 个特征的分布漂移，占文本与属性特征增益的 {share:.0%}" + (
        f"：{examples}" if examples else ""
    )
    return Finding(
        name="feature drift",
        alarm=share >= limits.drifted_gain,
        value=round(share, 4),
        limit=limits.drifted_gain,
        message=message,
    )


def _score_drift(settings: Settings, reference: Reference, answers: Answers) -> Finding:
    known = reference.probability
    index = known.psi(answers.probability, answers.asked, reference.asked)
    limit = _limit(settings, known, answers.asked, reference.asked)
    message = f"推荐概率的稳定性指数 PSI {index:.3f}，上限 {limit:.3f}"
    return Finding(
        name="score drift", alarm=index > limit, value=round(index, 4), limit=round(limit, 4), message=message
    )


def _unanswered(limits: MonitorLimits, reference: Reference, answers: Answers) -> Finding:
    share, before = answers.unanswered_share, reference.unanswered
    limit = before + limits.unanswered_rise
    counts = [(round(before * reference.asked), reference.asked), (len(answers.unanswered), answers.asked)]
    table = [[missed, asked - missed] for missed, asked in counts]
    sure = fisher_exact(table, alternative="less").pvalue < SURE  # fewer before than now
    message = f"没有足够好匹配的需求占 {share:.0%}，训练时为 {before:.0%}"
    return Finding(
        name="unanswered",
        alarm=bool(share > limit and sure),
        value=round(share, 4),
        limit=round(limit, 4),
        message=message,
    )


def _rates(limits: MonitorLimits, reference: Rates | None, pairs: GradedPairs, rows: NDArray[np.intp]) -> list[Finding]:
    """Compare observed with expected outcome rates, adjusted for position."""
    if reference is None:
        return []
    findings = []
    for step, word in WATCHED.items():
        arrived = np.ones(len(rows)) if pairs.certain is None else pairs.certain[rows, STEPS[step] - 1]
        expected = reference.expected(step, pairs.position[rows]) * arrived
        reached = pairs.grade[rows] >= STEPS[step]
        stands_for = sampling_factor(pairs)[rows]
        findings.append(
            _ratio(limits, f"{step} rate", word, reached * stands_for, expected * stands_for, pairs.d[rows])
        )
    return findings


def _calibration(
    limits: MonitorLimits, engine: Engine, pairs: GradedPairs, rows: NDArray[np.intp], created_at: datetime
) -> list[Finding]:
    """Hold the good outcomes of pairs first shown after the version was made against the probabilities it gives them."""
    scorer = engine.model.scorer
    rows = rows[pairs.shown_at[rows] > created_at.timestamp()][:SCORED_ROWS]
    if scorer is None or not len(rows):
        return []
    demands, achievements = engine.model.demands.base.cards.ids, engine.model.achievements.base.cards.ids
    ids = [demands[row] for row in pairs.d[rows].tolist()], [achievements[row] for row in pairs.a[rows].tolist()]
    probability = np.nan_to_num(score_pairs(engine.model, scorer, *ids).probability)
    arrived = np.ones(len(rows)) if pairs.certain is None else pairs.certain[rows, 1]
    stands_for = sampling_factor(pairs)[rows]
    good, awaited = (pairs.grade[rows] >= GOOD_GRADE) * stands_for, probability * arrived * stands_for
    return [_ratio(limits, "good outcomes", "好结果（对照模型概率）", good, awaited, pairs.d[rows])]


def _ratio(
    limits: MonitorLimits,
    name: str,
    word: str,
    reached: NDArray[np.float64],
    expected: NDArray[np.float64],
    demands: NDArray[np.int64],
) -> Finding:
    """Compare a sum of outcomes with its expectation, the interval by bootstrap over demands."""
    total = float(expected.sum())
    if total < limits.min_expected:
        message = f"{word}：预期只有 {total:.1f} 次（至少 {limits.min_expected:g} 次），未检查"
        return Finding(name=name, alarm=False, message=message)
    _, group = np.unique(demands, return_inverse=True)
    seen, awaited = np.bincount(group, weights=reached), np.bincount(group, weights=expected)
    draws = resample_weights(len(seen), RESAMPLES, seed=0)
    ratios = (draws @ seen) / np.maximum(draws @ awaited, 1e-9)
    low, high = np.quantile(ratios[1:], [0.025, 0.975])
    ratio = float(ratios[0])
    outside = ratio < limits.rate_low or ratio > limits.rate_high
    message = f"{word} {int(seen.sum())} 次，预期 {total:.1f} 次，比值 {ratio:.2f} [{low:.2f}, {high:.2f}]"
    return Finding(
        name=name,
        alarm=bool(outside and not low <= 1 <= high),
        value=round(ratio, 4),
        limit=limits.rate_low if ratio < 1 else limits.rate_high,
        message=message,
    )
