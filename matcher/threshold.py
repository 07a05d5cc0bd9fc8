"""The least probability at which a list is worth showing, as calibrated on judgements; kept beside the bundles."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import BundleError
from data.settings import Settings


class AnswerThreshold(BaseModel):
    """A threshold with what it was calibrated on, and what it promises there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    probability: float = Field(ge=0, le=1, description="Least probability of the best candidate")
    risk: float = Field(ge=0, le=1, description="Share of answered demands without a good match on top")
    coverage: float = Field(ge=0, le=1, description="Share of demands that are answered")
    fitted_on: str = ""


def threshold_path(settings: Settings) -> Path:
    """Return where a platform's own threshold is kept."""
    return settings.home / "answer_threshold.json"


def load_threshold(settings: Settings) -> float | None:
    """Return the calibrated threshold, or None where none was saved.

    Raises:
        BundleError: the file is damaged.

    """
    path = threshold_path(settings)
    if not path.is_file():
        return None
    try:
        return AnswerThreshold.model_validate_json(path.read_text(encoding="utf-8")).probability
    except (ValidationError, UnicodeDecodeError) as error:
        raise BundleError(
            f"{path} cannot be read; remove it or calibrate again with `gongxu study threshold`"
        ) from error
