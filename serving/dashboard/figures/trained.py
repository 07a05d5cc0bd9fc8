"""What training left in GONGXU_HOME about its versions: facts and figures, decisions of the gate, predictions, evaluations."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from eval.online.versions import CANDIDATES, FACTS, PREDICTIONS, Candidate, Decision, Figure
from matcher.served import JOURNAL

GOOD_GRADE = 2
KEPT_EVALUATIONS = 10
BINS = 10


def trained_versions(home: Path) -> list[Candidate]:
    """Return all trained versions of a home, newest first; a file of another format is left out."""
    found = []
    for path in sorted((home / CANDIDATES).glob(f"*/{FACTS}"), reverse=True):
        try:
            found.append(Candidate.model_validate_json(path.read_text(encoding="utf-8")))
        except (OSError, ValidationError):
            continue
    return found


def decisions(home: Path) -> list[Decision]:
    """Return all decisions about promotion and rollback, newest first; a line of another format is left out."""
    path = home / JOURNAL
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(Decision.model_validate_json(line))
        except ValidationError:
            continue
    return found[::-1]


def evaluations(home: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the newest stored evaluations: name, title, figures (split → system → metric → value, low, high)."""
    kept = [(name, content) for name, content in _kept(home) if isinstance(content.get("splits"), dict)]
    return [(name, str(content.get("title", "")), content["splits"]) for name, content in kept[:KEPT_EVALUATIONS]]


def served_evaluation(home: Path) -> tuple[str, dict[str, dict[str, Any]]] | None:
    """Return the newest stored evaluation of served lists: when it was made, system → metric → value, low, high."""
    for name, content in _kept(home):
        systems = content.get("served")
        if isinstance(systems, dict) and systems and all(isinstance(one, dict) for one in systems.values()):
            return name, systems
    return None


def _kept(home: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what evaluations left, the newest first; a file of another format is left out."""
    for path in sorted((home / "evaluations").glob("*.json"), reverse=True):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            yield path.stem, content


class Reliability(BaseModel):
    """One bin of a calibration curve: bounds, pairs in it, mean probability, share that were good."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float
    pairs: int
    predicted: float
    observed: float


def reliability(home: Path, version: str) -> list[Reliability]:
    """Return the calibration curve of a version on outcomes of demands it learned nothing from; [] if none were kept."""
    path = _held_out_path(home, version)
    if not path.is_file():
        return []
    table = pq.read_table(path, columns=["grade", "probability"])
    probability: NDArray[np.float64] = np.asarray(table.column("probability").to_numpy(), dtype=np.float64)
    good = table.column("grade").to_numpy() >= GOOD_GRADE
    place = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    found = []
    for number in range(BINS):
        here = place == number
        if here.any():
            found.append(
                Reliability(
                    low=number / BINS,
                    high=(number + 1) / BINS,
                    pairs=int(here.sum()),
                    predicted=float(probability[here].mean()),
                    observed=float(good[here].mean()),
                )
            )
    return found


def held_out(home: Path, version: str, low: float = 0.0, high: float = 1.0) -> list[dict[str, Any]]:
    """Return the pairs of a version's held-out demands whose probability lies in [low, high), 1 included where high is 1."""
    path = _held_out_path(home, version)
    if not path.is_file():
        return []
    table = pq.read_table(path, columns=["demand_id", "achievement_id", "grade", "probability"])
    probability = np.asarray(table.column("probability").to_numpy(), dtype=np.float64)
    inside = (probability >= low) & ((probability < high) | (high >= 1.0))
    found: list[dict[str, Any]] = table.filter(inside).to_pylist()
    return found


def _held_out_path(home: Path, version: str) -> Path:
    return home / CANDIDATES / Path(version).name / PREDICTIONS


def shown_interval(figure: Figure | None) -> str:
    """Return a figure with its interval, in short."""
    if figure is None or figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
