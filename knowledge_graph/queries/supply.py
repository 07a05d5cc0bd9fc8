"""Questions to the graph: a term's neighbours, gaps and surplus of supply, similar holders, flows between regions."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from data.errors import InputError, NotFoundError
from knowledge_graph import kernels
from knowledge_graph.reading.paths import relation_evidence
from knowledge_graph.schema import RELATION_NAMES, TERM_TYPE_NAMES, Relation, TermType
from knowledge_graph.taxonomy.chains import STAGES, load_chains
from knowledge_graph.terms.word_frequency import is_everyday

if TYPE_CHECKING:
    from knowledge_graph.graph import KnowledgeGraph
    from knowledge_graph.records.table import RecordTable

UNKNOWN_BUDGET = 50.0
"""What a demand without a budget counts for, in 万元."""
FLOW_DEMANDS = 5_000
FLOW_ANSWERS = 10


@dataclass(frozen=True)
class Neighbour:
    """A term related to another: how, how strongly in (0, 1], and what speaks for it."""

    term: str
    relation: str
    strength: float
    evidence: str


@dataclass(frozen=True)
class TermCard:
    """A term: its type, the records of each side that hold it, and its neighbours, strongest first."""

    term: str
    type: str
    achievements: int
    demands: int
    stages: tuple[str, ...]
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Balance:
    """Supply and demand at a term or a chain stage.

    `demands` and `achievements` count open records, `budget` is the demands' in 万元. `score` is demand beyond what
    supply would lead one to expect, weighted by budget; below 0 for over-supply.
    """

    name: str
    demands: int
    achievements: int
    budget: float
    score: float


@dataclass(frozen=True)
class SimilarHolder:
    """A holder like another: cosine of their portfolios, and the terms that make it."""

    name: str
    similarity: float
    shared: tuple[str, ...]


@dataclass(frozen=True)
class Flow:
    """Demands of one province that achievements of another answer best: `share` of all its best answers."""

    demand_province: str
    achievement_province: str
    answers: int
    share: float


def find_term(graph: "KnowledgeGraph", term: str) -> int:
    """Return the number of a term.

    Raises:
        NotFoundError: the graph does not know it; the most alike terms are named.

    """
    number = graph.vocabulary.numbers.get(term.strip().lower())
    if number is not None:
        return number
    inside = sorted((known for known in graph.vocabulary.terms if term and term in known), key=len)[:3]
    near = inside or get_close_matches(term, graph.vocabulary.terms[:20_000], n=3, cutoff=0.5)
    hint = f"; nearest terms: {', '.join(near)}" if near else ""
    raise NotFoundError(f"the graph has no term {term!r}{hint}")


def term_card(graph: "KnowledgeGraph", term: str, limit: int = 20) -> TermCard:
    """Return what the graph knows of a term.

    Raises:
        NotFoundError: the graph does not know it; the most alike terms are named.

    """
    number = find_term(graph, term)
    chains, relations, terms = load_chains(), graph.relations, graph.vocabulary.terms
    neighbours = []
    for place in range(*graph.relations.neighbours(number).indices(len(relations.targets))):
        relation = Relation(int(relations.relations[place]))
        other = terms[int(relations.targets[place])]
        support, measure = int(relations.support[place]), float(relations.measure[place])
        evidence = relation_evidence(relation, terms[number], other, support, measure, chains)
        neighbours.append(Neighbour(other, RELATION_NAMES[relation], float(relations.strengths[place]), evidence))
    neighbours.sort(key=lambda item: (-item.strength, item.term))
    size = len(terms)
    return TermCard(
        terms[number],
        TERM_TYPE_NAMES[TermType(int(graph.vocabulary.kinds[number]))],
        int(_holding(graph.achievements, size)[:, [number]].sum()),
        int(_holding(graph.demands, size)[:, [number]].sum()),
        tuple(chains.stage_name(stage) for stage in graph.describer.stages_of_term.get(number, ())),
        tuple(neighbours[:limit]),
    )


def _holding(table: "RecordTable", size: int) -> sp.csr_array:
    """Return which terms each record holds, as a matrix (rows, size) of ones."""
    mentions = table.mentions(size)
    mentions.data = np.ones_like(mentions.data)
    return mentions


def region_mask(graph: "KnowledgeGraph", table: "RecordTable", region: str) -> NDArray[np.bool_]:
    """Return which rows lie in a region, given by code or name.

    Raises:
        InputError: the region is unknown.

    """
    regions = graph.describer.regions
    code = int(region) if region.isdigit() else regions.places.get(region, 0)
    if code not in regions.names:
        raise InputError(f"unknown region {region!r}; give a name such as 河南 or a code such as 410100")
    width = 10_000 if code % 10_000 == 0 else 100 if code % 100 == 0 else 1
    return np.asarray(table.region // width == code // width, dtype=np.bool_)


def industry_mask(graph: "KnowledgeGraph", table: "RecordTable", industry: str) -> NDArray[np.bool_]:
    """Return which rows belong to an industry, given by GB/T 4754 section letter or code.

    Raises:
        InputError: the industry is unknown.

    """
    wanted = graph.describer.industries.encode([industry])[0]
    if wanted[0] < 0:
        raise InputError(f"unknown industry {industry!r}; give a section letter such as C or a code such as 26")
    levels = wanted >= 0
    return np.asarray((table.industries[:, :, levels] == wanted[levels]).all(axis=2).any(axis=1), dtype=np.bool_)


def balances(
    graph: "KnowledgeGraph", *, region: str = "", industry: str = "", stages: bool = False, least: int = 3
) -> list[Balance]:
    """Return supply and demand at every term (or chain stage) with `least` open records, greatest gap first.

    Region and industry restrict the demands: supply may come from anywhere. The list's end is over-supply. Of the terms only
    those of a known type count, and no everyday words.

    Raises:
        InputError: region or industry is unknown.

    """
    asks = graph.demands.is_open.copy()
    if region:
        asks &= region_mask(graph, graph.demands, region)
    if industry:
        asks &= industry_mask(graph, graph.demands, industry)
    offers = graph.achievements.is_open
    chains = load_chains()
    if stages:
        size = len(STAGES) * len(chains.chains)
        demand_side, offer_side = _stage_matrix(graph.demands, size), _stage_matrix(graph.achievements, size)
    else:
        size = len(graph.vocabulary)
        demand_side, offer_side = _holding(graph.demands, size), _holding(graph.achievements, size)
    money = np.nan_to_num(graph.demands.money.astype(np.float64), nan=UNKNOWN_BUDGET)
    demands = np.asarray(demand_side.T @ asks.astype(np.float64)).ravel()
    budgets = np.asarray(demand_side.T @ (asks * money)).ravel()
    weighted = np.asarray(demand_side.T @ (asks * np.log2(2.0 + money))).ravel()
    supply = np.asarray(offer_side.T @ offers.astype(np.float64)).ravel()
    expected = (supply + 1.0) / max(1.0, float(offers.sum()) + 1.0)
    asked = (demands + 0.5) / max(1.0, float(asks.sum()) + 1.0)
    ratio = np.log2(asked / expected)
    score = np.where(ratio > 0, weighted * ratio, supply * ratio)
    name: Callable[[int], str] = chains.stage_name if stages else graph.vocabulary.terms.__getitem__
    telling = demands + supply >= least
    if not stages:
        telling &= np.array([not is_everyday(term) for term in graph.vocabulary.terms])
        telling &= (graph.vocabulary.kinds != TermType.OTHER) & (graph.vocabulary.idf > 1.0)
    order = [int(place) for place in np.lexsort((np.arange(size), -score)) if telling[place]]
    return [
        Balance(name(place), int(demands[place]), int(supply[place]), float(budgets[place]), float(score[place]))
        for place in order
    ]


def _stage_matrix(table: "RecordTable", size: int) -> sp.csr_array:
    """Return which chain stages each record is in, as a matrix (rows, size) of ones."""
    rows, places = np.nonzero(table.stages >= 0)
    columns = table.stages[rows, places].astype(np.int64)
    return sp.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(table), size))


def similar_holders(graph: "KnowledgeGraph", name: str, limit: int = 10) -> list[SimilarHolder]:
    """Return the holders whose achievements are about the same terms, most similar first.

    Raises:
        NotFoundError: no such holder, or it has fewer than two achievements.

    """
    numbers, portfolios = graph.describer.organisations, graph.portfolios
    number = numbers.get(name.strip(), -1)
    if not 0 <= number < len(portfolios.lengths) or not portfolios.lengths[number]:
        near = get_close_matches(name, list(numbers)[:20_000], n=3, cutoff=0.4)
        hint = f"; nearest names: {', '.join(near)}" if near else ""
        raise NotFoundError(f"no holder {name!r} with two or more achievements{hint}")
    terms, weights = portfolios.row(number)
    dense = np.zeros(len(graph.vocabulary), dtype=np.float32)
    dense[terms] = weights
    rows = np.arange(len(portfolios.lengths), dtype=np.int64)
    scores = kernels.dots(dense, portfolios.starts, portfolios.lengths, portfolios.terms, portfolios.weights, rows)
    scores[number] = 0.0
    names = list(numbers)
    result = []
    for row in np.lexsort((rows, -scores))[:limit]:
        if scores[row] <= 0:
            break
        others, strengths = portfolios.row(int(row))
        common = dense[others] * strengths
        best = [graph.vocabulary.terms[int(others[place])] for place in np.argsort(-common)[:5] if common[place] > 0]
        result.append(SimilarHolder(names[int(row)], float(scores[row]), tuple(best)))
    return result


def flows(graph: "KnowledgeGraph", *, region: str = "", limit: int = 20) -> list[Flow]:
    """Return between which provinces open demands find their best answers, most answers first; own provinces left out.

    For each of at most `FLOW_DEMANDS` open demands (evenly chosen) the `FLOW_ANSWERS` achievements that the graph
    reaches best count, where both sides' regions are known.

    Raises:
        InputError: the region is unknown.

    """
    table, regions = graph.demands, graph.describer.regions
    wanted = table.is_open & (table.region > 0)
    if region:
        wanted &= region_mask(graph, table, region)
    rows = np.flatnonzero(wanted)
    rows = rows[:: max(1, -(-len(rows) // FLOW_DEMANDS))]
    allowed = np.asarray(graph.achievements.is_open & (graph.achievements.region > 0))
    counts: dict[tuple[int, int], int] = {}
    totals: dict[int, int] = {}
    for row in rows.tolist():
        here = regions.province(int(table.region[row]))
        answers, _ = graph.retrieve(table.row(row), FLOW_ANSWERS, allowed)
        for there in (graph.achievements.region[answers] // 10_000 * 10_000).tolist():
            counts[here, there] = counts.get((here, there), 0) + 1
            totals[here] = totals.get(here, 0) + 1
    found = sorted(((count, pair) for pair, count in counts.items() if pair[0] != pair[1]), key=lambda x: (-x[0], x[1]))
    return [
        Flow(regions.name(here), regions.name(there), count, count / totals[here])
        for count, (here, there) in found[:limit]
    ]
