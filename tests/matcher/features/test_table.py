"""The feature table: its names, its similarities against a plain computation, its typical values."""

import numpy as np
import pytest

from data.errors import BundleError
from data.records import Achievement, Demand
from knowledge_graph.reading.signals import SIGNAL_NAMES
from matcher.collection.encoded import REFERENCE_ACHIEVEMENTS, REFERENCE_DEMANDS, EncodedRecords, RecordEncoder
from matcher.collection.pairs import PairBatch
from matcher.features.attributes import ATTRIBUTES
from matcher.features.graph import graph_signals
from matcher.features.table import (
    FEATURES,
    LABEL_FREE,
    NEARNESS_COLUMNS,
    FeatureTable,
    label_free_table,
    pair_similarities,
    with_history,
)
from matcher.history.features import HISTORY
from matcher.history.outcome_history import History
from matcher.texts.similarities import SIMILARITIES, TextSide, similarities

TOLERANCE = 2e-5


def dense(rows, i):
    return rows[[i]].toarray()[0]


def words_of(side, i):
    return side.words.indices[side.words.indptr[i] : side.words.indptr[i + 1]]


def reckoned(space, demand: TextSide, achievement: TextSide) -> dict[str, float]:
    """Return every similarity of one pair (sides of one row each), written out plainly."""
    own, idf = achievement.full, space.words.idf
    found = {"vectors_tt": demand.title.vectors[0] @ achievement.title.vectors[0]}

    def associated(rows):
        spread = dense(rows.words, 0) @ space.associations.toarray()
        return spread / (np.linalg.norm(spread) or 1)

    for text, side in (("t", demand.title), ("f", demand.full)):
        found[f"vectors_{text}"] = side.vectors[0] @ own.vectors[0]
        found[f"words_{text}"] = dense(side.words, 0) @ dense(own.words, 0)
        found[f"grams_{text}"] = dense(side.grams, 0) @ dense(own.grams, 0)
        found[f"topics_{text}"] = side.topics[0] @ own.topics[0]
        found[f"associated_{text}"] = associated(side) @ dense(own.words, 0)
        found[f"associated2_{text}"] = associated(side) @ associated(own)
        found[f"overlap_{text}"] = idf[np.intersect1d(words_of(side, 0), words_of(own, 0))].sum()
    here = np.zeros(1, dtype=np.int64)
    found["context_f"] = (demand.context.vectors(here) @ achievement.context.vectors(here).T).item()
    found["overlap_share"] = found["overlap_f"] / max(idf[words_of(own, 0)].sum(), 1e-6)
    return found


ODD_DEMANDS = [
    Demand(demand_id="E1", title="无"),
    Demand(demand_id="E2", title="zzzz qqqq"),
    Demand(demand_id="E3", title="污泥", content="烘干"),
]
ODD_ACHIEVEMENTS = [Achievement(achievement_id="E1", title="未提供"), Achievement(achievement_id="E2", title="xkcd")]


@pytest.fixture(scope="module")
def odd(known):
    """The known world's views with records that say nothing, or nothing known, at their ends."""
    record_encoder = known.model.record_encoder
    return (
        EncodedRecords.concat([known.demands, record_encoder.demands(ODD_DEMANDS)]),
        EncodedRecords.concat([known.achievements, record_encoder.achievements(ODD_ACHIEVEMENTS)]),
    )


def test_names_are_unique_and_those_of_the_table(known):
    assert len(set(FEATURES)) == len(FEATURES)
    assert known.table.names == LABEL_FREE
    assert known.table.values.shape == (len(known.d), len(LABEL_FREE))
    full = with_history(known.table, History.empty(), known.batch(np.arange(len(known.d))))
    assert full.names == FEATURES
    assert full.values.shape[1] == len(FEATURES)
    assert set(NEARNESS_COLUMNS) <= set(LABEL_FREE)


