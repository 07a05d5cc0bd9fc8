"""Whether a list is good enough to be shown, by the threshold that a bundle keeps."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import BundleError
from matcher.recommendation import NO_GOOD_MATCH, Verdict

SHOWN = 3  # results that everybody looks at
CONFIDENCE = 0.8  # that the risk stays below its target
GOOD_ENOUGH = "有足够好的匹配"
FOREIGN = Verdict(  # of a text that the achievements hardly speak of
    answered=False,
    probability=None,
    threshold=None,
    basis="none",
    text=f"{NO_GOOD_MATCH}（库中的成果几乎没有谈到所说的内容）",
    measure="",
)
TARGET_RISK = 0.4  # share of answers without a good match among the first `SHOWN`, at most


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


def verdict_of(
    best: float | None,
    average: float | None,
    fitted: AnswerThreshold | None,
    *,
    for_demand: bool = True,
) -> Verdict:
    """Return whether a list is good enough.

    Args:
        best: probability of the list's best candidate, None without candidates.
        average: probability of the average pair; None without calibrated ones: any candidate is good enough.
        fitted: the calibrated threshold; without one the average pair is the measure.
        for_demand: whether the list is a demand's; no threshold is calibrated for those of achievements.

    """
    if average is None:
        text = "模型未校准概率，无法判断匹配是否足够好" if best is not None else NO_GOOD_MATCH
        return Verdict(answered=best is not None, probability=None, threshold=None, basis="none", text=text, measure="")
    least = average if fitted is None else fitted.probability
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
    """Return in Chinese what the threshold represents."""
    if not for_demand:
        return "门槛取历史评分的平均水平"
    if fitted is None:
        return "门槛取历史评分的平均水平：此模型包没有校准过的门槛，重新训练（gongxu train）后才有"
    sure = "不超过" if fitted.confidence >= CONFIDENCE else "预计不超过"
    return (
        f"门槛由 {fitted.demands} 条需求的评分或对接结果校准：达到门槛的需求中，"
        f"前三项都不合适的{sure} {fitted.target:.0%}"
    )


def withheld(best: float, average: float | None, verdict: Verdict) -> bool:
    """Tell whether a list is not even worth a look: not good enough, and below the average pair that was ever judged."""
    return not verdict.answered and average is not None and best < average
