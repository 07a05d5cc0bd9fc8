"""The promotion gate: what must hold before a version is served, and the decision with its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import numpy as np

from data.learning import GateMargins
from eval.online.versions import Check, Figure
from matcher.ranking.scorer import Scores
from training.comparison.pairs import HeldOut, calibration_error, gains
from training.comparison.served import ServedLists
from training.comparison.slices import Mask, taken


@dataclass(frozen=True)
class Evidence:
    """What the gate looks at. `champion` is None where nothing with a ranker serves yet.

    `problem` says why the bundle cannot be served, `incomparable` why it cannot be compared with the champion.
    """

    held: HeldOut
    candidate: Scores
    champion: Scores | None
    slices: Mapping[str, Mask]
    latency_ms: float | None
    bytes: int
    problem: str = ""
    incomparable: str = ""
    served: ServedLists | None = None
    champion_served: ServedLists | None = None


@dataclass(frozen=True)
class Verdict:
    """All checks, and the gains they rest on."""

    checks: list[Check]
    gains: dict[str, Figure]
    slices: dict[str, Figure]

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return all(check.passed for check in self.checks)


def judge(margins: GateMargins, evidence: Evidence) -> Verdict:
    """Return whether a version may be served in place of the champion, and every number that says so."""
    found: dict[str, Figure] = {}
    by_slice: dict[str, Figure] = {}
    if evidence.champion is not None:
        found = {
            name: Figure.of(gain) for name, gain in gains(evidence.held, evidence.candidate, evidence.champion).items()
        }
        for name, mask in evidence.slices.items():
            held, ours = taken(evidence.held, evidence.candidate, mask)
            _, theirs = taken(evidence.held, evidence.champion, mask)
            by_slice[name] = Figure.of(gains(held, ours, theirs)[margins.metric])
    checks = [
        _schema(evidence),
        _overall(margins, evidence, found.get(margins.metric)),
        _slices(margins, by_slice),
        _served(margins, evidence),
        _calibration(margins, evidence),
        _served_calibration(margins, evidence),
        _budget("latency", "单次请求 CPU 中位数", "毫秒", evidence.latency_ms, margins.latency),
        _budget("size", "模型包大小", "MB", evidence.bytes / 1e6, margins.bundle_mb),
    ]
    return Verdict(checks, found, by_slice)


def _schema(evidence: Evidence) -> Check:
    message = evidence.problem or "模型包完整，特征一致，能够应答"
    return Check(name="schema", passed=not evidence.problem, message=message)


def _overall(margins: GateMargins, evidence: Evidence, gain: Figure | None) -> Check:
    name, limit = margins.metric, margins.gain
    if evidence.incomparable:
        return Check(name="overall", passed=False, limit=limit, message=evidence.incomparable)
    if evidence.champion is None:
        return Check(name="overall", passed=True, limit=limit, message="尚无在役排序模型，无需比较")
    demands = len(set(evidence.held.demand_ids))
    if demands < margins.min_demands or gain is None or gain.value is None or gain.low is None or gain.high is None:
        message = f"留出的需求只有 {demands} 条可比（至少 {margins.min_demands} 条），无法判断是否更好"
        return Check(name="overall", passed=False, limit=limit, message=message)
    interval = f"{name} 变化 {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
    if gain.low > limit:
        message = f"{interval}，区间下限高于 {limit:g}"
    else:
        message = f"{interval}，区间下限未超过 {limit:g}：不能确定比在役版本更好"
    return Check(name="overall", passed=gain.low > limit, value=gain.low, limit=limit, message=message)


def _slices(margins: GateMargins, by_slice: Mapping[str, Figure]) -> Check:
    margin = margins.slice_margin
    known = {name: figure.value for name, figure in by_slice.items() if figure.value is not None}
    if not known:
        return Check(name="slices", passed=True, limit=-margin, message="没有足够大的受保护分组可比")
    worst = min(known, key=lambda name: known[name])
    hurt = [f"{name} {value:+.4f}" for name, value in known.items() if value < -margin]
    message = (
        f"变差超过 {margin:g} 的分组：{'，'.join(hurt)}"
        if hurt
        else f"{len(known)} 个分组均未变差超过 {margin:g}，最差 {worst} {known[worst]:+.4f}"
    )
    return Check(name="slices", passed=not hurt, value=known[worst], limit=-margin, message=message)


def _served(margins: GateMargins, evidence: Evidence) -> Check:
    margin, ours, theirs = margins.served_margin, evidence.served, evidence.champion_served
    if ours is None or theirs is None or ours.demands < margins.min_demands:
        message = f"可比的推荐列表不足 {margins.min_demands} 份，未比较"
        return Check(name="served", passed=True, limit=-margin, message=message)
    gain = ours.gain("ndcg10", theirs)
    if isnan(gain.value):
        return Check(name="served", passed=True, limit=-margin, message="推荐列表中没有已知结果，未比较")
    message = (
        f"{ours.demands} 条留出需求的推荐列表 NDCG@10 变化 {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]，"
    )
    message += f"不得低于 {-margin:g}"
    return Check(
        name="served", passed=gain.value >= -margin, value=round(gain.value, 6), limit=-margin, message=message
    )


def _served_calibration(margins: GateMargins, evidence: Evidence) -> Check:
    ours, theirs, margin = evidence.served, evidence.champion_served, margins.served_margin
    found = ours.estimate("ece") if ours else None
    if ours is None or found is None or isnan(found.low):
        return Check(
            name="served_calibration", passed=True, limit=margin, message="推荐列表中没有已知结果，未检查概率校准"
        )
    bound = margins.calibration
    message = (
        f"推荐列表所示概率的期望校准误差 {found.value:.4f} [{found.low:.4f}, {found.high:.4f}]，下限不得超过 {bound:g}"
    )
    few = ours.demands < margins.min_demands
    if theirs is None or few:
        return Check(
            name="served_calibration",
            passed=few or found.low <= bound,
            value=round(found.value, 6),
            limit=bound,
            message=message,
        )
    # Who is above the bound may still follow a champion that is further above it.
    worse = ours.gain("ece", theirs)
    message += f"；比在役版本高 {worse.value:+.4f} [{worse.low:+.4f}, {worse.high:+.4f}]，下限不得超过 {margin:g}"
    passed = not worse.low > margin and (found.low <= bound or worse.value <= 0)
    return Check(name="served_calibration", passed=passed, value=round(worse.low, 6), limit=margin, message=message)


def _calibration(margins: GateMargins, evidence: Evidence) -> Check:
    limit, number = margins.calibration, len(evidence.held.good()[0])
    error = calibration_error(evidence.held, evidence.candidate)
    if number < margins.min_calibration_pairs or isnan(error):
        message = f"留出的结果只有 {number} 对（至少 {margins.min_calibration_pairs} 对），未检查概率校准"
        return Check(name="calibration", passed=True, limit=limit, message=message)
    message = f"概率的期望校准误差 {error:.4f}，上限 {limit:g}"
    return Check(name="calibration", passed=error <= limit, value=round(error, 6), limit=limit, message=message)


def _budget(name: str, what: str, unit: str, value: float | None, limit: float) -> Check:
    if value is None or np.isnan(value):
        return Check(name=name, passed=True, limit=limit, message=f"{what}未测：没有可问的需求")
    message = f"{what} {value:.1f} {unit}，上限 {limit:g}"
    return Check(name=name, passed=value <= limit, value=round(value, 3), limit=limit, message=message)
