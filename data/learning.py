"""How rankers are fitted, measured by slices and let through the gate: every number that a data scientist may turn.

A platform overrides single values in GONGXU_HOME/learning.toml,

    [ranker]
    trees = 300

    [gate]
    slice_margin = 0.05

or by environment variables, which win over the file: GONGXU_RANKER_TREES, GONGXU_GATE_SLICE_MARGIN and so on.
"""

from dataclasses import replace
from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

LEARNING_FILE = "learning.toml"
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class RankerParameters:
    """LightGBM's parameters under their own names."""

    # Trees per grade above the lowest.
    trees: int = Field(150, ge=1, le=2000)
    learning_rate: float = Field(0.03, gt=0, le=1)
    num_leaves: int = Field(15, ge=2, le=1024)
    min_data_in_leaf: int = Field(30, ge=1)
    feature_fraction: float = Field(0.25, gt=0, le=1)
    bagging_fraction: float = Field(0.7, gt=0, le=1)
    max_bin: int = Field(63, ge=2, le=1023)
    lambda_l2: float = Field(10.0, ge=0)
    # Seed of folds and ranker.
    seed: int = Field(0, ge=0)
    # Whether what a place in a list does to outcomes is learned apart and left out of the scores.
    correct_positions: bool = True

    def overridden(self, **values: float | None) -> "RankerParameters":
        """Return the parameters with the given values; None keeps what there is."""
        return replace(self, **{name: value for name, value in values.items() if value is not None})


@dataclass(frozen=True, config=_STRICT)
class ProtectedSlices:
    """Groups of held-out pairs that no promotion may make worse."""

    # Demands below which a slice makes no figure to decide by.
    min_demands: int = Field(20, ge=1)
    # Groups of one kind (fields, provinces, firm sizes): the largest so many.
    largest: int = Field(6, ge=0)
    # Characters below which a demand's text is short.
    short_text: int = Field(60, ge=1)
    # Days before the newest achievement within which one is new.
    new_days: int = Field(365, ge=1)


@dataclass(frozen=True, config=_STRICT)
class ReportSlices:
    """Slices of judged pairs in the offline evaluation's report."""

    # Pairs below which a slice is left out.
    min_rows: int = Field(30, ge=1)
    # Values of one way to slice (field, region, size): the most frequent so many.
    most_values: int = Field(8, ge=1)
    # Characters of title and content together below which a demand's text is short.
    short_text: int = Field(40, ge=1)


@dataclass(frozen=True, config=_STRICT)
class GateMargins:
    """What a version must show before it is promoted."""

    # The figure that must be better than the champion's.
    metric: Literal["ndcg10", "score", "auc2", "auc3", "qwk"] = "ndcg10"
    # The lower end of its gain's 95% interval must lie above this; negative lets an equal one pass.
    gain: float = Field(0.0, ge=-1, le=1)
    # How much worse a protected slice may be.
    slice_margin: float = Field(0.03, ge=0, le=1)
    # Expected calibration error at most.
    calibration: float = Field(0.1, gt=0, le=1)
    # Median CPU milliseconds of one request at most.
    latency: float = Field(250.0, gt=0)
    # Megabytes of a bundle at most.
    bundle_mb: float = Field(8192.0, gt=0)
    # Held-out demands below which no gain is believed.
    min_demands: int = Field(20, ge=1)
    # Held-out pairs below which calibration is not checked.
    min_calibration_pairs: int = Field(200, ge=1)
