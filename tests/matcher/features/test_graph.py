"""The graph's part in a request: for records of the bundle, new ones, and those written since it was built."""

import numpy as np
import pytest

from data.records import Achievement, Demand
from knowledge_graph.reading.signals import SIGNAL_NAMES
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import all_rows
from matcher.engine import Engine
from matcher.features.graph import graph_paths, graph_signals, reached_achievements
from matcher.model import MatchingModel

NEW = Demand(demand_id="N1", title="污泥干化", content="寻求污泥脱水与烘干，降低含水率，采用压滤机。")
LATE = Achievement(achievement_id="late", title="污泥干化脱水设备", content="污泥脱水后烘干，含水率低，采用压滤机。")
UNKNOWN = Demand(demand_id="N2", title="古琴减字谱")
COSINE = SIGNAL_NAMES.index("graph_shared_cosine")


@pytest.fixture
def graph(known):
    return known.model.graph


@pytest.fixture
def size(graph):
    return len(graph.achievement_ids)


@pytest.fixture
def written(known, encoder):
    """The known world's achievements after one more was written."""
    engine = Engine(MatchingModel.build(known.world.achievements, known.world.demands, encoder))
    engine.upsert_achievements([LATE])
    return engine.collection("achievements")


def asking(known, demand, rows=None) -> PairBatch:
    rows = all_rows(len(known.achievements)) if rows is None else np.array(rows)
    return PairBatch.of_demand(known.model.record_encoder.demands([demand]), 0, known.achievements, rows)


def reached(graph, known, demand, collection, depth, allowed):
    row = known.model.record_encoder.demands([demand]).graph.row(0)
    return reached_achievements(graph, row, collection, depth, allowed)[0]


def test_a_new_demand_reaches_the_achievements_of_its_topic(graph, known, size):
    rows = reached(graph, known, NEW, known.model.achievements, 6, np.ones(size, dtype=np.bool_))
    assert len(rows) == 6
    assert set(known.world.achievement_topic[rows]) == {0}


def test_only_what_is_allowed_comes_back(graph, known, size):
    best = reached(graph, known, NEW, known.model.achievements, size, np.ones(size, dtype=np.bool_))
    allowed = np.ones(size, dtype=np.bool_)
    allowed[best[0]] = False
    assert reached(graph, known, NEW, known.model.achievements, size, allowed).tolist() == best[1:].tolist()


def test_a_written_achievement_is_reached_where_it_stands_in_the_collection(graph, known, size, written):
    row = written.row("late")
    assert row == size
    allowed = np.ones(len(written), dtype=np.bool_)
    assert row in reached(graph, known, NEW, written, 6, allowed)
    allowed[row] = False
    assert row not in reached(graph, known, NEW, written, 6, allowed)


def test_a_stored_demand_has_the_signals_it_is_trained_with(graph, known):
    rows = np.arange(12, dtype=np.int64)
    found = graph_signals(graph, PairBatch.of_demand(known.demands, 4, known.achievements, rows))
    assert found.shape == (12, len(SIGNAL_NAMES))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, graph.pair_signals(np.full(12, 4), rows), rtol=1e-5)


def test_many_demands_and_achievements_have_the_signals_of_each_pair(graph, known):
    d, a = np.array([4, 2, 4, 7, 2]), np.array([1, 3, 0, 1, 3])
    found = graph_signals(graph, PairBatch(known.demands, known.achievements, d, a))
    np.testing.assert_allclose(found, graph.pair_signals(d, a), rtol=1e-5)


def test_paths_of_a_new_demand_name_it(graph, known):
    (first, *_), _ = graph_paths(graph, asking(known, NEW, [0, 1]))
    assert first.text.startswith("需求“污泥干化”")
    assert known.world.achievements[0].title in first.text
    assert graph_paths(graph, asking(known, NEW, [0, 1]))[0] == graph_paths(graph, asking(known, NEW, [1, 0]))[1]


def test_a_stored_achievement_looks_at_demands(graph, known):
    rows = np.array([3, 0], dtype=np.int64)
    pairs = PairBatch.of_achievement(known.achievements, 3, known.demands, rows)
    found = graph_signals(graph, pairs)
    np.testing.assert_allclose(found, graph.pair_signals(rows, np.array([3, 3])), rtol=1e-5)
    assert found[0, COSINE] > found[1, COSINE]  # demand 3 is of its topic, demand 0 is not
    (first, *_), _ = graph_paths(graph, pairs)
    assert first.text.startswith(f"需求“{known.world.demands[3].title}”")


def test_an_achievement_written_since_has_signals_and_paths(graph, known):
    late = known.model.record_encoder.achievements([LATE])
    found = graph_signals(graph, PairBatch.of_demand(known.demands, 0, late, np.zeros(1, dtype=np.int64)))
    assert found[0, COSINE] > 0.1
    back = graph_signals(graph, PairBatch.of_achievement(late, 0, known.demands, np.arange(4)))
    np.testing.assert_allclose(back[:1], found, rtol=1e-4)
    ((first, *_),) = graph_paths(graph, PairBatch.of_demand(known.demands, 0, late, np.zeros(1, dtype=np.int64)))
    assert LATE.title in first.text


def test_a_demand_of_unknown_words_has_no_term_signal_and_no_path(graph, known, size):
    pairs = asking(known, UNKNOWN, [0, 1, 2, 3])
    assert np.isnan(graph_signals(graph, pairs)[:, COSINE]).all()
    everything = np.ones(size, dtype=np.bool_)
    assert len(reached(graph, known, UNKNOWN, known.model.achievements, 10, everything)) == 0
    assert graph_paths(graph, pairs) == [[], [], [], []]


def test_without_a_graph_nothing_is_known(known):
    pairs = asking(known, NEW, [0, 1])
    assert np.isnan(graph_signals(None, pairs)).all()
    assert graph_paths(None, pairs) == [[], []]
