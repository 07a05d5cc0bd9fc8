"""Few achievements that together cover a demand, and what remains."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.records import Demand
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.queries.elements import ELEMENT_NAMES, element_of
from matcher.collection.encoded import EncodedRecords
from matcher.rescoring import ScoredCandidates

COMPOSITE = 3  # achievements in a composite
LEAST_GAIN = 0.1  # of the demand's weight, for an achievement to join a composite
PLAUSIBLE = 0.25  # of the best candidate's probability: what is less likely a match has no part in a solution
RELATED = 0.6  # a related term covers a demand's term by its strength, if that is at least so much
TERMS = 12  # heaviest terms of a demand that a solution has to cover


@dataclass(frozen=True)
class PartOfSolution:
    """An achievement in a composite: what it covers of the demand, terms it holds and terms it has something near to.

    `share` is that of the demand's weight, which near terms have by their strength.
    """

    achievement_id: str
    title: str
    owner: str
    covers: tuple[str, ...]
    near: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Composite:
    """Few achievements that together cover a demand: `covered` in [0, 1], and the terms that remain, by element."""

    parts: tuple[PartOfSolution, ...]
    covered: float
    remaining: tuple[str, ...]
    remaining_elements: tuple[str, ...]


def cover(graph: KnowledgeGraph, demand: Demand, pool: ScoredCandidates) -> Composite:
    """Return at most `COMPOSITE` candidates that together cover most of a demand's terms, by greedy weighted cover.

    Candidates far less likely than the best one have no part in it. A candidate covers a term that it holds, or by a
    related term as far as the relation carries. Greedy cover is within 1 - 1/e of the best set of that size (Nemhauser,
    Wolsey & Fisher 1978).
    """
    terms, weights = needed_terms(graph, demand)
    likely = pool.scores.probability >= PLAUSIBLE * max(pool.scores.probability, default=0.0)
    known = np.flatnonzero(likely | np.isnan(pool.scores.probability))
    strength = _coverage(graph, terms, pool.found, known)
    covered = np.zeros(len(terms))
    parts: list[PartOfSolution] = []
    cards = pool.found.cards
    for _ in range(COMPOSITE):
        if not len(known) or not len(terms):
            break
        gains = np.maximum(strength - covered, 0.0) @ weights
        # of equal gains the candidate that the ranker prefers
        best = int(np.argmax(gains))
        if gains[best] < LEAST_GAIN:
            break
        new = np.flatnonzero(strength[best] > covered)
        order = new[np.argsort(-((strength[best] - covered) * weights)[new], kind="stable")]
        card = cards.card(int(known[best]))
        names = {graph.vocabulary.terms[int(terms[place])]: float(strength[best, place]) for place in order[:6]}
        held = tuple(name for name, share in names.items() if share >= 1.0)
        near = tuple(name for name in names if name not in held)
        parts.append(PartOfSolution(card["id"], card["title"], card["owner"], held, near, float(gains[best])))
        covered = np.maximum(covered, strength[best])
    rest = [
        int(terms[place]) for place in np.argsort(-weights * (1 - covered), kind="stable") if covered[place] < RELATED
    ]
    elements = dict.fromkeys(ELEMENT_NAMES[name] for term in rest if (name := element_of(graph, term)))
    remaining = tuple(graph.vocabulary.terms[term] for term in rest)
    return Composite(tuple(parts), float(covered @ weights) if len(terms) else 0.0, remaining, tuple(elements))


def needed_terms(graph: KnowledgeGraph, demand: Demand) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the heaviest terms of a demand that name something, with weights that sum to 1."""
    row = graph.describe(demand)
    order = [place for place in np.argsort(-row.weights, kind="stable") if element_of(graph, int(row.terms[place]))]
    chosen = np.array(order[:TERMS], dtype=np.int64)
    weights = row.weights[chosen].astype(np.float64) if len(chosen) else np.zeros(0)
    return row.terms[chosen].astype(np.int64), weights / max(float(weights.sum()), 1e-9)


def _coverage(
    graph: KnowledgeGraph, terms: NDArray[np.int64], found: EncodedRecords, rows: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return (achievements, terms) in [0, 1]: 1 where a row holds the term, else the strength of its best relation."""
    place = {int(term): column for column, term in enumerate(terms)}
    near: dict[int, list[tuple[int, float]]] = {}
    for term, column in place.items():
        around = graph.relations.neighbours(term)
        targets, strengths = graph.relations.targets[around].tolist(), graph.relations.strengths[around].tolist()
        for target, strength in zip(targets, strengths, strict=True):
            if strength >= RELATED:
                near.setdefault(target, []).append((column, strength))
    result = np.zeros((len(rows), len(terms)))
    for line, row in enumerate(rows.tolist()):
        for term in found.terms(row):
            if term in place:
                result[line, place[term]] = 1.0
            for column, strength in near.get(term, ()):
                result[line, column] = max(result[line, column], strength)
    return result
