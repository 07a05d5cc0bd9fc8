"""The graph as one record sees it: stored, new, or written since the graph was built."""

import numpy as np
import pytest

from data.records import Achievement, Demand
from knowledge_graph.reading.signals import SIGNAL_NAMES
from matcher.features.graph import GraphQuery

NEW = Demand(demand_id="N1", title="污泥干化", content="寻求污泥脱水与烘干，降低含水率，采用压滤机。")
COSINE = SIGNAL_NAMES.index("graph_shared_cosine")


@pytest.fixture
def graph(known):
    return known.model.graph


@pytest.fixture
def size(graph):
    return len(graph.achievement_ids)


def test_a_new_demand_reaches_the_achievements_of_its_topic(graph, known, size):
    rows = GraphQuery(graph, NEW, None).retrieve(6, np.ones(size, dtype=np.bool_))
    assert len(rows) == 6
    assert set(known.world.achievement_topic[rows]) == {0}


def test_only_what_is_allowed_comes_back_also_from_a_longer_shelf(graph, size):
    lens = GraphQuery(graph, NEW, None)
    best = lens.retrieve(size, np.ones(size + 5, dtype=np.bool_))
    allowed = np.ones(size + 5, dtype=np.bool_)
    allowed[best[0]] = False
    assert best.max() < size
    assert lens.retrieve(size, allowed).tolist() == best[1:].tolist()


def test_signals_of_a_new_demand_are_missing_for_rows_beyond_the_graph(graph, known, size):
    rows = np.array([size, 0, size + 7, 1], dtype=np.int64)  # topics: -, 0, -, 1
    found = GraphQuery(graph, NEW, None).signals(rows)
    assert found.shape == (4, len(SIGNAL_NAMES))
    assert found.dtype == np.float32
    assert np.isnan(found[[0, 2]]).all()
    assert found[1, COSINE] > found[3, COSINE]
    np.testing.assert_array_equal(found[[1, 3]], graph.signals(graph.describe(NEW), rows[[1, 3]]))


def test_a_stored_demand_has_the_signals_it_is_trained_with(graph, known):
    rows = np.arange(12, dtype=np.int64)
    found = GraphQuery(graph, known.world.demands[4], 4).signals(rows)
    np.testing.assert_allclose(found, graph.pair_signals(np.full(12, 4), rows), rtol=1e-5)


def test_paths_of_a_new_demand_name_it(graph, known, size):
    lens = GraphQuery(graph, NEW, None)
    none, (first, *_), _ = lens.paths([size, 0, 1])
    assert none == []
    assert first.text.startswith("需求“污泥干化”")
    assert known.world.achievements[0].title in first.text
    assert lens.paths([0, 1])[0] == lens.paths([1, 0])[1]


def test_a_stored_achievement_looks_at_demands(graph, known):
    lens = GraphQuery(graph, known.world.achievements[3], 3)
    count = len(graph.demand_ids)
    rows = np.array([3, count, 0], dtype=np.int64)
    found = lens.signals(rows)
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[[0, 2]], graph.pair_signals(rows[[0, 2]], np.array([3, 3])), rtol=1e-5)
    assert found[0, COSINE] > found[2, COSINE]  # demand 3 is of its topic, demand 0 is not
    (first, *_), none = lens.paths([3, count])
    assert first.text.startswith(f"需求“{known.world.demands[3].title}”")
    assert none == []
    assert len(lens.retrieve(10, np.ones(count, dtype=np.bool_))) == 0  # the channel is for demands


@pytest.mark.parametrize("beyond", [None, 0, 5])
def test_an_achievement_that_the_graph_does_not_know_has_neither_signals_nor_paths(graph, size, beyond):
    late = Achievement(achievement_id="late", title="污泥干化脱水设备")
    lens = GraphQuery(graph, late, None if beyond is None else size + beyond)
    assert np.isnan(lens.signals(np.arange(4, dtype=np.int64))).all()
    assert lens.paths([0]) == [[]]


def test_a_demand_of_unknown_words_has_no_term_signal_and_no_path(graph, size):
    lens = GraphQuery(graph, Demand(demand_id="N2", title="古琴减字谱"), None)
    assert np.isnan(lens.signals(np.arange(4, dtype=np.int64))[:, COSINE]).all()
    assert len(lens.retrieve(10, np.ones(size, dtype=np.bool_))) == 0
    assert lens.paths([0]) == [[]]
