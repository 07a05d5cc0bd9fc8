"""Records sent as JSON Lines: read line by line, the good ones written, every line answered for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.records import Achievement, Demand
from data.store.upserts import UpsertCounts
from serving.faults import faults_of

MAX_LINES = 20_000
_R = TypeVar("_R", Achievement, Demand)


class LineResult(BaseModel):
    """Outcome of one line."""

    model_config = ConfigDict(frozen=True)

    line: int = Field(description="Number of the line, from 1; empty lines count but have no result")
    id: str | None = Field(description="Id of the record, if the line could be read")
    result: str = Field(description="stored or rejected", examples=["stored"])
    reason: str = Field("", description="Why it was rejected")


class BulkAnswer(BaseModel):
    """Outcome of an upload. Lines reported as stored are on disk."""

    model_config = ConfigDict(frozen=True)

    inserted: int
    updated: int
    unchanged: int
    rejected: int
    lines: list[LineResult]


@dataclass
class Upload(Generic[_R]):
    """The lines of one upload, read: records by line, and the results of those that cannot be used."""

    records: dict[int, _R] = field(default_factory=dict)
    rejected: list[LineResult] = field(default_factory=list)

    def answer(self, counts: UpsertCounts) -> BulkAnswer:
        """Return the answer once the records are stored."""
        stored: list[LineResult] = [
            LineResult(line=n, id=record.record_id, result="stored") for n, record in self.records.items()
        ]
        return BulkAnswer(
            inserted=counts.inserted,
            updated=counts.updated,
            unchanged=counts.unchanged,
            rejected=len(self.rejected),
            lines=sorted([*stored, *self.rejected], key=lambda result: result.line),
        )


def read_lines(body: bytes, model: type[_R]) -> Upload[_R]:
    """Return the records of a body of JSON Lines (UTF-8), with a result for each line that holds none."""
    upload: Upload[_R] = Upload()
    for number, line in _numbered(body):
        if number > MAX_LINES:
            upload.rejected.append(_rejected(number, f"一次最多上传 {MAX_LINES} 行；请另行发送其余各行"))
            break
        try:
            upload.records[number] = model.model_validate_json(line)
        except ValidationError as error:
            faults = faults_of(list(error.errors(include_url=False)))
            reasons = (
                f"{fault['where']}：{fault['message']}" if fault["where"] else fault["message"] for fault in faults
            )
            upload.rejected.append(_rejected(number, "；".join(reasons)))
    return upload


def _rejected(number: int, reason: str) -> LineResult:
    return LineResult(line=number, id=None, result="rejected", reason=reason)


def _numbered(body: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            yield number, line
