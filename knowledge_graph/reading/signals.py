"""The graph's signals for the feature table: one demand against all its candidates at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.columns.features import Feature, declare, names_of
from knowledge_graph import kernels
from knowledge_graph.records.table import GraphRow, RecordTable
from knowledge_graph.relations.matrix import RelationMatrix
from knowledge_graph.taxonomy.chains import chain_relation
from knowledge_graph.taxonomy.fields import Fields, field_distance
from knowledge_graph.taxonomy.industries import industry_distance
from knowledge_graph.taxonomy.regions import Regions, region_distance
from knowledge_graph.terms.vocabulary import Vocabulary

TERM_SIGNALS = declare(
    "graph",
    {
        "graph_shared_cosine": "共同术语的加权余弦",  # of the two sides' weighted terms
        "graph_shared_idf": "共同术语的逆文档频率之和",
        "graph_demand_covered": "需求术语中共同部分的权重占比",
        "graph_achievement_covered": "成果术语中共同部分的权重占比",
        "graph_two_hop": "需求—术语—术语—成果路径的权重",
        "graph_two_hop_paths": "此类路径的数量（对数）",  # log(1 + number)
        "graph_demand_reached": "需求术语由相同或最相关术语满足的权重占比",
        "graph_achievement_reached": "成果术语由相同或最相关术语满足的权重占比",
        "graph_walk": "自需求随机游走到成果术语的概率",  # personalised PageRank mass
        "graph_title_reached": "需求标题术语被满足的权重占比",  # as graph_demand_reached
        "graph_rarest_shared": "最罕见共同术语的逆文档频率",
        "graph_shared_material": "共同术语余弦：材料",  # graph_shared_cosine split by the terms' type
        "graph_shared_method": "共同术语余弦：方法",
        "graph_shared_effect": "共同术语余弦：效果",
        "graph_shared_product": "共同术语余弦：产品",
        "graph_shared_application": "共同术语余弦：应用",
    },
)
PLACE_SIGNALS = (  # those that measure a stated attribute share its reason
    Feature(
        name="graph_industry_distance", label="行业距离", group="industry_depth"
    ),  # 0 same class .. 4 other section
    Feature(name="graph_field_distance", label="领域距离", group="same_field"),  # 0 same, 1 related, 2 other
    Feature(name="graph_chain_affinity", label="共同产业链的权重", group="graph"),  # 0 .. 1
    Feature(name="graph_chain_step", label="在共同产业链上相距的环节", group="graph"),  # stages downstream, -2 .. 2
    # 0 same city, 1 same province or agglomeration, 1 + borders between
    Feature(name="graph_region_distance", label="地区距离", group="region_level"),
)
HOLDER_SIGNALS = declare(
    "graph",
    {
        "graph_holder_portfolio": "自需求随机游走到完成单位全部成果术语的概率",
        "graph_holder_record": "完成单位在类似需求上的过往结果",  # grades (0-1), shrunk towards 0
    },
)
SIGNALS = (*TERM_SIGNALS, *PLACE_SIGNALS, *HOLDER_SIGNALS)
SIGNAL_NAMES = names_of(SIGNALS)


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
    """Return (n, len(PLACE_SIGNALS)) float32: where the two are in every taxonomy; NaN where either is unknown."""
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
