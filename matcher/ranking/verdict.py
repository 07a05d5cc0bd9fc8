"""The least probability at which a list is worth showing: calibrated when a ranker is trained, kept in the bundle."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.special import betaincinv

from data.errors import BundleError, InputError
from matcher.recommendation import NO_GOOD_MATCH, Verdict
from models.ranking.calibration import IsotonicCalibration

LEAST_JUDGED = 10  # candidates of a demand; with fewer a good one on top says little
LEAST_DEMANDS = 20  # with fewer demands no risk can be promised
SHOWN = 3  # results that everybody looks at
CONFIDENCE = 0.8  # that the risk stays below its target
EVEN = 0.5  # what is settled for where too few demands are known to be that sure
GOOD_ENOUGH = "有足够好的匹配"
TARGET_RISK = 0.4  # share of answers without a good match among the first `SHOWN`, at most

COLUMNS = ("probability", "good", "possible")


@dataclass(frozen=True)
class Confidences:
    """Of n demands the best judged candidate's probability (n,), whether one of the first `SHOWN` is good, whether any is."""

    probability: NDArray[np.float64]
    good: NDArray[np.bool_]
    possible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.good)

    def take(self, rows: NDArray[np.intp]) -> "Confidences":
        """Return the given demands."""
        return Confidences(self.probability[rows], self.good[rows], self.possible[rows])


class AnswerThreshold(BaseModel):
    """A threshold with what it was calibrated on, and what it promises there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    probability: float = Field(ge=0, le=1, description="Least probability of the best candidate")
    target: float = Field(gt=0, lt=1, description="Share of answers without a good match on top, at most")
    risk: float = Field(ge=0, le=1, description="That share on the demands it was calibrated on")
    coverage: float = Field(ge=0, le=1, description="Share of those demands that are answered")
    demands: int = Field(ge=1, description="How many they are")
    confidence: float = Field(CONFIDENCE, gt=0, lt=1, description="That the risk stays below the target")

    def save(self, path: Path) -> None:
        """Write the threshold as JSON."""
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "AnswerThreshold | None":
        """Return what `save` wrote, or None where nothing was: bundles made before have none.

        Raises:
            BundleError: the file is damaged.

        """
        if not path.is_file():
            return None
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            raise BundleError(f"{path} cannot be read; train again with `gongxu train`") from error


def confidences_of(demand: NDArray[np.int64], probability: NDArray[np.float64], good: NDArray[np.bool_]) -> Confidences:
    """Return the confidences of the demands with at least `LEAST_JUDGED` rows; all arguments (n,), a row a judged pair."""
    best, hit, any_good = [], [], []
    order = np.argsort(demand, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(demand[order])) + 1):
        if len(rows) >= LEAST_JUDGED:
            top = rows[np.argsort(-probability[rows], kind="stable")[:SHOWN]]
            best.append(probability[top[0]])
            hit.append(good[top].any())
            any_good.append(good[rows].any())
    return Confidences(np.array(best), np.array(hit, dtype=np.bool_), np.array(any_good, dtype=np.bool_))


def calibrate_threshold(held: Confidences, target: float, confidence: float = CONFIDENCE, views: int = 1) -> float:
    """Return the least threshold whose risk stays below `target` with the given confidence on the given demands.

    Each demand stands among them `views` times; the bound takes that many for one. The bound is Clopper and Pearson's for
    the demands above the threshold (selection with guaranteed risk, Geifman & El-Yaniv 2017, without the correction for
    the number of thresholds tried).

    Raises:
        InputError: no threshold keeps the risk that low, or there are no demands.

    """
    order = np.argsort(-held.probability, kind="stable")
    wrong = np.cumsum(~held.good[order])
    answered = np.arange(1, len(order) + 1)
    right = np.maximum((answered - wrong) / views, 1e-9)
    bound = np.where(wrong == answered, 1.0, betaincinv(wrong / views + 1, right, confidence))
    # demands of equal confidence are answered together or not at all
    last = np.r_[np.diff(held.probability[order]) < 0, True] if len(order) else np.zeros(0, dtype=np.bool_)
    kept = np.flatnonzero((bound <= target) & last)
    if not len(kept):
        least = float(bound.min()) if len(bound) else 1.0
        raise InputError(f"no threshold keeps the risk below {target:g}; the least that can be promised is {least:.3f}")
    return float(held.probability[order[kept[-1]]])


def fit_threshold(held: Confidences, target: float = TARGET_RISK, views: int = 1) -> AnswerThreshold | None:
    """Return the threshold that keeps the risk below `target`, or None if none can be expected to.

    With the confidence `CONFIDENCE`; where no threshold can promise that, with `EVEN`: as likely as not. Each demand stands
    `views` times in `held`.
    """
    if len(held) < LEAST_DEMANDS * views:
        return None
    for confidence in (CONFIDENCE, EVEN):
        try:
            least = calibrate_threshold(held, target, confidence, views)
        except InputError:
            continue
        answered = held.probability >= least
        return AnswerThreshold(
            probability=least,
            target=target,
            risk=float(np.mean(~held.good[answered])),
            coverage=float(answered.mean()),
            demands=len(held) // views,
            confidence=confidence,
        )
    return None


def verdict_of(
    best: float | None,
    calibration: IsotonicCalibration | None,
    fitted: AnswerThreshold | None,
    *,
    for_demand: bool = True,
) -> Verdict:
    """Return whether a list is good enough.

    Args:
        best: probability of the list's best candidate, None without candidates.
        calibration: of the probabilities; without one any candidate is good enough.
        fitted: the calibrated threshold; without one the average judged pair is the measure.
        for_demand: whether the list is a demand's; no threshold is calibrated for those of achievements.

    """
    if calibration is None:
        text = "模型未校准概率，无法判断匹配是否足够好" if best is not None else NO_GOOD_MATCH
        return Verdict(answered=best is not None, probability=None, threshold=None, basis="none", text=text, measure="")
    least = calibration.base_rate_ if fitted is None else fitted.probability
    answered = best is not None and best >= least
    found = "没有候选成果" if best is None else f"最高概率 {best:.0%}"
    return Verdict(
        answered=answered,
        probability=best if best is None else round(best, 4),
        threshold=round(least, 4),
        basis="average" if fitted is None else "calibrated",
        text=f"{GOOD_ENOUGH if answered else NO_GOOD_MATCH}（{found}，门槛 {least:.0%}）",
        measure=_measure(fitted, for_demand=for_demand),
    )


def _measure(fitted: AnswerThreshold | None, *, for_demand: bool) -> str:
    """Return in Chinese what the threshold stands for."""
    if not for_demand:
        return "门槛取历史评分的平均水平"
    if fitted is None:
        return "门槛取历史评分的平均水平：此模型包没有校准过的门槛，重新训练（gongxu train）后才有"
    sure = "不超过" if fitted.confidence >= CONFIDENCE else "预计不超过"
    return (
        f"门槛由 {fitted.demands} 条需求的评分或对接结果校准：达到门槛的需求中，"
        f"前三项都不合适的{sure} {fitted.target:.0%}"
    )


def withheld(best: float, calibration: IsotonicCalibration | None, verdict: Verdict) -> bool:
    """Tell whether a list is not even worth a look: not good enough, and below the average pair that was ever judged."""
    return not verdict.answered and calibration is not None and best < calibration.base_rate_
