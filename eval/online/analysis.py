"""Where a version goes wrong: its worst pairs, what moves it, and whether more data would help; kept beside its facts."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import InputError
from eval.online.versions import CANDIDATES
from knowledge_graph.taxonomy.regions import load_regions

ANALYSIS = "analysis.json"


class WorstPair(BaseModel):
    """A held-out pair on which a version was far off; `missed` is how far its probability was from the outcome, 0 to 1."""

    model_config = ConfigDict(frozen=True)

    demand_id: str
    demand: str
    achievement_id: str
    achievement: str
    grade: int
    judged: bool
    probability: float
    missed: float
    reasons: tuple[str, ...] = ()
    # The beginnings of both texts, for who reads the table without the store.
    demand_text: str = ""
    achievement_text: str = ""


class CurvePoint(BaseModel):
    """NDCG@10 on held-out demands of a ranker that learned from some of the demands; without history, to be comparable."""

    model_config = ConfigDict(frozen=True)

    demands: int
    pairs: int
    value: float | None
    low: float | None
    high: float | None


class FeatureWeight(BaseModel):
    """A feature's mean absolute SHAP value on held-out pairs, in log-odds summed over the grades."""

    model_config = ConfigDict(frozen=True)

    feature: str
    label: str
    weight: float


class Analysis(BaseModel):
    """What is known of a version's errors."""

    model_config = ConfigDict(frozen=True)

    worst: tuple[WorstPair, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    weights: tuple[FeatureWeight, ...] = ()


def slice_label(name: str) -> str:
    """Return in Chinese what a slice of `training.comparison.slices` is called; "" is the whole."""
    kind, _, value = name.partition(" ")
    fixed = {"": "全部", "short texts": "文字很短的需求", "new achievements": "新成果"}
    if name in fixed:
        return fixed[name]
    if kind == "province":
        return f"地区：{load_regions().name(int(value) * 10_000) or value}" if value.isdecimal() else f"地区：{value}"
    return {"field": "领域：", "firm": "企业规模："}.get(kind, f"{kind} ") + value


def load_analysis(home: Path, version: str) -> Analysis:
    """Return the analysis of a version, empty if it has none.

    Raises:
        InputError: its file is damaged.

    """
    path = home / CANDIDATES / Path(version).name / ANALYSIS
    if not path.is_file():
        return Analysis()
    try:
        return Analysis.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise InputError(f"{path.name} of version {version} is damaged; train again") from error
