"""How rankers are fitted, tuned, measured by slices, let through the gate and watched: what a data scientist may turn.

A platform overrides single values in GONGXU_HOME/learning.toml,

    [ranker]
    trees = 300

    [gate]
    slice_margin = 0.05

or by environment variables, which win over the file: GONGXU_RANKER_TREES, GONGXU_GATE_SLICE_MARGIN and so on.
A range is written as its two ends: trees = [50, 600] in the file, GONGXU_TUNING_TREES='[50, 600]' as a variable.
"""

from dataclasses import replace
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

LEARNING_FILE = "learning.toml"
_STRICT = ConfigDict(extra="forbid")

Trees = Annotated[int, Field(ge=1, le=2000)]
LearningRate = Annotated[float, Field(gt=0, le=1)]
Leaves = Annotated[int, Field(ge=2, le=1024)]
LeafRows = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Ridge = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=_STRICT)
class RankerParameters:
    """LightGBM's parameters under their own names."""

    # Trees per grade above the lowest.
    trees: Trees = 150
    learning_rate: LearningRate = 0.03
    num_leaves: Leaves = 15
    min_data_in_leaf: LeafRows = 30
    feature_fraction: Fraction = 0.25
    bagging_fraction: Fraction = 0.7
    max_bin: Annotated[int, Field(ge=2, le=1023)] = 63
    lambda_l2: Ridge = 10.0
    # Seed of folds and ranker.
    seed: Annotated[int, Field(ge=0)] = 0
    # Whether what a place in a list does to outcomes is learned apart and left out of the scores.
    correct_positions: bool = True

    def overridden(
        self, *, trees: int | None = None, seed: int | None = None, correct_positions: bool | None = None
    ) -> "RankerParameters":
        """Return the parameters with the given values; None keeps what there is."""
        return replace(
            self,
            trees=self.trees if trees is None else trees,
            seed=self.seed if seed is None else seed,
            correct_positions=self.correct_positions if correct_positions is None else correct_positions,
        )


Number = TypeVar("Number", int, float)


def _ascending(ends: tuple[Number, Number]) -> tuple[Number, Number]:
    if ends[0] > ends[1]:
        raise ValueError(f"a range ends at {ends[1]}, below its beginning {ends[0]}")
    return ends


@dataclass(frozen=True, config=_STRICT)
class TuningRanges:
    """Between which values `gongxu train --tune` searches; the defaults of `RankerParameters` always count as inside."""

    trees: Annotated[tuple[Trees, Trees], AfterValidator(_ascending)] = (50, 600)
    learning_rate: Annotated[tuple[LearningRate, LearningRate], AfterValidator(_ascending)] = (0.01, 0.15)
    num_leaves: Annotated[tuple[Leaves, Leaves], AfterValidator(_ascending)] = (5, 31)
    min_data_in_leaf: Annotated[tuple[LeafRows, LeafRows], AfterValidator(_ascending)] = (5, 200)
    feature_fraction: Annotated[tuple[Fraction, Fraction], AfterValidator(_ascending)] = (0.1, 1.0)
    bagging_fraction: Annotated[tuple[Fraction, Fraction], AfterValidator(_ascending)] = (0.4, 1.0)
    # Searched by its logarithm: a search from 0 has no beginning.
    lambda_l2: Annotated[
        tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]], AfterValidator(_ascending)
    ] = (0.1, 100.0)
    # Trees times leaves at most: what the latency budget allows.
    leaves_in_all: Annotated[int, Field(ge=150 * 15)] = 300 * 31
    # Folds of demands by which a trial is judged.
    folds: Annotated[int, Field(ge=2, le=20)] = 3
    # Rows that a trial learns from and is judged by at most.
    rows: Annotated[int, Field(ge=1000)] = 30_000


@dataclass(frozen=True, config=_STRICT)
class MonitorLimits:
    """From which differences between recent traffic and training on `gongxu monitor` raises an alarm."""

    # Days of traffic looked at.
    days: Annotated[int, Field(ge=1, le=3650)] = 30
    # Population stability index of a feature or of the scores from which on it counts as drifted.
    psi: Annotated[float, Field(gt=0, le=10)] = 0.25
    # Share of the gain from features that need no outcome which drifted ones may hold.
    drifted_gain: Annotated[float, Field(gt=0, le=1)] = 0.2
    # How much the share of demands without a good enough match may rise.
    unanswered_rise: Annotated[float, Field(ge=0, le=1)] = 0.1
    # Observed to expected outcomes: below and above what.
    rate_low: Annotated[float, Field(gt=0, le=1)] = 0.8
    rate_high: Annotated[float, Field(ge=1, le=100)] = 1.25
    # Expected outcomes below which a rate decides nothing.
    min_expected: Annotated[float, Field(gt=0)] = 10.0
    # Demands below which drift is not looked at.
    min_demands: Annotated[int, Field(ge=1)] = 20


@dataclass(frozen=True, config=_STRICT)
class ProtectedSlices:
    """Groups of held-out pairs that no promotion may make worse."""

    # Demands below which a slice makes no figure to decide by.
    min_demands: Annotated[int, Field(ge=1)] = 20
    # Groups of one kind (fields, provinces, firm sizes): the largest so many.
    largest: Annotated[int, Field(ge=0)] = 6
    # Characters below which a demand's text is short.
    short_text: Annotated[int, Field(ge=1)] = 60
    # Days before the newest achievement within which one is new.
    new_days: Annotated[int, Field(ge=1)] = 365


@dataclass(frozen=True, config=_STRICT)
class ReportSlices:
    """Slices of judged pairs in the offline evaluation's report."""

    # Pairs below which a slice is left out.
    min_rows: Annotated[int, Field(ge=1)] = 30
    # Values of one way to slice (field, region, size): the most frequent so many.
    most_values: Annotated[int, Field(ge=1)] = 8
    # Characters of title and content together below which a demand's text is short.
    short_text: Annotated[int, Field(ge=1)] = 40


@dataclass(frozen=True, config=_STRICT)
class GateMargins:
    """What a version must show before it is promoted."""

    # The figure that must be better than the champion's.
    metric: Literal["ndcg10", "score", "auc2", "auc3", "qwk"] = "ndcg10"
    # The lower end of its gain's 95% interval must lie above this; negative lets an equal one pass.
    gain: Annotated[float, Field(ge=-1, le=1)] = 0.0
    # How much worse a protected slice may be.
    slice_margin: Annotated[float, Field(ge=0, le=1)] = 0.03
    # How much worse whole lists may be than the champion's, in NDCG@10, and for sure in their calibration error.
    served_margin: Annotated[float, Field(ge=0, le=1)] = 0.02
    # Expected calibration error at most.
    calibration: Annotated[float, Field(gt=0, le=1)] = 0.1
    # Median CPU milliseconds of one request at most.
    latency: Annotated[float, Field(gt=0)] = 250.0
    # Megabytes of a bundle at most.
    bundle_mb: Annotated[float, Field(gt=0)] = 8192.0
    # Held-out demands below which no gain is believed.
    min_demands: Annotated[int, Field(ge=1)] = 20
    # Held-out pairs below which calibration is not checked.
    min_calibration_pairs: Annotated[int, Field(ge=1)] = 200
