import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_graph import kernels
from knowledge_graph.relations.extraction import TermEdge
from knowledge_graph.relations.matrix import RESTART, compile_relations, term_graph
from knowledge_graph.schema import CARRIED, Relation
from tests.some import some

SIZE = 7

edge_lists = st.lists(
    st.builds(
        TermEdge,
        source=st.integers(0, SIZE - 1),
        target=st.integers(0, SIZE - 1),
        relation=st.sampled_from([relation for relation in Relation if relation is not Relation.SAME]),
        confidence=st.integers(1, 100).map(lambda value: value / 100),
        support=st.integers(0, 9),
        measure=st.just(0.5),
    ).filter(lambda edge: edge.source != edge.target),
    max_size=30,
)


def dense(matrix):
    return matrix.as_csr().toarray()


@settings(max_examples=60, deadline=None)
@given(edge_lists)
def test_compiled_strengths_are_the_strongest_edges_of_the_graph(edges):
    graph = term_graph([str(number) for number in range(SIZE)], edges)
    expected = np.zeros((SIZE, SIZE))
    for source, target, relation, confidence in graph.edges(keys=True, data="confidence"):
        expected[source, target] = max(expected[source, target], CARRIED[Relation(relation)] * confidence)
    np.testing.assert_allclose(dense(compile_relations(graph)), expected, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(edge_lists)
def test_compiled_evidence_belongs_to_an_edge_of_the_graph(edges):
    graph = term_graph([str(number) for number in range(SIZE)], [*edges, TermEdge(0, 1, Relation.SYNONYM, 1.0, 3, 1.0)])
    compiled = compile_relations(graph)
    sources = np.repeat(
        np.arange(SIZE), [compiled.neighbours(n).stop - compiled.neighbours(n).start for n in range(SIZE)]
    )
    for place, source in some(enumerate(sources.tolist())):
        edge = graph.edges[source, int(compiled.targets[place]), int(compiled.relations[place])]
        assert edge["support"] == compiled.support[place]


@settings(max_examples=60, deadline=None)
@given(edge_lists, st.integers(0, SIZE - 1))
def test_walk_is_networkx_personalised_pagerank_where_nothing_leaks(edges, start):
    # rows made stochastic: then the walk is the usual PageRank, up to what lies beyond its few steps
    ring = [TermEdge(n, (n + 1) % SIZE, Relation.SYNONYM, 1.0, 0, 1.0) for n in range(SIZE)]
    compiled = compile_relations(term_graph([str(number) for number in range(SIZE)], [*edges, *ring]))
    strengths = dense(compiled)
    stochastic = strengths / strengths.sum(axis=1, keepdims=True)
    starts = np.arange(0, SIZE * SIZE + 1, SIZE, dtype=np.int64)
    targets = np.tile(np.arange(SIZE, dtype=np.int32), SIZE)
    steps = ((1 - RESTART) * stochastic).astype(np.float32).ravel()
    row_starts, columns, mass = kernels.walks(starts, targets, steps, RESTART, 25, SIZE)
    got = np.zeros(SIZE)
    here = slice(row_starts[start], row_starts[start + 1])
    got[columns[here]] = mass[here]
    network = nx.from_numpy_array(stochastic, create_using=nx.DiGraph)
    ranks = nx.pagerank(network, alpha=1 - RESTART, personalization={start: 1.0}, tol=1e-10, max_iter=200)
    np.testing.assert_allclose(got, [ranks[node] for node in range(SIZE)], atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(edge_lists)
def test_walks_lose_mass_and_never_make_any(edges):
    compiled = compile_relations(term_graph([str(number) for number in range(SIZE)], edges))
    for source in range(SIZE):
        mass = compiled.walk_mass[compiled.walk_starts[source] : compiled.walk_starts[source + 1]]
        assert RESTART - 1e-6 <= mass.sum() <= 1 + 1e-5


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, SIZE - 1), unique=True, max_size=SIZE), min_size=1, max_size=5),
    st.lists(st.integers(0, SIZE - 1), unique=True, min_size=1, max_size=SIZE),
    edge_lists,
)
def test_candidate_signals_equal_a_walk_through_networkx(records, asked, edges):
    graph = term_graph([str(number) for number in range(SIZE)], edges)
    compiled = compile_relations(graph)
    strengths = dense(compiled)
    asked = sorted(asked)
    terms = np.array(asked, dtype=np.int32)
    weights = np.full(len(asked), 1 / np.sqrt(len(asked)), dtype=np.float32)
    rows = [np.array(sorted(record), dtype=np.int32) for record in records]
    lengths = np.array([len(row) for row in rows], dtype=np.int32)
    signals = kernels.candidate_signals(
        terms,
        weights,
        np.ones(len(asked), dtype=np.bool_),
        np.ones(SIZE, dtype=np.float32),
        np.zeros(SIZE, dtype=np.int8),
        compiled.starts,
        compiled.targets,
        compiled.strengths,
        np.zeros(SIZE, dtype=np.float32),
        (np.cumsum(lengths) - lengths).astype(np.int64),
        lengths,
        np.concatenate(rows),
        np.ones(int(lengths.sum()), dtype=np.float32),
        np.arange(len(rows), dtype=np.int64),
    )
    for place, row in some(enumerate(rows)):
        if not len(row):
            assert np.isnan(signals[place]).all()
            continue
        shared = set(asked) & set(row.tolist())
        paths = [(a, b) for a in asked for b in row.tolist() if graph.has_edge(a, b)]
        best = [max(1.0 if a in shared else 0.0, *(strengths[a, b] for b in row)) for a in asked]
        np.testing.assert_allclose(signals[place, 0], weights[0] * len(shared), rtol=1e-5)
        np.testing.assert_allclose(signals[place, 4], sum(weights[0] * strengths[a, b] for a, b in paths), rtol=1e-4)
        np.testing.assert_allclose(signals[place, 5], np.log1p(len(paths)), rtol=1e-5)
        np.testing.assert_allclose(signals[place, 6], np.mean(best), rtol=1e-5)
