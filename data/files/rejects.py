"""Rows that cannot go in: why, in Chinese, and the file that lists them for whoever has to mend them."""

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest
from os import getpid
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError

from data.files.synonyms import FileKind
from data.records import AchievementStatus, DeclineReason, DemandStatus, EventKind

HEADER = ("文件", "行", "列", "值", "原因")

_NOT_NAME = re.compile(r"[^\w\-. ]+")
_MAX_VALUE = 200
_FORMULA = re.compile(r"^[=+\-@\t\r](?!\d+(?:\.\d+)?$)")
_ALLOWED = {
    (FileKind.ACHIEVEMENTS, "status"): AchievementStatus,
    (FileKind.DEMANDS, "status"): DemandStatus,
    (FileKind.EVENTS, "kind"): EventKind,
    (FileKind.EVENTS, "reason"): DeclineReason,
}
_DATES = frozenset({"published_at", "updated_at", "deadline", "occurred_at"})
_LISTS = frozenset({"keywords", "industries", "ipc", "experts", "transfer_modes", "cooperation_modes"})
_PLAIN_REASONS = {
    "missing": "必填，不能为空",
    "string_too_short": "必填，不能为空",
    "too_short": "必填，不能为空",
    "string_too_long": "超过 {max_length} 字",
    "too_long": "超过 {max_length} 字",
    "greater_than_equal": "不能小于 {ge:g}",
    "less_than_equal": "不能大于 {le:g}",
    "float_parsing": "不是数字",
    "float_type": "不是数字",
    "finite_number": "不是有限的数字",
    "int_parsing": "不是整数",
    "int_type": "不是整数",
    "int_from_float": "不是整数",
    "string_unicode": "含有无法识别的字符",
    "string_type": "不是文字",
}
# What the record types say of fields that do not fit each other.
_WHOLE_ROW = (
    ("above price_max", "下限高于上限", ["price_min", "price_max"]),
    ("above budget_max", "下限高于上限", ["budget_min", "budget_max"]),
    ("occurred_at is required", "缺少发生时间", ["occurred_at"]),
    ("belongs to a judgement", "等级（1-4）只属于专家评分，专家评分必须有等级", ["level"]),
)


@dataclass(frozen=True)
class Reject:
    """One thing wrong with one row; `column` is the header as in the file, "" for the row as a whole."""

    row: int
    column: str
    value: str
    reason: str


class RejectsFile:
    """Collects a table's rejects in `folder`; the final file appears when everything was read, none if all was well.

    The `suffix` of the file's name tells lists of one table apart.
    """

    def __init__(self, folder: Path, source: Path, sheet: str = "", suffix: str = "") -> None:
        self._folder, self._source = folder, source
        sheet_name = f"-{_NOT_NAME.sub('_', sheet)[:40]}" if sheet else ""
        self._stem = f"{_NOT_NAME.sub('_', source.stem)[:80]}{sheet_name}"
        self._shown = f"{source.name}［{sheet}］" if sheet else source.name
        self._suffix = suffix
        self._partial: Path | None = None
        self._file: TextIO | None = None
        self._writer: Any = None

    def write(self, rejects: list[Reject]) -> None:
        """Add the rejects of one row."""
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._partial = self._folder / f"{self._stem}{self._suffix}.{getpid()}.partial"
            # The mark lets Excel recognise UTF-8.
            self._file = self._partial.open("w", encoding="utf-8-sig", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(HEADER)
        for reject in rejects:
            value = reject.value[:_MAX_VALUE] + ("…" if len(reject.value) > _MAX_VALUE else "")
            value = value.encode("utf-8", "backslashreplace").decode()
            # A cell that starts like a formula would be computed by whoever opens the list.
            shown = f"'{value}" if _FORMULA.match(value) else value
            self._writer.writerow((self._shown, reject.row, reject.column, shown, reject.reason))

    def publish(self) -> Path | None:
        """Close the list and give it its name, which is the same whenever the same file is imported again."""
        if self._file is None or self._partial is None:
            return None
        self._file.close()
        with self._source.open("rb") as source:
            digest = file_digest(source, "sha256").hexdigest()[:12]
        return self._partial.replace(self._folder / f"{self._stem}-{digest}{self._suffix}.csv")

    def discard(self) -> None:
        """Drop an unfinished list; after `publish` this does nothing."""
        if self._file is not None and self._partial is not None:
            self._file.close()
            with suppress(FileNotFoundError):
                self._partial.unlink()


def rejects_of(
    row: int, error: ValidationError, cells: Mapping[str, Any], headers: Mapping[str, str], kind: FileKind
) -> Iterator[Reject]:
    """Yield what is wrong with a row, one column at a time.

    `cells` maps fields to values as read, `headers` fields to the file's headers.
    """
    reported = set()
    for problem in error.errors(include_url=False):
        field = str(problem["loc"][0]) if problem["loc"] else ""
        reason, columns = _reason(field, problem, kind)
        for name in columns or [field]:
            if (name, reason) not in reported:
                reported.add((name, reason))
                value = cells.get(name)
                yield Reject(row, headers.get(name, name), "" if value is None else str(value), reason)


def _reason(field: str, problem: Any, kind: FileKind) -> tuple[str, list[str]]:
    """Return the reason and, where it is not the field alone, the fields to blame."""
    name, message = problem["type"], problem["msg"]
    reason = message
    if name == "string_pattern_mismatch":
        reason = "须为六位数字的地区代码（GB/T 2260）" if field == "region" else "含有控制字符"
    elif name == "enum" and (kind, field) in _ALLOWED:
        reason = f"不在允许的值之内：{'、'.join(member.value for member in _ALLOWED[kind, field])}"
    elif name == "too_long" and field in _LISTS and len(problem["loc"]) == 1:
        reason = f"超过 {problem['ctx']['max_length']} 项"
    elif name in _PLAIN_REASONS:
        reason = _PLAIN_REASONS[name].format_map(problem.get("ctx", {}))
    elif field in _DATES:
        reason = "不是有效的日期，例如 2024-05-01"
    elif not field:
        return next(((reason, fields) for key, reason, fields in _WHOLE_ROW if key in message), (message, []))
    return reason, []
