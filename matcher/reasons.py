"""Why a pair was proposed, in Chinese: the ranker's own contributions, grouped, each with its evidence quoted."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError
from knowledge_graph.paths import Path
from knowledge_graph.signals import SIGNAL_NAMES
from matcher.attributes import ATTRIBUTES
from matcher.features import LATENT_COLUMNS, FeatureTable
from matcher.history import HISTORY, History
from matcher.recommendation import Reason, ReasonKind
from matcher.sparse import FloatArray
from matcher.textspace import TextSpace
from matcher.view import View

MIN_SHARE = 0.03  # of the sum of absolute contributions; weaker causes are not worth a reader's time
MAX_REASONS = 5
PARTNER_COSINE = 0.5  # words nearer than this are shown as partners
QUOTED = 5
TELLING_IDF = 4.0  # a word in more than a twentieth of all texts (技术, 设备) tells nothing
LIKE_ENOUGH = 0.45  # a past pair less like this one is no evidence to show

ATTRIBUTE_NAMES = {
    "same_field": "技术领域",
    "industry_depth": "所属行业",
    "region_level": "所在地区",
    "trl_margin": "技术成熟度",
    "price_to_budget": "报价与预算",
    "mode_overlap": "合作方式",
    "achievement_year": "成果发布时间",
}


# The graph's own measures of what records state belong with the attribute they measure.
GRAPH_ATTRIBUTES = {
    "graph_field_distance": "same_field",
    "graph_industry_distance": "industry_depth",
    "graph_region_distance": "region_level",
}


@dataclass(frozen=True)
class Pair:
    """One demand with one achievement: views of one row each."""

    demand: View
    achievement: View


# Titles of stored records by id, for quoting past outcomes: (of demands, of achievements).
Titles = tuple[Callable[[str], str], Callable[[str], str]]


@cache
def group_of(feature: str) -> str:
    """Return the cause that a feature belongs to: semantic, terms, concepts, topics, history, or an attribute's name.

    Raises:
        BundleError: the feature is none of the feature table's.

    """
    if feature in ATTRIBUTES:
        return feature
    if feature in HISTORY:
        return "history"
    if feature in SIGNAL_NAMES:
        return GRAPH_ATTRIBUTES.get(feature, "graph")
    if feature in LATENT_COLUMNS:
        return "topics"
    groups = {
        "semantic": ("vectors_", "topics_"),
        "terms": ("words_", "grams_", "overlap_"),
        "concepts": ("associated", "align_"),
    }
    for group, starts in groups.items():
        if feature.startswith(starts):
            return group
    raise BundleError(f"the ranker uses feature {feature!r}, which no reason can name; train again with `gongxu train`")


def shared_terms(space: TextSpace, pair: Pair) -> list[str]:
    """Return the words that both texts hold and few others do, the most telling first."""
    wanted, offered = pair.demand.texts.full.words, pair.achievement.texts.full.words
    shared = np.intersect1d(wanted.indices, offered.indices)
    telling = shared[space.words.idf[shared] >= TELLING_IDF]
    return [space.words.terms[column] for column in telling[np.argsort(-space.words.idf[telling], kind="stable")]]


def partner_words(space: TextSpace, pair: Pair) -> list[tuple[str, str, float]]:
    """Return pairs (demand's word, achievement's word, cosine) of different words that mean similar things, best first."""
    wanted, offered = pair.demand.texts.full.words.indices, pair.achievement.texts.full.words.indices
    only_wanted, only_offered = np.setdiff1d(wanted, offered), np.setdiff1d(offered, wanted)
    if not len(only_wanted) or not len(only_offered):
        return []
    cosine: FloatArray = space.word_vectors[only_wanted] @ space.word_vectors[only_offered].T
    weight = cosine * np.sqrt(np.outer(space.words.idf[only_wanted], space.words.idf[only_offered]))
    found: list[tuple[str, str, float]] = []
    for flat in np.argsort(-weight, axis=None, kind="stable")[:50]:
        i, j = divmod(int(flat), len(only_offered))
        word, partner = space.words.terms[only_wanted[i]], space.words.terms[only_offered[j]]
        fresh = not (_is_number(word) or _is_number(partner)) and all(
            word != taken and partner != given for taken, given, _ in found
        )
        if cosine[i, j] >= PARTNER_COSINE and fresh:
            found.append((word, partner, float(cosine[i, j])))
    return found[:QUOTED]


def _is_number(word: str) -> bool:
    """Tell a figure (`9.4%`, `50mm`) from a word: its vector says nothing about its value."""
    return word[0].isdigit()


def explain(
    space: TextSpace,
    history: History,
    titles: Titles,
    pair: Pair,
    paths: list[Path],
    table: FeatureTable,
    row: int,
    contributions: NDArray[np.float64],
    names: tuple[str, ...],
) -> list[Reason]:
    """Return at most `MAX_REASONS` reasons for one pair, those in favour first, strongest first.

    Args:
        space: that the views come from.
        history: outcomes the features were computed from.
        titles: of the records that outcomes name.
        pair: the two records.
        paths: strongest paths between them in the knowledge graph, strongest first.
        table: features of all scored pairs, of which `row` is this one.
        row: of the pair in the table.
        contributions: (f,) contribution of each of `names` to the log-odds of a good match.
        names: features of the ranker.

    """
    value = dict(zip(table.names, table.values[row].tolist(), strict=True))
    weights: dict[str, float] = {}
    for name, contribution in zip(names, contributions.tolist(), strict=True):
        group = group_of(name)
        weights[group] = weights.get(group, 0.0) + contribution
    total = sum(abs(weight) for weight in weights.values()) or 1.0
    reasons = []
    for group, weight in sorted(weights.items(), key=lambda item: -item[1]):
        if abs(weight) / total >= MIN_SHARE:
            reason = _reason(group, weight, space, history, titles, pair, paths, value)
            if reason is not None:
                reasons.append(reason)
    strongest = sorted(reasons, key=lambda reason: -abs(reason.weight))[:MAX_REASONS]
    return [reason for reason in reasons if reason in strongest]


def _reason(
    group: str,
    weight: float,
    space: TextSpace,
    history: History,
    titles: Titles,
    pair: Pair,
    paths: list[Path],
    value: dict[str, float],
) -> Reason | None:
    """Return the reason of one cause; None where nothing can be quoted, as for latent topics."""
    if group in ATTRIBUTES:
        return _attribute(group, weight, pair, value[group])
    builders: dict[str, Callable[[], Reason | None]] = {
        "semantic": lambda: _semantic(weight, value),
        "terms": lambda: _terms(weight, space, pair),
        "concepts": lambda: _concepts(weight, space, pair),
        "graph": lambda: _graph(weight, paths),
        "history": lambda: _history(weight, history, titles, pair, value),
    }
    return builders[group]() if group in builders else None


def _kind(kind: ReasonKind, weight: float) -> ReasonKind:
    return kind if weight > 0 else "caution"


def _semantic(weight: float, value: dict[str, float]) -> Reason:
    cosine, unusual = value["vectors_f"], value["vectors_f_for_demand"]
    if weight > 0:
        text = f"语义相近：整体相似度 {cosine:.2f}，比该需求与一般成果的相似度高 {unusual:.1f} 个标准差"
    else:
        text = f"语义不够接近：整体相似度仅 {cosine:.2f}，偏离一般成果 {unusual:+.1f} 个标准差"
    return Reason(
        kind=_kind("semantic", weight),
        text=text,
        weight=weight,
        evidence={"cosine": round(cosine, 4), "deviations": round(unusual, 2)},
    )


def _terms(weight: float, space: TextSpace, pair: Pair) -> Reason | None:
    terms = shared_terms(space, pair)[:QUOTED]
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


def _concepts(weight: float, space: TextSpace, pair: Pair) -> Reason | None:
    partners = partner_words(space, pair)
    if weight > 0 and not partners:
        return None  # the shared terms, quoted elsewhere, aligned with themselves
    quoted = "、".join(f"需求“{word}”≈成果“{partner}”" for word, partner, _ in partners[:3])
    text = f"用词不同而含义相近：{quoted}" if weight > 0 else "需求中的关键概念在成果中缺少对应"
    evidence: dict[str, str | float | list[str]] = {
        "partners": [f"{word}≈{partner}（{cosine:.2f}）" for word, partner, cosine in partners]
    }
    return Reason(kind=_kind("concepts", weight), text=text, weight=weight, evidence=evidence)


def _graph(weight: float, paths: list[Path]) -> Reason | None:
    if weight > 0 and not paths:
        return None
    if weight > 0:
        text = f"知识图谱关联：{paths[0].text}"
    elif paths:
        text = f"知识图谱中双方关联较弱，最强的一条为：{paths[0].text}"
    else:
        text = "知识图谱中双方术语没有关联"
    evidence: dict[str, str | float | list[str]] = {"paths": [path.text for path in paths]}
    if paths and paths[0].evidence:
        evidence["support"] = paths[0].evidence
    return Reason(kind=_kind("graph", weight), text=text, weight=weight, evidence=evidence)


def _history(weight: float, history: History, titles: Titles, pair: Pair, value: dict[str, float]) -> Reason | None:
    outcomes = history.evidence(pair.demand, pair.achievement)
    wanted = [outcome for outcome in outcomes if (outcome[2] >= 2) == (weight > 0) and outcome[3] >= LIKE_ENOUGH]
    if not wanted:
        return _history_of_demand(weight, value)
    demand_id, achievement_id, grade, likeness = wanted[0]
    text = (
        f"以往相近的一对（需求《{titles[0](demand_id)}》与成果《{titles[1](achievement_id)}》，相近度 {likeness:.2f}）"
        f"{'结果较好' if weight > 0 else '结果不理想'}：{GRADE_NAMES[grade]}"
    )
    evidence: dict[str, str | float | list[str]] = {
        "demand_id": demand_id,
        "achievement_id": achievement_id,
        "grade": float(grade),
        "likeness": round(likeness, 4),
    }
    return Reason(kind=_kind("history", weight), text=text, weight=weight, evidence=evidence)


def _history_of_demand(weight: float, value: dict[str, float]) -> Reason | None:
    if not value["known_pairs"] > 0:  # NaN where outcomes play no part
        return None
    known = round(float(np.expm1(value["known_pairs"])))
    mean = value["known_mean"]
    return Reason(
        kind=_kind("history", weight),
        text=f"该需求以往 {known} 个结果的平均等级为 {mean:.1f}（0–4 级）",
        weight=weight,
        evidence={"outcomes": float(known), "mean_grade": round(mean, 2)},
    )


GRADE_NAMES = {
    0: "未获认可（0 级）",
    1: "略有关联（1 级）",
    2: "较强匹配或已联系（2 级）",
    3: "强匹配或已洽谈（3 级）",
    4: "已成交（4 级）",
}


def _attribute(name: str, weight: float, pair: Pair, value: float) -> Reason | None:
    if np.isnan(value):
        return None
    wanted, offered = pair.demand.cards.card(0), pair.achievement.cards.card(0)
    says = {
        "same_field": (wanted["field"], offered["field"]),
        "industry_depth": ("、".join(wanted["industries"]), "、".join(offered["industries"])),
        "region_level": (wanted["region"], offered["region"]),
        "trl_margin": (f"要求 {wanted['trl']} 级", f"{offered['trl']} 级"),
        "price_to_budget": (_money(wanted), _money(offered)),
        "mode_overlap": ("、".join(wanted["modes"]), "、".join(offered["modes"])),
        "achievement_year": ("", f"{offered['published']}"),
    }[name]
    verdict = "有利" if weight > 0 else "不利"
    sides = f"需求{says[0]}，成果{says[1]}" if says[0] else says[1]
    return Reason(
        kind=_kind("attributes", weight),
        text=f"{ATTRIBUTE_NAMES[name]}{verdict}：{sides}",
        weight=weight,
        evidence={"attribute": name, "demand": str(says[0]), "achievement": str(says[1]), "value": round(value, 4)},
    )


def _money(card: dict[str, float | None]) -> str:
    low, high = card["money_min"], card["money_max"]
    if low is not None and high is not None and low != high:
        return f"{low:g}–{high:g} 万元"
    known = low if low is not None else high
    return "未说明" if known is None else f"{known:g} 万元"
