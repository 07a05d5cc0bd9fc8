from datetime import date

import numpy as np
import pytest

from data.errors import BundleError
from data.records import Achievement, Demand
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.reading.signals import SIGNAL_NAMES
from knowledge_graph.records.table import RecordTable
from tests.knowledge_graph.records import achievements, deal, demands

ALL = np.arange(32)
DRYING = np.array([row for row in range(32) if row % 8 < 4])
BATTERY = np.array([row for row in range(32) if row % 8 >= 4])


def column(signals, name):
    return signals[:, SIGNAL_NAMES.index(name)]


@pytest.mark.parametrize(
    "name", ["graph_shared_cosine", "graph_two_hop", "graph_walk", "graph_demand_reached", "graph_achievement_reached"]
)
def test_signals_tell_the_right_topic(small_graph, name):
    for demand, right, wrong in (
        (0, DRYING, BATTERY),
        (1, DRYING, BATTERY),
        (2, BATTERY, DRYING),
        (3, BATTERY, DRYING),
    ):
        values = column(small_graph.signals(small_graph.demand(demand), ALL), name)
        assert values[right].mean() > values[wrong].mean()


def test_signals_have_the_promised_shape_and_ranges(small_graph):
    signals = small_graph.signals(small_graph.demand(0), ALL)
    assert signals.shape == (32, len(SIGNAL_NAMES))
    assert signals.dtype == np.float32
    for name in ("graph_shared_cosine", "graph_demand_covered", "graph_demand_reached", "graph_title_reached"):
        values = column(signals, name)
        assert ((values >= 0) & (values <= 1 + 1e-5)).all()


def test_reached_is_at_least_what_is_shared(small_graph):
    signals = small_graph.signals(small_graph.demand(1), ALL)
    assert (column(signals, "graph_demand_reached") >= column(signals, "graph_demand_covered") - 1e-6).all()


def test_shared_weight_by_type_adds_up_to_no_more_than_the_whole(small_graph):
    signals = small_graph.signals(small_graph.demand(0), ALL)
    parts = sum(
        column(signals, f"graph_shared_{name}") for name in ("material", "method", "effect", "product", "application")
    )
    assert (parts <= column(signals, "graph_shared_cosine") + 1e-5).all()


def test_cosine_signal_is_the_product_of_the_mention_matrices(small_graph):
    size = len(small_graph.vocabulary)
    expected = (small_graph.demands.mentions(size) @ small_graph.achievements.mentions(size).T).toarray()
    for demand in range(4):
        got = column(small_graph.signals(small_graph.demand(demand), ALL), "graph_shared_cosine")
        np.testing.assert_allclose(got, expected[demand], atol=1e-5)


def test_taxonomy_signals(small_graph):
    signals = small_graph.signals(small_graph.demand(0), ALL)
    assert column(signals, "graph_industry_distance")[0] == 0  # both 7721
    assert column(signals, "graph_industry_distance")[4] == 4  # 7721 and 3841
    assert column(signals, "graph_region_distance")[0] == 1  # 洛阳 and 郑州
    assert column(signals, "graph_region_distance")[4] > 1  # 洛阳 and 深圳


def test_a_text_without_known_terms_has_unknown_signals(small_graph):
    row = small_graph.describe(Demand(demand_id="X", title="Zzyzx"))
    signals = small_graph.signals(row, ALL)
    assert np.isnan(column(signals, "graph_shared_cosine")).all()
    assert np.isnan(column(signals, "graph_region_distance")).all()
    rows, scores = small_graph.retrieve(row, 10)
    assert len(rows) == len(scores) == 0


def test_no_candidates_give_no_rows(small_graph):
    assert small_graph.signals(small_graph.demand(0), np.zeros(0, dtype=np.int64)).shape == (0, len(SIGNAL_NAMES))


def test_pair_signals_equal_signals_demand_by_demand(small_graph):
    rng = np.random.default_rng(0)
    demand, achievement = rng.integers(0, 4, 60), rng.integers(0, 32, 60)
    pairs = small_graph.pair_signals(demand, achievement)
    for place in range(60):
        row = int(demand[place])
        one = small_graph.signals(small_graph.demand(row), achievement[place : place + 1], demand_row=row)
        np.testing.assert_array_equal(pairs[place], one[0])


def test_no_pairs_at_all(small_graph):
    assert small_graph.pair_signals(np.zeros(0, dtype=int), np.zeros(0, dtype=int)).shape == (0, len(SIGNAL_NAMES))


def test_a_pairs_own_outcome_is_never_in_its_signals():
    built = KnowledgeGraph.build(achievements(), demands())
    told = built.with_outcomes([deal("D0", "A0")])
    before = built.pair_signals(np.zeros(32, dtype=int), ALL)
    after = told.pair_signals(np.zeros(32, dtype=int), ALL)
    np.testing.assert_array_equal(before, after)
    record = column(told.pair_signals(np.ones(32, dtype=int), ALL), "graph_holder_record")
    assert (record[DRYING] > 0).all()


def test_only_outcomes_before_the_day_count(small_graph):
    demand, rows = np.zeros(1, dtype=int), np.array([1])
    early = small_graph.pair_signals(demand, rows, before=[date(2025, 1, 5)])
    late = small_graph.pair_signals(demand, rows, before=[date(2025, 1, 6)])
    assert np.isnan(column(early, "graph_holder_record")[0])
    assert column(late, "graph_holder_record")[0] > 0


