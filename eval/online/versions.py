"""What is kept of trained versions in GONGXU_HOME: facts and figures of each, and the gate's decisions about them."""

from datetime import datetime

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from eval.metrics.bootstrap import Estimate

CANDIDATES = "candidates"  # folder in GONGXU_HOME, one folder a version
FACTS = "candidate.json"
PREDICTIONS = "held_out.parquet"


class Figure(BaseModel):
    """A figure with its 95% interval; None where the rows do not allow it."""

    model_config = ConfigDict(frozen=True)

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, estimate: Estimate) -> "Figure":
        """Return the figure of an estimate."""
        return cls(**{key: None if number != number else round(number, 6) for key, number in vars(estimate).items()})  # noqa: PLR0124 (NaN)


class Candidate(BaseModel):
    """What a training made and how good it is on outcomes that nothing learned from."""

    version: str
    created_at: datetime
    base: str
    watermark: int
    data_digest: str
    parameters: dict[str, str]
    pairs: int
    held_out_share: float
    held_out_pairs: int
    held_out_demands: int
    figures: dict[str, Figure]
    slices: dict[str, dict[str, Figure]] = {}
    calibration_error: float | None
    latency_ms: float | None
    unanswered: float | None
    bytes: int
    seconds: float = 0.0
    # Filled in when MLflow has it.
    record_id: str = ""
    run_id: str = ""
    model_version: str = ""
    # What the gate said last: promoted, refused, forced; empty as long as it was not asked.
    decision: str = ""


class Check(BaseModel):
    """One condition: whether it holds, its number against its limit, and a sentence for people."""

    name: str
    passed: bool
    value: float | None = None
    limit: float | None = None
    message: str = Field(validation_alias=AliasChoices("message", "said"))  # "said" until 0.1.0


class Decision(BaseModel):
    """What was decided about a version, by whom and on which numbers."""

    action: str  # promote or rollback
    candidate: str
    champion: str
    passed: bool
    promoted: bool
    forced: bool = False
    who: str = ""
    why: str = ""
    at: datetime
    held_out_pairs: int = 0
    held_out_demands: int = 0
    checks: list[Check] = []
    gains: dict[str, Figure] = {}
    slices: dict[str, Figure] = {}
    # Why MLflow does not know of it yet; empty if it does.
    unreached: str = ""
