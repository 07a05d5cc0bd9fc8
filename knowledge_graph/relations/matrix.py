"""The compiled relations between terms: sparse matrices made from the term graph for the hot path."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from knowledge_graph import kernels
from knowledge_graph.relations.extraction import TermEdge
from knowledge_graph.schema import CARRIED, Relation

if TYPE_CHECKING:
    import networkx as nx

MAX_NEIGHBOURS = 32
WALK_KEEP = 48
RESTART = 0.5
STEPS = 4


@dataclass(frozen=True)
class RelationMatrix:
    """What terms carry over to each other, in CSR form: row s holds the neighbours of term s.

    `starts` int64 (V + 1,), `targets` int32 (e,), `strengths` float32 (e,) in (0, 1], `relations` int8 (e,), `support`
    int32 and `measure` float32 (e,) as `TermEdge` has them. `walk` is the personalised PageRank (V, V) from each term,
    restart probability `RESTART`, truncated to the `WALK_KEEP` heaviest entries of a row; rows sum to at most 1.
    """

    starts: NDArray[np.int64]
    targets: NDArray[np.int32]
    strengths: NDArray[np.float32]
    relations: NDArray[np.int8]
    support: NDArray[np.int32]
    measure: NDArray[np.float32]
    walk_starts: NDArray[np.int64]
    walk_targets: NDArray[np.int32]
    walk_mass: NDArray[np.float32]

    def __post_init__(self) -> None:
        for column in fields(self):  # read-only, as mapped files are: one kind of array, one compiled kernel
            getattr(self, column.name).flags.writeable = False

    def as_csr(self) -> sp.csr_array:
        """Return the strengths as a SciPy matrix (V, V)."""
        size = len(self.starts) - 1
        return sp.csr_array((self.strengths, self.targets, self.starts), shape=(size, size))

    def neighbours(self, term: int) -> slice:
        """Return where the neighbours of a term are in the arrays."""
        return slice(int(self.starts[term]), int(self.starts[term + 1]))


def term_graph(terms: Iterable[str], edges: Iterable[TermEdge]) -> "nx.MultiDiGraph":
    """Return the graph of terms: nodes 0..V-1, edges keyed by relation with `confidence`, `support`, `measure`.

    Of several findings of the same relation between two terms the surest stays.
    """
    import networkx as nx  # here: an answer needs the compiled relations alone

    graph = nx.MultiDiGraph()
    graph.add_nodes_from((number, {"term": term}) for number, term in enumerate(terms))
    for edge in edges:
        known = graph.get_edge_data(edge.source, edge.target, int(edge.relation))
        if known is None or known["confidence"] < edge.confidence:
            graph.add_edge(
                edge.source,
                edge.target,
                key=int(edge.relation),
                confidence=edge.confidence,
                support=edge.support,
                measure=edge.measure,
            )
    return graph


def compile_relations(graph: "nx.MultiDiGraph") -> RelationMatrix:
    """Compile the term graph: of several relations between two terms the strongest counts, the rest is evidence."""
    size = graph.number_of_nodes()
    count = graph.number_of_edges()
    sources, targets = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    relations, strengths = np.empty(count, dtype=np.int8), np.empty(count, dtype=np.float32)
    support, measure = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.float32)
    for place, (source, target, relation, edge) in enumerate(graph.edges(keys=True, data=True)):
        sources[place], targets[place], relations[place] = source, target, relation
        strengths[place] = CARRIED[Relation(relation)] * edge["confidence"]
        support[place], measure[place] = edge["support"], edge["measure"]
    order = np.lexsort((targets, -strengths, sources))
    sources, targets, strengths = sources[order], targets[order], strengths[order]
    _, first = np.unique(sources * size + targets, return_index=True)
    keep = np.zeros(count, dtype=np.bool_)
    keep[first] = True  # np.unique returns the first, hence the strongest, of equal pairs
    sources, targets, strengths, order = sources[keep], targets[keep], strengths[keep], order[keep]
    begins = np.searchsorted(sources, np.arange(size + 1))
    rank = np.arange(len(sources)) - begins[sources]
    few = rank < MAX_NEIGHBOURS
    sources, targets, strengths, order = sources[few], targets[few], strengths[few], order[few]
    starts = np.searchsorted(sources, np.arange(size + 1)).astype(np.int64)
    return RelationMatrix(
        starts,
        targets.astype(np.int32),
        strengths,
        relations[order],
        support[order],
        measure[order],
        *_walk(starts, targets.astype(np.int32), strengths, size),
    )


def _walk(
    starts: NDArray[np.int64], targets: NDArray[np.int32], strengths: NDArray[np.float32], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return (starts, targets, mass) of the truncated personalised PageRank of every term.

    It is RESTART * sum over t of ((1 - RESTART) * W)^t.

    W's rows are the strengths, divided by their sum where it is above one: what a term cannot carry over is lost.
    """
    sums = np.zeros(size)
    np.add.at(sums, np.repeat(np.arange(size), np.diff(starts)), strengths)
    scale = (1.0 - RESTART) / np.maximum(sums, 1.0)
    steps = (strengths * np.repeat(scale, np.diff(starts))).astype(np.float32)
    return kernels.walks(starts, targets, steps, RESTART, STEPS, WALK_KEEP)
