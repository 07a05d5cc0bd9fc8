"""Supply and demand by term, chain stage, industry and province, and between which provinces answers flow."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from math import log2

import numpy as np
import scipy.sparse as sp

from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.queries.supply import UNKNOWN_BUDGET, Balance, Flow, balances, find_term, flows, industry_mask
from knowledge_graph.records.table import RecordTable
from knowledge_graph.schema import TermType
from knowledge_graph.taxonomy.chains import STAGES, load_chains
from matcher.collection.columns import RecordColumns
from matcher.collection.filters import Filters
from matcher.engine import Engine

TERMS, CHAIN, INDUSTRIES, REGIONS = "terms", "stages", "industries", "regions"
SIDES = (TERMS, CHAIN, INDUSTRIES, REGIONS)
_TECHNOLOGIES = (TermType.METHOD, TermType.PRODUCT)
LEAST_NAME = 3  # characters of a technology's name
_KEPT = 64  # answers of one bundle that a worker remembers


@lru_cache(maxsize=_KEPT)
def gaps(engine: Engine, side: str, region: str, industry: str) -> tuple[Balance, ...]:
    """Return supply and demand by the values of one side, greatest gap first; region and industry restrict the demands.

    Of a bundle, not of what was written since. Computed once for each engine (an engine is its own key).

    Raises:
        InputError: region or industry is unknown.

    """
    graph = engine.model.graph
    if side in (TERMS, CHAIN):
        if graph is None:
            return ()
        found = balances(graph, region=region, industry=industry, stages=side == CHAIN)
        return tuple(found) if side == CHAIN else tuple(technologies(graph, found))
    return _by_cards(engine.model.demands.base.cards, engine.model.achievements.base.cards, side)


def technologies(graph: KnowledgeGraph, rows: list[Balance]) -> list[Balance]:
    """Return the balances of whole technologies: methods and products by their full names.

    A material or an effect is no technology, and neither is a part of a longer name that as many demands hold.
    """
    words = graph.vocabulary
    kept = [
        row for row in rows if words.kinds[words.numbers[row.name]] in _TECHNOLOGIES and len(row.name) >= LEAST_NAME
    ]
    named = Counter[tuple[str, int, int]]()
    for row in kept:
        size = len(row.name)
        parts = {row.name[start:end] for start in range(size) for end in range(start + LEAST_NAME, size + 1)}
        named.update((part, row.demands, row.achievements) for part in parts - {row.name})
    return [row for row in kept if not named[row.name, row.demands, row.achievements]]


def beyond_average(rows: Sequence[Balance], *, surplus: bool) -> list[float]:
    """Return for each row the demands beyond those that its achievements would meet at the ratio of all rows.

    With `surplus` the achievements beyond those that its demands would take.
    """
    demands, supply = sum(row.demands for row in rows), sum(row.achievements for row in rows)
    if surplus:
        return [row.achievements - row.demands * supply / max(demands, 1) for row in rows]
    return [row.demands - row.achievements * demands / max(supply, 1) for row in rows]


def _by_cards(wanted: RecordColumns, offered: RecordColumns, side: str) -> tuple[Balance, ...]:
    """Return the balances of industries (divisions) or provinces, scored as the graph scores terms."""
    values = _divisions if side == INDUSTRIES else _provinces
    demands, supply = Counter[str](), Counter[str]()
    budget: defaultdict[str, float] = defaultdict(float)
    weighted: defaultdict[str, float] = defaultdict(float)
    asks, offers = Filters().allowed(wanted), Filters().allowed(offered)
    money = np.where(np.isnan(wanted.money_max), UNKNOWN_BUDGET, wanted.money_max)
    for row, names in enumerate(values(wanted)):
        if asks[row]:
            for name in names:
                demands[name] += 1
                budget[name] += money[row]
                weighted[name] += log2(2.0 + money[row])
    for row, names in enumerate(values(offered)):
        if offers[row]:
            supply.update(names)
    found = []
    for name in {*demands, *supply}:
        asked = (demands[name] + 0.5) / (float(asks.sum()) + 1.0)
        expected = (supply[name] + 1.0) / (float(offers.sum()) + 1.0)
        ratio = log2(asked / expected)
        score = (weighted[name] if ratio > 0 else supply[name]) * ratio
        found.append(Balance(name, demands[name], supply[name], float(budget[name]), float(score)))
    return tuple(sorted(found, key=lambda row: (-row.score, row.name)))


def _divisions(cards: RecordColumns) -> list[set[str]]:
    letters = "ABCDEFGHIJKLMNOPQRST"
    return [{(code.lstrip(letters) or code)[:2] for code in codes} for codes in cards.industries]


def _provinces(cards: RecordColumns) -> list[set[str]]:
    return [{f"{code // 10_000:02d}"} if code else set() for code in cards.region.tolist()]


@lru_cache(maxsize=2)
def all_flows(engine: Engine) -> tuple[Flow, ...]:
    """Return between which provinces open demands find their best answers; takes seconds at full scale, once a bundle."""
    graph = engine.model.graph
    return tuple(flows(graph, limit=10_000)) if graph is not None else ()


def ids_behind(graph: KnowledgeGraph, records: str, name: str, *, stage: bool, industry: str = "") -> list[str]:
    """Return the ids of the achievements or demands that hold a term or belong to a chain stage (of an industry, if named).

    Raises:
        NotFoundError: the graph does not know it.
        InputError: the industry is unknown.

    """
    table: RecordTable = graph.demands if records == "demands" else graph.achievements
    ids = graph.demand_ids if records == "demands" else graph.achievement_ids
    if stage:
        chains = load_chains()
        wanted = [place for place in range(len(STAGES) * len(chains.chains)) if chains.stage_name(place) == name]
        rows = np.flatnonzero(np.isin(table.stages, wanted).any(axis=1))
    else:
        mentions = sp.csc_array(table.mentions(len(graph.vocabulary)))
        number = find_term(graph, name)
        rows = mentions.indices[mentions.indptr[number] : mentions.indptr[number + 1]]
    if industry:
        rows = rows[industry_mask(graph, table, industry)[rows]]
    return [ids[row] for row in rows.tolist()]


def ids_of_industry(engine: Engine, records: str, division: str) -> list[str]:
    """Return the ids of the achievements or demands of a bundle that name an industry of a division (such as 26)."""
    cards = (engine.model.demands if records == "demands" else engine.model.achievements).base.cards
    return [cards.ids[row] for row, names in enumerate(_divisions(cards)) if division in names]
