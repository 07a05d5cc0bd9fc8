"""Writes the simulated platform as plain files, row by row, so that memory stays flat."""

import csv
import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from data.simulator.achievement_texts import achievement_id
from data.simulator.demand_texts import demand_id
from data.simulator.judgements import Judgements
from data.simulator.outcomes import CLICK, DEAL, DECLINE, IMPRESSION, KINDS, REASONS, EventLog, version_of
from data.simulator.relevance import grade_of
from data.simulator.shortlist import TruePairs
from data.simulator.world import LOG_MONTHS, LOG_START

CHUNK = 20_000


def write_table(path: Path, header: Iterable[str], rows: Iterable[list[str]], advance: Callable[[int], None]) -> None:
    """Write a CSV file (UTF-8, comma, line feed); `advance` hears of every row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            advance(1)


def write_events(path: Path, log: EventLog, advance: Callable[[int], None]) -> None:
    """Write events.jsonl, one event a line in order of time; ids number the lines."""
    start = LOG_START.astype(object)
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    versions = [version_of(month) for month in range(LOG_MONTHS)]
    with path.open("w", encoding="utf-8", newline="") as file:
        for begin in range(0, len(log.kind), CHUNK):
            part = log.take(np.arange(begin, min(begin + CHUNK, len(log.kind))))
            columns = (part.kind, part.demand, part.achievement, part.second, part.request, part.position)
            rows = zip(*(c.tolist() for c in (*columns, part.reason, part.amount, part.month)), strict=True)
            lines = []
            for number, (kind, demand, achievement, second, request, position, reason, amount, month) in enumerate(
                rows, start=begin + 1
            ):
                event: dict[str, Any] = {
                    "event_id": f"E{number:09d}",
                    "demand_id": demand_id(demand),
                    "achievement_id": achievement_id(achievement),
                    "kind": KINDS[kind],
                    "occurred_at": (midnight + timedelta(seconds=second)).isoformat(),
                    "request_id": f"R{request + 1:08d}",
                    "bundle_version": versions[month],
                }
                if kind in (IMPRESSION, CLICK):
                    event["position"] = position
                if kind == DECLINE:
                    event["reason"] = REASONS[reason]
                if kind == DEAL:
                    event["amount"] = round(amount, 1)
                lines.append(json.dumps(event, separators=(",", ":")))
            file.write("".join(f"{line}\n" for line in lines))
            advance(len(lines))


def write_judgements(path: Path, judgements: Judgements) -> None:
    """Write judgements.csv."""
    columns = (judgements.demand.tolist(), judgements.achievement.tolist(), judgements.level.tolist())
    rows = ([demand_id(d), achievement_id(a), str(level)] for d, a, level in zip(*columns, strict=True))
    write_table(path, ("demand_id", "achievement_id", "level"), rows, lambda _: None)


class TruthFile(AbstractContextManager["TruthFile"]):
    """truth/relevance.csv, written pair by pair as it becomes known; `pairs` counts its rows."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write("demand_id,achievement_id,relevance,grade\n")
        self.pairs = 0

    def add(self, pairs: TruePairs) -> None:
        """Append pairs."""
        grades = grade_of(pairs.relevance)
        for begin in range(0, len(pairs.demand), CHUNK):
            chunk = slice(begin, begin + CHUNK)
            columns: tuple[NDArray[Any], ...] = (pairs.demand, pairs.achievement, pairs.relevance, grades)
            rows = zip(*(column[chunk].tolist() for column in columns), strict=True)
            self._file.write("".join(f"D{d + 1:06d},A{a + 1:07d},{r:.3f},{g}\n" for d, a, r, g in rows))
        self.pairs += len(pairs.demand)

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()
