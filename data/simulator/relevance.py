"""The true relevance of a demand and an achievement: a function of what both are, which no text states outright."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.simulator.lexicon import Lexicon

Float = NDArray[np.float32]

SAME_GROUP = 0.5
SAME_INDUSTRY = 0.08
SHARED_PART = 0.12
RELATED = 0.2
"""Technologies whose affinity reaches this are related; others never pass `TRUTH_FLOOR`."""

WEIGHTS = {"indicators": 0.4, "maturity": 0.2, "price": 0.15, "provider": 0.15, "region": 0.1}
"""Shares of the fit of particulars."""

GRADE_BOUNDS = (0.15, 0.35, 0.55, 0.7)
"""Least relevance of the grades 1, 2, 3, 4."""

TRUTH_FLOOR = 0.35
"""All pairs of at least this relevance are in the truth file."""


def technology_affinity(lexicon: Lexicon) -> Float:
    """Return how well one technology answers a need for another.

    Shape (technologies, technologies), float32, symmetric, 1 on the diagonal: `SAME_GROUP` within a group,
    `SAME_INDUSTRY` within an industry, and `SHARED_PART` more for every material, process or product both name.
    """
    technologies = lexicon.technologies
    industry = np.array([technology.industry for technology in technologies])
    names = {
        key: i for i, key in enumerate(sorted({(technology.industry, technology.group) for technology in technologies}))
    }
    group = np.array([names[(technology.industry, technology.group)] for technology in technologies])
    parts = sorted({part for t in technologies for part in (*t.materials, *t.processes, *t.products)})
    column = {part: i for i, part in enumerate(parts)}
    uses = np.zeros((len(technologies), len(parts)), dtype=np.float32)
    for row, technology in enumerate(technologies):
        uses[row, [column[p] for p in (*technology.materials, *technology.processes, *technology.products)]] = 1
    affinity = (
        np.where(group[:, None] == group[None, :], SAME_GROUP, 0.0)
        + np.where((industry[:, None] == industry[None, :]) & (group[:, None] != group[None, :]), SAME_INDUSTRY, 0.0)
        + SHARED_PART * (uses @ uses.T)
    )
    result: Float = np.minimum(affinity, 0.65).astype(np.float32)
    np.fill_diagonal(result, 1.0)
    return result


@dataclass(frozen=True, slots=True)
class Fit:
    """Parts of the relevance of pairs, each float32 in [0, 1] and of one shape; `relevance` is what they come to."""

    topic: Float
    indicators: Float
    maturity: Float
    price: Float
    provider: Float
    region: Float
    relevance: Float


def _sigmoid(x: Any) -> Float:
    return np.asarray(1.0 / (1.0 + np.exp(-x)), dtype=np.float32)


def fit_of(affinity: Float, demands: Any, achievements: Any) -> Fit:
    """Return the fit of pairs.

    `demands` and `achievements` are `Demands` and `Achievements` already taken at the wanted rows and shaped to
    broadcast against each other ((n, 1) with (1, m), or (k,) with (k,)); `affinity` comes from `technology_affinity`.
    An indicator counts only between records of one technology; elsewhere it is worth 0.5.
    """
    same = demands.technology == achievements.technology
    aspects = (
        0.7
        + 0.12 * (demands.material == achievements.material)
        + 0.10 * (demands.product == achievements.product)
        + 0.08 * (demands.scene == achievements.scene)
    )
    topic = (affinity[demands.technology, achievements.technology] * np.where(same, aspects, 0.85)).astype(np.float32)
    slack = achievements.goodness - demands.required
    met = _sigmoid(9.0 * (slack + 0.1))
    weight = demands.asks
    indicators = np.where(same, (met * weight).sum(axis=-1) / weight.sum(axis=-1), 0.5).astype(np.float32)
    maturity = _sigmoid(1.6 * (achievements.trl - demands.trl_min + 0.7))
    price = _sigmoid(3.0 * (demands.log_budget - achievements.log_price + 0.4))
    provider = np.broadcast_to(achievements.provider_quality, topic.shape).astype(np.float32)
    region = np.where(
        demands.place == achievements.place, 1.0, np.where(demands.province == achievements.province, 0.75, 0.45)
    ).astype(np.float32)
    particulars = (
        WEIGHTS["indicators"] * indicators
        + WEIGHTS["maturity"] * maturity
        + WEIGHTS["price"] * price
        + WEIGHTS["provider"] * provider
        + WEIGHTS["region"] * region
    )
    relevance = (topic * (0.15 + 0.85 * particulars)).astype(np.float32)
    return Fit(topic, indicators, maturity, price, provider, region, relevance)


def grade_of(relevance: Float) -> NDArray[np.int8]:
    """Return the grade 0-4 of relevance in [0, 1]; same shape, int8."""
    return np.digitize(relevance, GRADE_BOUNDS).astype(np.int8)
