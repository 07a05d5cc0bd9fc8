"""Why a pair was proposed, in Chinese: the ranker's own contributions, grouped, each with its evidence quoted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError
from knowledge_graph.reading.paths import Path
from knowledge_graph.relations.likeness import Likeness
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import PairIndices
from matcher.explanations.word_pairs import Partners, Words, partner_words, shared_terms, words_of
from matcher.features.attributes import ATTRIBUTE
from matcher.features.table import FEATURE, FeatureTable
from matcher.history.outcome_history import History
from matcher.recommendation import Reason, ReasonKind
from matcher.texts.space import TextSpace

Rows = NDArray[np.int64]

MIN_SHARE = 0.03  # of the sum of absolute contributions; weaker causes are not worth a reader's time
MAX_REASONS = 5
QUOTED = 5  # words, or pairs of words
LIKE_ENOUGH = 0.45  # a past pair less like this one is no evidence to show

# Titles of stored records by id, for quoting past outcomes: (of demands, of achievements).
Titles = tuple[Callable[[str], str], Callable[[str], str]]
Outcome = tuple[str, str, int, float]  # demand id, achievement id, grade, likeness
Quoted = dict[str, str | float | list[str]]


@dataclass(frozen=True)
class Explained:
    """n pairs to explain with their features `table`; of one side all are the same record.

    `paths` returns the strongest ones in the knowledge graph of the pairs it is given by number.
    """

    space: TextSpace
    pairs: PairBatch
    table: FeatureTable
    paths: Callable[[Sequence[int]], Sequence[Sequence[Path]]]


def group_of(feature: str) -> str:
    """Return the group that a feature is declared in: semantic, terms, concepts, graph, history, or an attribute.

    Raises:
        BundleError: the feature is none of the feature table's.

    """
    if feature not in FEATURE:
        raise BundleError(
            f"the ranker uses feature {feature!r}, which no reason can name; train again with `gongxu train`"
        )
    return FEATURE[feature].group


@cache
def _groups_of(features: tuple[str, ...]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the causes of features and (f, causes) which feature belongs to which."""
    groups = tuple(dict.fromkeys(map(group_of, features)))
    belongs = np.array([[group_of(feature) == group for group in groups] for feature in features], dtype=np.float64)
    return groups, belongs


def explain(
    asked: Explained, history: History, titles: Titles, contributions: NDArray[np.float64], names: tuple[str, ...]
) -> list[list[Reason]]:
    """Return at most `MAX_REASONS` reasons for each of n pairs, those in favour first, strongest first.

    Args:
        asked: the pairs with their features.
        history: outcomes the features were computed from.
        titles: of the records that outcomes name.
        contributions: (n, len(names)) of each feature to the log-odds of a good match.
        names: features of the ranker.

    """
    groups, belongs = _groups_of(names)
    weights = contributions @ belongs
    total = np.abs(weights).sum(axis=1, keepdims=True)
    counts = np.abs(weights) / np.where(total > 0, total, 1.0) >= MIN_SHARE
    quoting = {group: np.flatnonzero(counts[:, number]) for number, group in enumerate(groups)}
    evidence = _Evidence(asked, history, titles, quoting)
    found = []
    for place, (row, order) in enumerate(
        zip(weights, np.argsort(-np.abs(weights), axis=1, kind="stable"), strict=True)
    ):
        reasons: list[Reason] = []
        for group in order[counts[place, order]].tolist():
            reason = evidence.reason(place, groups[group], float(row[group]))
            if reason is not None:
                reasons.append(reason)
            if len(reasons) == MAX_REASONS:
                break
        found.append(sorted(reasons, key=lambda reason: -reason.weight))
    return found


