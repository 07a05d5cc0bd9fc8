"""Whether rewriting may propose candidates: what a measurement on held-out demands found, kept in the home."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import InputError
from matcher.rewriting.queries import PROMPT

FILE = "rewrite.json"


class RewriteGate(BaseModel):
    """A sure gain of one model's rewritings under one instruction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chat: str = Field(description="Address and model")
    prompt: str
    gain: float = Field(description="NDCG@10 of lists for held-out demands, with minus without")
    low: float = Field(gt=0, description="Lower end of its 95% interval: only a sure gain is used")
    high: float
    demands: int = Field(ge=1)
    bundle_version: str
    measured_at: datetime


def load_gate(home: Path, chat: str) -> RewriteGate | None:
    """Return what this model's rewritings gained under the present instruction, None if nothing sure.

    Raises:
        InputError: the file cannot be read.

    """
    path = home / FILE
    try:
        found = RewriteGate.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise InputError(f"{path} cannot be read ({error}); run `gongxu lab rewrite` again") from error
    return found if (found.chat, found.prompt) == (chat, PROMPT) else None
