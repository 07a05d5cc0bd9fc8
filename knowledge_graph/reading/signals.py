"""The graph's signals for the feature table: one demand against all its candidates at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge_graph import kernels
from knowledge_graph.records.table import GraphRow, RecordTable
from knowledge_graph.relations.matrix import RelationMatrix
from knowledge_graph.taxonomy.chains import chain_relation
from knowledge_graph.taxonomy.fields import Fields, field_distance
from knowledge_graph.taxonomy.industries import industry_distance
from knowledge_graph.taxonomy.regions import Regions, region_distance
from knowledge_graph.terms.vocabulary import Vocabulary

TERM_SIGNALS = (
    "graph_shared_cosine",  # cosine of the two sides' weighted terms
    "graph_shared_idf",  # sum of the shared terms' idf
    "graph_demand_covered",  # share of the demand's term weight that is shared
    "graph_achievement_covered",  # share of the achievement's term weight that is shared
    "graph_two_hop",  # weight over all paths demand - term - term - achievement
    "graph_two_hop_paths",  # log(1 + number of such paths)
    "graph_demand_reached",  # share of the demand's term weight met by the same or the best related term
    "graph_achievement_reached",  # the same of the achievement's
    "graph_walk",  # personalised PageRank mass from the demand on the achievement's terms
    "graph_title_reached",  # as graph_demand_reached, terms of the demand's title alone
    "graph_rarest_shared",  # idf of the rarest shared term
    "graph_shared_material",  # graph_shared_cosine split by the terms' type
    "graph_shared_method",
    "graph_shared_effect",
    "graph_shared_product",
    "graph_shared_application",
)
PLACE_SIGNALS = (
    "graph_industry_distance",  # 0 same class .. 4 other section
    "graph_field_distance",  # 0 same, 1 related, 2 other
    "graph_chain_affinity",  # common weight of industry chains, 0 .. 1
    "graph_chain_step",  # stages downstream of the demand in the strongest common chain, -2 .. 2
    "graph_region_distance",  # 0 same city, 1 same province or agglomeration, 1 + borders between
)
HOLDER_SIGNALS = (
    "graph_holder_portfolio",  # personalised PageRank mass on the terms of all the holder's achievements
    "graph_holder_record",  # grades (0-1) of the holder's outcomes with demands like this one, shrunk towards 0
)
SIGNAL_NAMES = (*TERM_SIGNALS, *PLACE_SIGNALS, *HOLDER_SIGNALS)


@dataclass(frozen=True)
class SignalTables:
    """Everything `term_signals` and `place_signals` read."""

    vocabulary: Vocabulary
    relations: RelationMatrix
    fields: Fields
    regions: Regions


def walk_from(tables: SignalTables, demand: GraphRow) -> NDArray[np.float32]:
    """Return (V,) float32: personalised PageRank mass that starts from the demand's terms by their weights."""
    relations = tables.relations
    return kernels.spread(
        demand.terms,
        demand.weights,
        relations.walk_starts,
        relations.walk_targets,
        relations.walk_mass,
        len(tables.vocabulary),
    )


def term_signals(
    tables: SignalTables, demand: GraphRow, mass: NDArray[np.float32], others: RecordTable, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return (n, len(TERM_SIGNALS)) float32 for the rows of `others`; NaN where either side has no known term."""
    relations, vocabulary = tables.relations, tables.vocabulary
    return kernels.candidate_signals(
        demand.terms,
        demand.weights,
        demand.titles,
        vocabulary.idf,
        vocabulary.kinds,
        relations.starts,
        relations.targets,
        relations.strengths,
        mass,
        others.starts,
        others.lengths,
        others.pool_terms,
        others.pool_weights,
        rows,
    )


def reverse_term_signals(
    tables: SignalTables,
    demands: RecordTable,
    rows: NDArray[np.int64],
    others: RecordTable,
    achievement: NDArray[np.int64],
    portfolio: tuple[NDArray[np.int32], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Return (n, len(TERM_SIGNALS) + 1) float32 of n demands against one achievement (1,), last the walk on a portfolio."""
    relations, vocabulary = tables.relations, tables.vocabulary
    return kernels.reverse_signals(
        vocabulary.idf,
        vocabulary.kinds,
        relations.starts,
        relations.targets,
        relations.strengths,
        relations.walk_starts,
        relations.walk_targets,
        relations.walk_mass,
        demands.starts,
        demands.lengths,
        demands.pool_terms,
        demands.pool_weights,
        demands.pool_titles,
        rows,
        others.starts,
        others.lengths,
        others.pool_terms,
        others.pool_weights,
        achievement,
        *portfolio,
    )


def place_signals(
    tables: SignalTables, demand: GraphRow, others: RecordTable, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return (n, len(PLACE_SIGNALS)) float32: where the two stand in every taxonomy; NaN where either is unknown."""
    affinity, step = chain_relation(demand.stages, demand.shares, others.stages[rows], others.shares[rows])
    return np.stack(
        [
            industry_distance(demand.industries, others.industries[rows]),
            field_distance(tables.fields, demand.field, others.field[rows]),
            affinity,
            step,
            region_distance(tables.regions, demand.region, others.region[rows]),
        ],
        axis=1,
    )