class _Evidence:
    """Quotes what speaks for and against pairs; what several of them ask for is looked up once."""

    def __init__(self, asked: Explained, history: History, titles: Titles, quoting: dict[str, Rows]) -> None:
        """Look up for the pairs; `quoting` are the numbers of those that each cause matters to."""
        self.asked = asked
        self.pairs = asked.pairs
        self.history = history
        self.titles = titles
        self.quoting = quoting
        self._column = {name: column for column, name in enumerate(asked.table.names)}
        self._known_words: dict[tuple[int, bool], Words] = {}  # by row and whether it is a demand's

    def reason(self, place: int, group: str, weight: float) -> Reason | None:
        """Return the reason of one cause of pair `place`; None where nothing can be quoted."""
        if group in ATTRIBUTE:
            return self._attribute(place, group, weight)
        builders: dict[str, Callable[[int, float], Reason | None]] = {
            "semantic": self._semantic,
            "terms": self._terms,
            "concepts": self._concepts,
            "graph": self._graph,
            "history": self._history,
        }
        return builders[group](place, weight) if group in builders else None

    def _value(self, place: int, feature: str) -> float:
        return float(self.asked.table.values[place, self._column[feature]])

    def _words(self, place: int) -> tuple[Words, Words]:
        """Return the words of the pair's demand and of its achievement."""
        pairs, found = self.pairs, []
        for view, row, asks in ((pairs.demands, pairs.d[place], True), (pairs.achievements, pairs.a[place], False)):
            key = int(row), asks
            if key not in self._known_words:
                self._known_words[key] = words_of(self.asked.space, view.texts.full, key[0])
            found.append(self._known_words[key])
        return found[0], found[1]

    @cached_property
    def _outcomes(self) -> dict[int, list[Outcome]]:
        """The known outcomes most like each pair."""
        asked = self.quoting["history"]
        found = self.history.evidence(self.pairs.take(PairIndices(asked)))
        return dict(zip(asked.tolist(), found, strict=True))

    @cached_property
    def _paths(self) -> dict[int, Sequence[Path]]:
        asked = self.quoting["graph"].tolist()
        return dict(zip(asked, self.asked.paths(asked), strict=True))

    def _semantic(self, place: int, weight: float) -> Reason:
        cosine, unusual = self._value(place, "vectors_f"), self._value(place, "vectors_f_for_demand")
        if weight > 0:
            text = f"语义相近：整体相似度 {cosine:.2f}，比该需求与一般成果的相似度高 {unusual:.1f} 个标准差"
        else:
            text = f"语义不够接近：整体相似度仅 {cosine:.2f}，偏离一般成果 {unusual:+.1f} 个标准差"
        evidence: Quoted = {"cosine": round(cosine, 4), "deviations": round(unusual, 2)}
        return Reason(kind=_kind("semantic", weight), text=text, weight=weight, evidence=evidence)

    def _terms(self, place: int, weight: float) -> Reason | None:
        terms = shared_terms(self.asked.space, *self._words(place), QUOTED)
        quoted = "".join(f"“{term}”" for term in terms)
        if not terms and weight > 0:
            return None  # n-grams of characters agree, but nothing that could be quoted
        if not terms:
            text = "双方文字没有共同的专门术语"
        elif weight > 0:
            text = f"双方都提到{quoted}"
        else:
            text = f"共同术语偏少或偏泛，仅有{quoted}"
        return Reason(kind=_kind("terms", weight), text=text, weight=weight, evidence={"shared_terms": terms})

    def _concepts(self, place: int, weight: float) -> Reason | None:
        partners = partner_words(self.asked.space, *self._words(place), QUOTED)
        if weight > 0 and not partners:
            return None  # the shared terms, quoted elsewhere, aligned with themselves
        text = _alike(partners[:3]) if weight > 0 else "需求中的关键概念在成果中缺少对应"
        evidence: Quoted = {"partners": [f"{_pair(partner)}（{partner.cosine:.2f}）" for partner in partners]}
        return Reason(kind=_kind("concepts", weight), text=text, weight=weight, evidence=evidence)

    def _graph(self, place: int, weight: float) -> Reason | None:
        paths = self._paths[place]
        if weight > 0 and not paths:
            return None
        texts = [path.text for path in paths]
        if weight > 0:
            text = f"知识图谱关联：{texts[0]}"
        elif paths:
            text = f"知识图谱中双方关联较弱，最强的一条为：{texts[0]}"
        else:
            text = "知识图谱中双方术语没有关联"
        evidence: Quoted = {"paths": texts}
        if paths and paths[0].evidence:
            evidence["support"] = paths[0].evidence
        return Reason(kind=_kind("graph", weight), text=text, weight=weight, evidence=evidence)

    def _history(self, place: int, weight: float) -> Reason | None:
        outcomes = self._outcomes[place]
        wanted = [known for known in outcomes if (known[2] >= 2) == (weight > 0) and known[3] >= LIKE_ENOUGH]
        if not wanted:
            return self._history_of_demand(place, weight)
        demand_id, achievement_id, grade, likeness = wanted[0]
        text = (
            f"以往相近的一对（需求《{self.titles[0](demand_id)}》与成果《{self.titles[1](achievement_id)}》，"
            f"相近度 {likeness:.2f}）{'结果较好' if weight > 0 else '结果不理想'}：{GRADE_NAMES[grade]}"
        )
        evidence: Quoted = {
            "demand_id": demand_id,
            "achievement_id": achievement_id,
            "grade": float(grade),
            "likeness": round(likeness, 4),
        }
        return Reason(kind=_kind("history", weight), text=text, weight=weight, evidence=evidence)

    def _history_of_demand(self, place: int, weight: float) -> Reason | None:
        known, mean = self._value(place, "known_pairs"), self._value(place, "known_mean")
        if not known > 0:  # NaN where outcomes play no part
            return None
        outcomes = round(float(np.expm1(known)))
        return Reason(
            kind=_kind("history", weight),
            text=f"该需求以往 {outcomes} 个结果的平均等级为 {mean:.1f}（0–4 级）",
            weight=weight,
            evidence={"outcomes": float(outcomes), "mean_grade": round(mean, 2)},
        )

    def _attribute(self, place: int, name: str, weight: float) -> Reason | None:
        value, pairs = self._value(place, name), self.pairs
        if np.isnan(value):
            return None
        declared = ATTRIBUTE[name]
        verdict = "有利" if weight > 0 else "不利"
        wanted, offered, sides = "", "", f"{value:.4g}"
        if declared.columns:
            wanted = declared.as_text(pairs.demands.cards.card(int(pairs.d[place]), declared.columns))
            offered = declared.as_text(pairs.achievements.cards.card(int(pairs.a[place]), declared.columns))
            wanted, offered = declared.asked.format(wanted), declared.offered.format(offered)
            sides = f"需求{wanted}，成果{offered}" if wanted else offered
        return Reason(
            kind=_kind("attributes", weight),
            text=f"{declared.label}{verdict}：{sides}",
            weight=weight,
            evidence={"attribute": name, "demand": wanted, "achievement": offered, "value": round(value, 4)},
        )


_SIGNS = {Likeness.SAME: "≈", Likeness.NARROWER: "⊂", Likeness.BROADER: "⊃"}


def _pair(partners: Partners) -> str:
    return f"需求“{partners.wanted}”{_SIGNS[partners.likeness]}成果“{partners.offered}”"


def _alike(partners: Sequence[Partners]) -> str:
    """Return which words mean the same, and of which one is a kind of the other."""
    same = [_pair(one) for one in partners if one.likeness is Likeness.SAME]
    kinds = [_pair(one) for one in partners if one.likeness is not Likeness.SAME]
    parts = [f"用词不同而含义相近：{'、'.join(same)}"] * bool(same) + [f"上下位概念：{'、'.join(kinds)}"] * bool(kinds)
    return "；".join(parts)


def _kind(kind: ReasonKind, weight: float) -> ReasonKind:
    return kind if weight > 0 else "caution"


GRADE_NAMES = {
    0: "未获认可（0 级）",
    1: "略有关联（1 级）",
    2: "较强匹配或已联系（2 级）",
    3: "强匹配或已洽谈（3 级）",
    4: "已成交（4 级）",
}
