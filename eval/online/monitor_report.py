"""What `gongxu monitor` leaves for people: one report in GONGXU_HOME, written by the command, read by the dashboard."""

import json
import os
from datetime import datetime
from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

REPORT = "monitor_report.json"  # in GONGXU_HOME: the last report


class Finding(BaseModel):
    """One thing looked at: whether it is an alarm, its number against its limit, a sentence for people."""

    model_config = ConfigDict(frozen=True)

    name: str
    alarm: bool
    value: float | None = None
    limit: float | None = None
    message: str = Field(validation_alias=AliasChoices("message", "said"))  # "said" until 0.1.0


class Watched(BaseModel):
    """One feature: its population stability index against training, the limit, its share of the ranker's gain."""

    model_config = ConfigDict(frozen=True)

    index: float
    limit: float
    share: float


class MonitorReport(BaseModel):
    """What was found; `drifted` holds the features whose distribution moved, with their index, `features` all of them."""

    model_config = ConfigDict(frozen=True)

    version: str
    since: datetime
    until: datetime
    events: int
    demands: int
    findings: tuple[Finding, ...] = ()
    drifted: dict[str, float] = {}
    features: dict[str, Watched] = {}

    @property
    def alarm(self) -> bool:
        """Whether anything is an alarm."""
        return any(finding.alarm for finding in self.findings)


def report_json(report: MonitorReport) -> str:
    """Return a report as one line of JSON, with whether anything is an alarm."""
    return json.dumps({"alarm": report.alarm, **report.model_dump(mode="json")}, ensure_ascii=False)


def save_report(home: Path, report: MonitorReport) -> Path:
    """Write a report where the dashboard looks for the last one, in one step, and return its path."""
    path = home / REPORT
    home.mkdir(parents=True, exist_ok=True)
    waiting = home / f".{REPORT}-{os.getpid()}"
    waiting.write_text(report_json(report), encoding="utf-8")
    waiting.replace(path)
    return path


def last_report(home: Path) -> MonitorReport | None:
    """Return the last report, None without one or for a file of another format."""
    try:
        return MonitorReport.model_validate_json((home / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