def test_retrieval_finds_the_topic_best_first(small_graph):
    rows, scores = small_graph.retrieve(small_graph.demand(0), 8)
    assert set(rows) <= set(DRYING)
    assert (np.diff(scores) <= 0).all()


def test_retrieval_obeys_the_mask(small_graph):
    allowed = np.zeros(32, dtype=bool)
    allowed[[3, 11]] = True
    rows, _ = small_graph.retrieve(small_graph.demand(0), 300, allowed)
    assert set(rows) <= {3, 11}


def test_the_same_records_give_the_same_graph(small_graph):
    again = KnowledgeGraph.build(achievements(), demands(), outcomes=[deal("D0", "A0"), deal("D1", "A2", 5)])
    assert again.vocabulary.terms == small_graph.vocabulary.terms
    pairs = np.arange(4).repeat(32), np.tile(ALL, 4)
    np.testing.assert_array_equal(again.pair_signals(*pairs), small_graph.pair_signals(*pairs))


def test_saved_and_loaded_graphs_answer_alike(small_graph, tmp_path):
    small_graph.save(tmp_path / "graph")
    loaded = KnowledgeGraph.load(tmp_path / "graph")
    pairs = np.arange(4).repeat(32), np.tile(ALL, 4)
    np.testing.assert_array_equal(loaded.pair_signals(*pairs), small_graph.pair_signals(*pairs))
    np.testing.assert_array_equal(
        loaded.retrieve(loaded.demand(1), 9)[0], small_graph.retrieve(small_graph.demand(1), 9)[0]
    )
    edges = lambda graph: sorted(graph.terms.edges(keys=True))  # noqa: E731
    assert edges(loaded) == edges(small_graph)


def test_damaged_graphs_are_refused_by_file(small_graph, tmp_path):
    small_graph.save(tmp_path)
    (tmp_path / "relations.targets.npy").write_bytes(b"no array")
    with pytest.raises(BundleError, match=r"relations\.targets\.npy is damaged"):
        KnowledgeGraph.load(tmp_path)
    (tmp_path / "relations.targets.npy").unlink()
    with pytest.raises(BundleError, match="is missing"):
        KnowledgeGraph.load(tmp_path)
    (tmp_path / "graph.json").write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(BundleError, match="has format 99"):
        KnowledgeGraph.load(tmp_path)


NEW = Achievement(achievement_id="N", title="热泵污泥干化一体机", content="热泵污泥干化，市政污泥。", holder="新公司")


def test_an_achievement_written_since_is_found_behind_the_graph_s_own(small_graph):
    size, written = len(small_graph.achievements), small_graph.describe_all([achievements()[4], NEW])
    demand = small_graph.demand(0)
    found = small_graph.retrieve(demand, size + 2, written=written)[0]
    assert size + 1 in found
    assert column(small_graph.signals(demand, np.array([1]), table=written), "graph_shared_cosine")[0] > 0.1
    allowed = np.ones(size + 2, dtype=np.bool_)
    allowed[size + 1] = False
    assert size + 1 not in small_graph.retrieve(demand, size + 2, allowed, written)[0]


def test_a_record_described_anew_is_as_if_built_so(small_graph):
    written = small_graph.describe_all([achievements()[4]])
    demand = small_graph.demand(2)
    here, there = small_graph.signals(demand, np.array([0]), table=written), small_graph.signals(demand, np.array([4]))
    np.testing.assert_array_equal(here, there)
    back = small_graph.reverse_signals(0, np.arange(3), table=written, asking=small_graph.demands)
    np.testing.assert_array_equal(back, small_graph.reverse_signals(4, np.arange(3)))


def test_rows_taken_and_joined_are_those_that_were(small_graph):
    table = small_graph.achievements
    rows = np.array([5, 0, 5, 7])
    joined = RecordTable.concat([table.take(rows), table.take(rows[:0]), table.take(rows[1:2])])
    assert len(joined) == 5
    assert len(joined.pool_terms) == joined.lengths.sum()  # nothing of the other rows is kept
    for place, row in enumerate([5, 0, 5, 7, 0]):
        mine, its = joined.row(place), table.row(row)
        for name in ("terms", "weights", "titles", "industries", "stages", "shares"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(its, name))
        assert (mine.field, mine.region, mine.organisation, mine.is_open) == (
            its.field,
            its.region,
            its.organisation,
            its.is_open,
        )


def test_no_records_make_an_empty_graph(tmp_path):
    graph = KnowledgeGraph.build([], [])
    assert graph.retrieve(graph.describe(demands()[0]), 5)[0].size == 0
    graph.save(tmp_path)
    assert len(KnowledgeGraph.load(tmp_path).achievements) == 0


def test_records_of_nothing_but_a_title_are_enough():
    graph = KnowledgeGraph.build([Achievement(achievement_id="1", title="无")], [Demand(demand_id="1", title="未提供")])
    assert np.isnan(graph.pair_signals(np.zeros(1, dtype=int), np.zeros(1, dtype=int))).sum() > 10


def test_words_for_a_segmenter_are_frequent_terms(small_graph):
    words = {word for word, _, _ in small_graph.words(least=5)}
    assert "污泥" in words
    assert words <= set(small_graph.vocabulary.terms)
    assert len(words) < len(small_graph.words(least=1))


@pytest.mark.parametrize("achievement", [0, 5, 31])
def test_reverse_signals_equal_pair_signals(small_graph, achievement):
    demand = np.array([3, 0, 2, 1])
    expected = small_graph.pair_signals(demand, np.full(4, achievement))
    np.testing.assert_array_equal(small_graph.reverse_signals(achievement, demand), expected)
