"""How complete a demand is: what it says, what it lacks, and how often demands like it were answered."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import BundleError, first_line
from data.records import Demand
from data.settings import Settings
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.queries.elements import ELEMENT_NAMES, ELEMENTS, READ, demand_text, find_elements
from matcher.requirements.table import quantities_of

PART_NAMES = {
    **ELEMENT_NAMES,
    "requirement": "量化指标",
    "current": "现状",
    "scenario": "使用场景",
    "budget": "预算",
    "deadline": "期限",
    "cooperation": "合作方式",
}
"""Parts of a complete demand and what people call them."""

ADVICE = {
    "material": "写明处理对象或所用材料",
    "method": "写明现用或设想的技术路线，没有也可写“路线不限”",
    "effect": "写明希望达到的效果，如提高或降低什么",
    "product": "写明想要的产品、设备或服务",
    "application": "写明用在哪个环节或领域",
    "requirement": "给出带数值的指标，如“含水率不超过40%”",
    "current": "写明目前的做法和数值",
    "scenario": "写明现场条件，如处理量、厂房、工况",
    "budget": "给出预算范围",
    "deadline": "给出希望完成的日期",
    "cooperation": "选择合作方式，如委托开发、许可",
}

_CURRENT = re.compile(r"目前|现有|现状|当前|现用|现场|我们厂|我厂|我司|我公司|正在使用|一直|之前|近两年|去年|已有")
_SCENARIO = re.compile(
    r"场景|工况|现场|车间|厂房|产线|生产线|工地|矿井|机组|环境下|条件下|服务[^，。；]{2,}|我们在[^，。；]{2,}"
)
_BUDGET = re.compile(r"预算|投入|投资(?!回收)|资金|经费|费用|报价|万元")
_DEADLINE = re.compile(r"期限|工期|截止|个月内|天内|年内|年底前|月底前|尽快|今年能|前完成|前交付")
_COOPERATION = re.compile(
    r"委托开发|合作开发|联合开发|联合攻关|技术转让|许可|入股|技术咨询|技术服务|合作方式|引进|购买|求购"
)


class Weights(BaseModel):
    """A logistic model of being answered: log-odds of a demand that says nothing, and what each part adds (at least 0)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    parts: dict[str, float] = Field(description="Log-odds that a stated part adds")
    base_rate: float = Field(ge=0, le=1, description="Share of the demands it was fitted on that were answered")
    fitted_on: str = Field("", description="What it was fitted on")


@dataclass(frozen=True)
class Part:
    """One part of a complete demand: whether it is stated, in which words, and its share of the score."""

    name: str
    title: str
    stated: bool
    evidence: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Completeness:
    """`score` in [0, 1]: shares of the stated parts; `answered`: probability that a demand like it is answered."""

    score: float
    answered: float
    base_rate: float
    parts: tuple[Part, ...]
    text: str

    @property
    def lacks(self) -> tuple[Part, ...]:
        """What is not stated, what counts most first."""
        return tuple(sorted((part for part in self.parts if not part.stated), key=lambda part: -part.share))


def completeness(demand: Demand, graph: KnowledgeGraph | None, weights: Weights | None = None) -> Completeness:
    """Return how complete a demand is, judged by its texts and fields; `weights` are the shipped ones by default."""
    weights = weights or shipped_weights()
    evidence = stated_parts(demand, graph)
    total = sum(weights.parts.values()) or 1.0
    parts = tuple(
        Part(name, title, bool(evidence[name]), evidence[name], weights.parts.get(name, 0.0) / total)
        for name, title in PART_NAMES.items()
    )
    score = sum(part.share for part in parts if part.stated)
    answered = _sigmoid(weights.intercept + total * score)
    return Completeness(score, answered, weights.base_rate, parts, _render(parts, score, answered, weights))


