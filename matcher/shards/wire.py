"""What a request and a shard say to each other: plain values, which go from process to process as they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray
from data.errors import ClusterError
from data.records import Achievement, Demand
from matcher.collection.collection import Side
from matcher.collection.encoded import EncodedRecords
from matcher.collection.filters import Filters
from matcher.ranking.channels import Found
from matcher.request.pipeline import DemandHistory, Wording
from matcher.requirements.table import QuantityTable
from matcher.texts.space import RecordText

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class SubjectForm:
    """A record as its shard keeps it: encoded, with its figures; `bundled` unless it was written since."""

    view: EncodedRecords
    bundled: bool
    figures: QuantityTable | None


@dataclass(frozen=True)
class Asked:
    """One question for candidates: the record that they are for, read once, and what is looked for.

    `token` names the question when the records of candidates are asked for later; `new_words` are those of the text that
    the text space does not know.
    """

    token: str
    record: Achievement | Demand
    view: EncodedRecords
    text: RecordText
    side: Side
    filters: Filters
    top: int
    personalised: bool
    history: DemandHistory
    figures: QuantityTable | None
    wordings: tuple[Wording, ...] = ()
    new_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """What a shard proposes: n candidates by number (`Part.numbers`), and what decides which of them are scored.

    `found` holds what each channel proposes as places among the n, with the channel's scores. `kept` (n,) is false for
    what figures or names rule out; `named` (n,) and `cosines` (n,) as in `Retrieved` and by full text; `columns` (n, f) of
    the first stage, without what tells of ranks, or None; `written` are words of the question that only later records use.
    """

    numbers: Rows
    found: Found
    kept: NDArray[np.bool_]
    named: NDArray[np.float64]
    cosines: FloatArray
    columns: FloatArray | None
    written: tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """All that a shard holds of n candidates: `view` (n) and their figures, None where the bundle has none."""

    view: EncodedRecords
    figures: QuantityTable | None


@dataclass(frozen=True)
class Refused:
    """A request that a shard cannot answer because of what it says, and why."""

    message: str
    chinese: str


class Conversation(Protocol):
    """Questions of one request, answered by a deadline; a shard that was late is not asked again."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """The shards that did not answer in time: "shard 2"."""

    def ask(self, question: str, of: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """Ask shards, by number and each with arguments of its own; return the answers of those that gave one in time."""


class Shards(Protocol):
    """All shards of one version of a bundle."""

    count: int
    patience: float
    """Seconds that all questions of one request may take together."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """The shards that did not answer when they were last asked."""

    def begin(self) -> Conversation:
        """Return a new request's conversation."""


def silent() -> ClusterError:
    """Return the error of a request that no shard answered."""
    return ClusterError("no shard answered in time; see docs/scale.md", "没有分片在限定时间内应答；见 docs/scale.md")