def test_similarities_equal_a_plain_reckoning(known, odd):
    demands, achievements = odd
    some = [(0, 0), (3, 3), (5, 17), (24, 0), (0, 36), (24, 36), (25, 37), (26, 0), (26, 36), (11, 30)]
    d, a = (np.array(column) for column in zip(*some, strict=True))
    found = pair_similarities(known.space, PairBatch(demands, achievements, d, a))
    for row, (i, j) in enumerate(some):
        expected = reckoned(known.space, demands.texts.take(np.array([i])), achievements.texts.take(np.array([j])))
        np.testing.assert_allclose(
            found[row], [expected[name] for name in SIMILARITIES], atol=TOLERANCE, err_msg=f"pair {i}, {j}"
        )


def test_similarities_are_the_same_whichever_side_leads(known, odd):
    demands, achievements = odd
    random = np.random.default_rng(0)
    few_demands = (random.integers(0, 3, 60), random.integers(0, len(achievements), 60))
    few_achievements = (random.integers(0, len(demands), 60), random.integers(0, 3, 60))
    for d, a in (few_demands, few_achievements):
        found = pair_similarities(known.space, PairBatch(demands, achievements, d, a))
        alone = [
            similarities(known.space, demands.texts.take(np.array([i])), achievements.texts.take(np.array([j])))[0, 0]
            for i, j in zip(d, a, strict=True)
        ]
        np.testing.assert_allclose(found, alone, atol=TOLERANCE)


def test_similarities_of_a_block_equal_those_of_its_pairs(known, odd):
    """More demands than achievements and the reverse: the block's shape must not matter."""
    demands, achievements = odd
    for rows, columns in ((np.arange(27), np.arange(30, 38)), (np.arange(20, 27), np.arange(38))):
        block = similarities(known.space, demands.texts.take(rows), achievements.texts.take(columns))
        d, a = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
        pairs = pair_similarities(known.space, PairBatch(demands, achievements, d, a))
        np.testing.assert_allclose(block.reshape(len(d), -1), pairs, atol=TOLERANCE)


def test_typical_values_are_mean_and_deviation_over_the_reference(known, odd):
    demands, achievements = odd
    record_encoder, space = known.model.record_encoder, known.space
    for row in (0, 7, 24, 26):
        one = demands.texts.take(np.array([row]))
        values = similarities(space, one, record_encoder.reference_achievements)[0].astype(np.float64)
        np.testing.assert_allclose(demands.typical[row, 0], values.mean(axis=0), atol=TOLERANCE)
        np.testing.assert_allclose(demands.typical[row, 1], np.maximum(values.std(axis=0), 1e-3), atol=TOLERANCE)
    for row in (0, 13, 36, 37):
        one = achievements.texts.take(np.array([row]))
        values = similarities(space, record_encoder.reference_demands, one)[:, 0].astype(np.float64)
        np.testing.assert_allclose(achievements.typical[row, 0], values.mean(axis=0), atol=TOLERANCE)
        np.testing.assert_allclose(achievements.typical[row, 1], np.maximum(values.std(axis=0), 1e-3), atol=TOLERANCE)


def test_a_record_looks_the_same_alone_and_among_others(known):
    """As at serving time: one demand comes alone, at build time it was among all."""
    record_encoder = known.model.record_encoder
    for row in (0, 5, 11):
        alone = record_encoder.demands([known.world.demands[row]])
        np.testing.assert_allclose(alone.typical[0], known.demands.typical[row], atol=TOLERANCE)
        alone_too = record_encoder.achievements([known.world.achievements[row]])
        np.testing.assert_allclose(alone_too.typical[0], known.achievements.typical[row], atol=TOLERANCE)


def test_the_reference_is_bounded_and_drawn_from_the_records(known):
    record_encoder = known.model.record_encoder
    assert len(record_encoder.reference_demands) == min(REFERENCE_DEMANDS, 24)
    assert len(record_encoder.reference_achievements) == min(REFERENCE_ACHIEVEMENTS, 36)


def test_deviations_from_the_typical_by_hand(known):
    column = {name: i for i, name in enumerate(known.table.names)}
    row, s = 100, SIMILARITIES.index("words_f")
    value = known.table.values[row]
    mean, deviation = known.demands.typical[known.d[row], :, s]
    assert value[column["words_f_for_demand"]] == pytest.approx((value[column["words_f"]] - mean) / deviation, abs=1e-4)
    assert value[column["words_f_typical_demand"]] == pytest.approx(mean)
    mean, deviation = known.achievements.typical[known.a[row], :, s]
    assert value[column["words_f_for_achievement"]] == pytest.approx(
        (value[column["words_f"]] - mean) / deviation, abs=1e-4
    )


