"""Estimates the stage of an achievement (初期, 中期, 成熟应用) from holder, form, transfer modes and text; may abstain."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from data.records import Achievement
from data.text.normalise import normalise

STAGES = ("初期阶段", "中期阶段", "成熟应用阶段")
LAST_LEVEL = (4, 7, 9)  # highest readiness (GB/T 22900-2022) of each stage
LEAST_PROBABILITY = 0.5  # below it nothing is said
SHIPPED = "stage_weights.json"
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_HOLDERS = (
    ("企业", r"公司|厂|集团|合作社|企业"),
    ("高校", r"大学|学院|学校|高校"),
    ("医院", r"医院"),
    ("院所", r"研究所|研究院|科学院|中心|站|院所"),
)
_LONGEST_LABEL = 6  # characters of a form that count: what follows is explanation
_TITLES = {
    "一种…": r"^一种",
    "软件版本": r"[VＶ]\s*\d",
    "研究": r"研究",
    "应用": r"应用",
    "产业化": r"产业化",
}
_CUES = {
    "专利说明": r"本发明|本实用新型|其特征在于",
    "授权": r"授权.{0,6}专利|专利.{0,4}\d+项|获.{0,8}专利",
    "使用": r"推广|应用于|已在|投入使用|批量|销售|量产|示范|效益|客户|用户单位",
    "临床": r"临床|患者",
    "试验": r"试验|实验|样机|中试|小试|研发",
    "品种": r"品种|审定",
}


@dataclass(frozen=True, slots=True)
class StageEstimate:
    """The likeliest of `STAGES` by number, its probability in (1/3, 1], and the features that say most for it."""

    stage: int
    probability: float
    evidence: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """Whether it may be said: below `LEAST_PROBABILITY` the model abstains."""
        return self.probability >= LEAST_PROBABILITY


@dataclass(frozen=True)
class StageModel:
    """A multinomial logistic regression. `weights` has (3,) by feature, `specificity` the idf by pair of characters."""

    weights: Mapping[str, tuple[float, ...]]
    specificity: Mapping[str, float]
    intercept: tuple[float, ...]

    def estimate(self, record: Achievement) -> StageEstimate:
        """Return the likeliest stage of a record with its probability."""
        found = values_of(record, self.specificity)
        known = {name: (value, self.weights[name]) for name, value in found.items() if name in self.weights}
        scores = [
            self.intercept[stage] + sum(value * weights[stage] for value, weights in known.values())
            for stage in range(len(STAGES))
        ]
        highest = max(scores)
        odds = [math.exp(score - highest) for score in scores]
        best = scores.index(highest)
        # How far a feature moves the best stage above the mean of the three.
        pushes = {name: value * (w[best] - sum(w) / len(w)) for name, (value, w) in known.items()}
        strongest = sorted((name for name, push in pushes.items() if push > 0), key=lambda n: (-pushes[n], n))
        return StageEstimate(best, odds[best] / sum(odds), tuple(strongest))


def stage_of_level(level: int) -> int:
    """Return the number of the stage that a level of readiness (1-9) belongs to."""
    return next(number for number, last in enumerate(LAST_LEVEL) if level <= last)


def attributes_of(record: Achievement) -> list[str]:
    """Return the features of a record beside its words, such as `单位=企业`."""
    holder = f"{record.holder} {record.holder_type}"
    kind = next((name for name, words in _HOLDERS if re.search(words, holder)), "")
    found = [f"单位={kind}", f"形式={record.form[:_LONGEST_LABEL]}"]
    found += [f"方式={mode}" for mode in record.transfer_modes] or ["方式="]
    found += [f"名称={name}" for name, words in _TITLES.items() if re.search(words, record.title)]
    return found + [f"简介={name}" for name, words in _CUES.items() if re.search(words, record.content)]


def bigrams_of(record: Achievement) -> set[str]:
    """Return the pairs of Chinese characters of title and content."""
    runs = _HAN.findall(normalise(f"{record.title}\n{record.content}"))
    return {run[at : at + 2] for run in runs for at in range(len(run) - 1)}


def values_of(record: Achievement, specificity: Mapping[str, float]) -> dict[str, float]:
    """Return a record's features: 1 for each attribute, pairs of characters as a tf-idf vector of unit length."""
    pairs = {pair: specificity[pair] for pair in bigrams_of(record) if pair in specificity}
    length = math.sqrt(sum(value**2 for value in pairs.values())) or 1.0
    return dict.fromkeys(attributes_of(record), 1.0) | {pair: value / length for pair, value in sorted(pairs.items())}


@cache
def shipped_model() -> StageModel:
    """Return the model that ships; `gongxu lab stages fit` writes it."""
    path = resources.files("knowledge_graph.maturity") / "lexicon" / SHIPPED
    return read_model(path.read_text(encoding="utf-8"))


def read_model(text: str) -> StageModel:
    """Return the model that a JSON text holds."""
    raw = json.loads(text)
    weights = {name: tuple(values) for name, values in raw["attributes"].items()}
    weights |= {name: tuple(values[1:]) for name, values in raw["bigrams"].items()}
    return StageModel(weights, {name: values[0] for name, values in raw["bigrams"].items()}, tuple(raw["intercept"]))
