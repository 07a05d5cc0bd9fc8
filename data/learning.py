"""How rankers are fitted, measured by slices and let through the gate: every number that a data scientist may turn.

A platform overrides single values in GONGXU_HOME/learning.toml,

    [ranker]
    trees = 300

    [gate]
    slice_margin = 0.05

or by environment variables, which win over the file: GONGXU_RANKER_TREES, GONGXU_GATE_SLICE_MARGIN and so on.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

LEARNING_FILE = "learning.toml"
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class RankerParameters:
    """LightGBM's parameters under their own names."""

    # Trees per grade above the lowest.
    trees: Annotated[int, Field(ge=1, le=2000)] = 150
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.03
    num_leaves: Annotated[int, Field(ge=2, le=1024)] = 15
    min_data_in_leaf: Annotated[int, Field(ge=1)] = 30
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = 0.25
    bagging_fraction: Annotated[float, Field(gt=0, le=1)] = 0.7
    max_bin: Annotated[int, Field(ge=2, le=1023)] = 63
    lambda_l2: Annotated[float, Field(ge=0)] = 10.0
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