def test_empty_and_unknown_texts_give_finite_numbers(known, odd):
    demands, achievements = odd
    d, a = np.repeat(np.arange(24, 27), 38), np.tile(np.arange(38), 3)
    table = known.model.label_free_table(PairBatch(demands, achievements, d, a))
    texts = [name for name in LABEL_FREE if name not in {*ATTRIBUTES, *SIGNAL_NAMES}]
    assert np.isfinite(table.select(texts)).all()


def test_the_graph_says_the_same_in_training_and_in_serving(known):
    graph, world, encoder = known.model.graph, known.world, known.model.record_encoder
    rows = np.arange(36)
    for row in (0, 9):
        trained = graph.pair_signals(np.full(36, row), rows)
        served = PairBatch.of_demand(encoder.demands([world.demands[row]]), 0, known.achievements, rows)
        np.testing.assert_allclose(graph_signals(graph, served), trained, atol=1e-5)
    rows = np.arange(24)
    trained = graph.pair_signals(rows, np.full(24, 4))
    stored = PairBatch.of_achievement(known.achievements, 4, known.demands, rows)
    np.testing.assert_allclose(graph_signals(graph, stored), trained, atol=1e-5)
    fresh = PairBatch.of_achievement(encoder.achievements([world.achievements[4]]), 0, known.demands, rows)
    np.testing.assert_allclose(graph_signals(graph, fresh), trained, atol=1e-5)
    assert np.isnan(graph_signals(None, stored)).all()


def test_the_right_matches_stand_out_without_a_single_outcome(known):
    right = known.world.grades(known.d, known.a) > 0
    for name in ("vectors_f", "words_f", "topics_f"):
        column = known.table.values[:, known.table.names.index(name)]
        assert column[right].mean() > 2 * column[~right].mean(), name


def test_columns_are_selected_by_name_in_the_order_asked():
    table = FeatureTable(np.arange(6, dtype=np.float32).reshape(2, 3), ("a", "b", "c"))
    assert table.select(("c", "a")).tolist() == [[2, 0], [5, 3]]
    with pytest.raises(
        BundleError, match="ranker expects 2 features, feature table defines 3: missing d; train again with"
    ):
        table.select(("a", "d"))


def test_a_saved_view_is_identical(known, encoder, tmp_path):
    known.demands.save(tmp_path / "view")
    loaded = EncodedRecords.load(tmp_path / "view")
    assert loaded.cards.table.equals(known.demands.cards.table)
    np.testing.assert_array_equal(loaded.typical, known.demands.typical)
    rows = np.array([5, 0, 5])
    np.testing.assert_array_equal(loaded.take(rows).texts.full.vectors, known.demands.take(rows).texts.full.vectors)
    known.model.record_encoder.save(tmp_path / "viewer")
    record_encoder = RecordEncoder.load(tmp_path / "viewer", encoder)
    before = known.model.record_encoder.demands(ODD_DEMANDS)
    after = record_encoder.demands(ODD_DEMANDS)
    np.testing.assert_array_equal(after.typical, before.typical)
    table = [
        label_free_table(v.space, pairs, graph_signals(None, pairs))
        for v, view in ((known.model.record_encoder, before), (record_encoder, after))
        for pairs in (PairBatch.of_demand(view, 2, known.achievements, np.arange(36)),)
    ]
    np.testing.assert_array_equal(table[0].values, table[1].values)


def test_a_table_s_rows_do_not_depend_on_each_other(known):
    rows = np.random.default_rng(1).permutation(len(known.d))[:50]
    some = known.model.label_free_table(known.batch(rows))
    np.testing.assert_allclose(some.values, known.table.values[rows], atol=1e-3, rtol=1e-4)


def test_history_columns_are_missing_on_the_first_day(known):
    found = History.empty().features(known.batch(np.arange(5)), known.table.select(NEARNESS_COLUMNS)[:5])
    assert found.shape == (5, len(HISTORY))
    assert np.isnan(found).all()