def stated_parts(demand: Demand, graph: KnowledgeGraph | None) -> dict[str, tuple[str, ...]]:
    """Return for each part the demand's own words for it, at most three; empty where it says nothing."""
    elements = find_elements(demand, graph)
    text = demand_text(demand)[:READ]
    quantities = quantities_of(demand)
    wanted = tuple(item.quote for item in quantities if item.role == "requirement")[:3]
    today = tuple(item.quote for item in quantities if item.role == "current")[:3]
    budget = _amount(demand)
    return {
        **{name: elements.evidence(name) for name in ELEMENTS},
        "requirement": wanted,
        "current": today or _found(_CURRENT, text),
        "scenario": _found(_SCENARIO, text),
        "budget": (budget,) if budget else _found(_BUDGET, text),
        "deadline": (demand.deadline.isoformat(),) if demand.deadline else _found(_DEADLINE, text),
        "cooperation": tuple(demand.cooperation_modes[:3]) or _found(_COOPERATION, text),
    }


@lru_cache(maxsize=1)
def shipped_weights() -> Weights:
    """Return the weights that ship with the project; docs/clarification.md tells how they were fitted."""
    text = (resources.files("matcher.clarification") / "completeness_weights.json").read_text(encoding="utf-8")
    return Weights.model_validate_json(text)


def completeness_path(settings: Settings) -> Path:
    """Return where weights that were fitted on a platform's own demands are kept."""
    return settings.home / "completeness_weights.json"


def load_weights(path: Path) -> Weights:
    """Read weights that were fitted on a platform's own demands, or the shipped ones where there is no such file.

    Raises:
        BundleError: the file is damaged.

    """
    if not path.is_file():
        return shipped_weights()
    try:
        return Weights.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BundleError(f"{path} cannot be read ({first_line(error)}); remove it or fit it again") from error


def as_dict(found: Completeness) -> Mapping[str, object]:
    """Return plain values for JSON."""
    return {
        "score": round(found.score, 4),
        "answered_probability": round(found.answered, 4),
        "base_rate": round(found.base_rate, 4),
        "text": found.text,
        "parts": [
            {
                "name": part.name,
                "title": part.title,
                "stated": part.stated,
                "evidence": list(part.evidence),
                "share": round(part.share, 4),
                "advice": "" if part.stated else ADVICE[part.name],
            }
            for part in found.parts
        ],
    }


def _render(parts: tuple[Part, ...], score: float, answered: float, weights: Weights) -> str:
    lacking = sorted((part for part in parts if not part.stated), key=lambda part: -part.share)
    base_rate = weights.base_rate
    compared = "高于" if answered > base_rate + 0.02 else "低于" if answered < base_rate - 0.02 else "接近"
    source = "（模拟平台上的估计，尚未用本平台的数据校准）" if weights.fitted_on.startswith("simulated") else ""
    text = (
        f"需求完整度 {score:.0%}；与此相当的需求约 {answered:.0%} 得到过回应，{compared}平均的 {weights.base_rate:.0%}"
        f"{source}。"
    )
    if not lacking:
        return text + "各项均已写明。"
    return (
        text
        + "尚缺："
        + "、".join(part.title for part in lacking)
        + f"。最值得补充的是{lacking[0].title}："
        + (ADVICE[lacking[0].name] + "。")
    )


def _found(cue: re.Pattern[str], text: str) -> tuple[str, ...]:
    """Return the words around the first occurrence of a cue, "" if nowhere."""
    match = cue.search(text)
    if not match:
        return ()
    start = max(text.rfind(mark, 0, match.start()) for mark in "，。；,;") + 1
    return (text[max(start, match.start() - 15) : match.end() + 15].split("。", maxsplit=1)[0],)


def _amount(demand: Demand) -> str:
    low, high = demand.budget_min, demand.budget_max
    if low is None and high is None:
        return ""
    if low is not None and high is not None:
        return f"{low:g}-{high:g}万元"
    return f"{low:g}万元以上" if high is None else f"{high:g}万元以内"


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))
