"""Records sent as JSON Lines: read line by line, the good ones written, every line answered for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import InputError
from data.kinds.declaration import KindDeclaration
from data.kinds.record import KindRecord, read_record
from data.records import Achievement, Demand
from data.store.upserts import UpsertCounts
from serving.faults import faults_of

MAX_LINES = 20_000
_R = TypeVar("_R", Achievement, Demand, KindRecord)


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


def read_lines(body: bytes, read: Callable[[bytes], _R]) -> Upload[_R]:
    """Return the records of a body of JSON Lines (UTF-8), with a result for each line that holds none.

    `read` returns the record of a line; it raises ValidationError or InputError for a line that holds none.
    """
    upload: Upload[_R] = Upload()
    for number, line in _numbered(body):
        if number > MAX_LINES:
            upload.rejected.append(_rejected(number, f"一次最多上传 {MAX_LINES} 行；请另行发送其余各行"))
            break
        try:
            upload.records[number] = read(line)
        except ValidationError as error:
            faults = faults_of(list(error.errors(include_url=False)))
            reasons = (
                f"{fault['where']}：{fault['message']}" if fault["where"] else fault["message"] for fault in faults
            )
            upload.rejected.append(_rejected(number, "；".join(reasons)))
        except InputError as error:
            upload.rejected.append(_rejected(number, error.chinese or str(error)))
    return upload


def read_kind_line(line: bytes, kind: KindDeclaration) -> KindRecord:
    """Return the record of a kind that a line of JSON describes.

    Raises:
        InputError: the line is no JSON object, has no id, or does not fit the kind's declaration.

    """
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InputError(f"not JSON: {error}", "不是合法的 JSON") from error
    if not isinstance(values, dict):
        raise InputError(f"a line is a JSON object, not {type(values).__name__}", "每行须是一个 JSON 对象")
    stated = values.pop("kind", kind.name)
    if stated != kind.name:
        raise InputError(
            f"the path names the kind {kind.name!r}, the record {str(stated)[:40]!r}; they must be the same",
            f"路径中的种类“{kind.name}”与记录中的“{str(stated)[:40]}”须相同",
        )
    return read_record(kind, values)


def _rejected(number: int, reason: str) -> LineResult:
    return LineResult(line=number, id=None, result="rejected", reason=reason)


def _numbered(body: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            yield number, line
