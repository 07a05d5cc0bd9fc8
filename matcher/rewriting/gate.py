"""Whether rewriting may propose candidates: what a measurement on held-out demands found, kept in the home."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from matcher.measured import read_measured
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
    found = read_measured(home / FILE, RewriteGate, "gongxu lab rewrite")
    return found if found is not None and (found.chat, found.prompt) == (chat, PROMPT) else None
