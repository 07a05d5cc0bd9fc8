"""Who could develop what is missing, and which other demands lack it too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.records import Demand
from knowledge_graph import kernels
from knowledge_graph.graph import KnowledgeGraph
from matcher.collection.filters import OPEN_STATUSES
from matcher.engine import Engine
from matcher.gaps.composite import needed_terms

HOLDERS = 5
OTHERS = 5
SAME_GAP = 1 / 3  # of what remains, by weight, that another demand has to lack too


@dataclass(frozen=True)
class Developer:
    """A holder likely to be able to develop the rest: cosine of the rest and all it has, and the terms behind it."""

    name: str
    affinity: float
    terms: tuple[str, ...]


@dataclass(frozen=True)
class SharedGap:
    """A demand of somebody else with the same gap."""

    demand_id: str
    title: str
    enterprise: str
    shared: tuple[str, ...]


def developers_of(graph: KnowledgeGraph, demand: Demand, remaining: Sequence[str]) -> tuple[Developer, ...]:
    """Return the holders whose achievements as a whole are nearest to what remains and to the demand around it.

    What remains counts twice as much as what is covered already: who shall develop a missing part must know the field.
    """
    terms, weights = needed_terms(graph, demand)
    rest = {graph.vocabulary.numbers[term] for term in remaining if term in graph.vocabulary.numbers}
    portfolios = graph.portfolios
    if not len(terms) or not len(portfolios.lengths):
        return ()
    dense = np.zeros(len(graph.vocabulary), dtype=np.float32)
    dense[terms] = weights * np.array([2.0 if int(term) in rest else 1.0 for term in terms])
    dense /= max(float(np.linalg.norm(dense)), 1e-9)
    rows = np.arange(len(portfolios.lengths), dtype=np.int64)
    scores = kernels.dots(dense, portfolios.starts, portfolios.lengths, portfolios.terms, portfolios.weights, rows)
    names = list(graph.describer.organisations)
    found = []
    for row in np.lexsort((rows, -scores))[:HOLDERS].tolist():
        if scores[row] <= 0 or row >= len(names):
            break
        own, strengths = portfolios.row(row)
        common = dense[own] * strengths
        best = tuple(graph.vocabulary.terms[int(own[place])] for place in np.argsort(-common)[:4] if common[place] > 0)
        found.append(Developer(names[row], float(scores[row]), best))
    return tuple(found)


def shared_gaps(
    engine: Engine, graph: KnowledgeGraph, demand: Demand, remaining: Sequence[str]
) -> tuple[SharedGap, ...]:
    """Return open demands of other firms whose texts are near and that name much of what remains, most of it first.

    Much is `SAME_GAP` of its weight in the demand; a firm's demands of one title are shown once.
    """
    described = graph.describe(demand)
    left = dict(zip(described.terms.tolist(), described.weights.tolist(), strict=True))
    names = {number: name for name in remaining if (number := graph.vocabulary.numbers.get(name)) in left}
    least = SAME_GAP * sum(left[number] for number in names)
    if not names:
        return ()
    near_ones = [
        near
        for near in engine.similar(demand, 50)
        if near.status in OPEN_STATUSES and not (near.owner and near.owner == demand.enterprise)
    ]
    known = engine.held("demands", [near.id for near in near_ones])
    found: dict[tuple[str, str], tuple[float, SharedGap]] = {}
    for near in near_ones:
        row = known.cards.rows.get(near.id)
        if row is None:
            continue
        shared = sorted(set(known.terms(row)) & names.keys(), key=lambda number: -left[number])
        share = sum(left[number] for number in shared)
        repeated = not near.owner and near.title == demand.title  # most likely the same demand under another id
        if shared and share >= least and not repeated:
            gap = SharedGap(near.id, near.title, near.owner, tuple(names[number] for number in shared[:5]))
            found.setdefault((near.title, near.owner), (share, gap))
    return tuple(gap for _, gap in sorted(found.values(), key=lambda pair: -pair[0])[:OTHERS])
