"""What earlier outcomes say, and that they never say a pair's own grade back to it."""

import numpy as np
import pytest

import matcher.learning.fit
from data.records import Achievement, Demand
from matcher.collection.encoded import EncodedRecords
from matcher.collection.pairs import PairBatch
from matcher.features.table import NEARNESS_COLUMNS
from matcher.history.features import HISTORY
from matcher.history.graded_pairs import GradedPairs
from matcher.history.outcome_history import History
from matcher.learning.fit import fit_scorer
from tests.matcher.conftest import PARAMETERS
from tests.some import some

COLUMN = {name: i for i, name in enumerate(HISTORY)}
OWN = [name for name in HISTORY if name.startswith("known_") and name not in {"known_pairs", "known_mean"}]


@pytest.fixture(scope="module")
def outcomes(known):
    """Rows of half the pairs of all demands but the last six."""
    random = np.random.default_rng(0)
    return np.flatnonzero((random.random(len(known.d)) < 0.5) & (known.d < 18))


@pytest.fixture(scope="module")
def history(known, outcomes):
    return fit(known, outcomes, known.world.grades(known.d, known.a)[outcomes])


def fit(known, rows, grades):
    nearness = known.table.select(NEARNESS_COLUMNS)[rows]
    return History.fit(known.batch(rows), grades.astype(np.float64), nearness)


def features(known, history, rows):
    nearness = known.table.select(NEARNESS_COLUMNS)[rows]
    return history.features(known.batch(rows), nearness)


def test_a_demand_without_outcomes_has_no_own_history(known, history):
    cold = np.flatnonzero(known.d >= 18)
    found = features(known, history, cold)
    assert (found[:, COLUMN["known_pairs"]] == 0).all()
    for name in ("known_mean", *OWN):
        assert np.isnan(found[:, COLUMN[name]]).all(), name
    others = [COLUMN[name] for name in HISTORY if not name.startswith("known_")]
    assert np.isfinite(found[:, others]).all()  # those of similar demands speak for it


def test_statistics_of_the_demand_itself_by_hand(known, history, outcomes):
    row = int(outcomes[40])
    same = outcomes[known.d[outcomes] == known.d[row]]
    grades = known.world.grades(known.d, known.a)
    found = dict(zip(HISTORY, features(known, history, np.array([row]))[0].tolist(), strict=True))
    assert found["known_pairs"] == pytest.approx(np.log1p(len(same)), rel=1e-5)
    prior = grades[outcomes].mean()
    assert found["known_mean"] == pytest.approx((grades[same].sum() + 2 * prior) / (len(same) + 2), rel=1e-5)
    texts = known.achievements.texts.full
    cosine = (
        texts.vectors[known.a[same]] @ texts.vectors[known.a[row]]
        + texts.topics[known.a[same]] @ texts.topics[known.a[row]]
    ) / 2
    assert found["known_nearest_0"] == pytest.approx(cosine[grades[same] == 0].max(), abs=1e-4)
    assert found["known_nearest_2"] == pytest.approx(cosine[grades[same] >= 2].max(), abs=1e-4)
    assert found["known_best_nearness"] == pytest.approx(cosine.max(), abs=1e-4)
    assert found["known_best"] == grades[same][cosine.argmax()]


def test_outcomes_teach_what_texts_cannot(known, outcomes):
    """The right achievement is of another topic than the demand's: only earlier outcomes can tell."""
    grades = known.world.grades(known.d, known.a, shift=1)
    taught = fit(known, outcomes, grades[outcomes])
    fresh = np.setdiff1d(np.arange(len(known.d)), outcomes)
    found = features(known, taught, fresh)
    right = grades[fresh] > 0
    for name in ("kernel_grade", "others_near", "kernel_above_1"):
        assert found[right, COLUMN[name]].mean() > found[~right, COLUMN[name]].mean() + 0.2, name


def test_leaving_outcomes_out_equals_never_having_known_them(known, history, outcomes):
    grades = known.world.grades(known.d, known.a)
    left = np.flatnonzero((np.arange(len(outcomes)) % 4 == 0) | (known.d[outcomes] == 3))  # one demand whole
    kept = np.setdiff1d(np.arange(len(outcomes)), left)
    rows = np.arange(0, len(known.d), 7)
    closed = features(known, history.without(left), rows)
    again = features(known, fit(known, outcomes[kept], grades[outcomes][kept]), rows)
    exact = [COLUMN[name] for name in HISTORY if not name.startswith("kernel_")]
    np.testing.assert_allclose(closed[:, exact], again[:, exact], atol=1e-5)
    # the kernel's features are standardised over all outcomes, which shifts its predictions a little
    kernel = [COLUMN[name] for name in HISTORY if name.startswith("kernel_")]
    np.testing.assert_allclose(closed[:, kernel], again[:, kernel], atol=0.05)


def spied_features(known, demands, achievements, pairs, table, monkeypatch):
    """Return the history columns that the ranker is trained on, shape (2, n, h): one layer per copy of the table."""
    seen = []

    class Spy(matcher.learning.fit.OrdinalRanker):
        def fit(self, features, *rest, **named):
            seen.append(features[:, -len(HISTORY) :].copy())
            return super().fit(features, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(matcher.learning.fit, "OrdinalRanker", Spy)
        fit_scorer(demands, achievements, pairs, table, parameters=PARAMETERS, calibrate=False)
    return seen[0].reshape(2, len(pairs), -1)


@pytest.mark.slow
def test_a_pair_s_grade_never_reaches_its_own_features_nor_those_of_its_doubles(known, monkeypatch):
    """Change one pair's grade: the features of every row of that pair, under whatever ids, stay as they were."""
    record_encoder, world = known.model.record_encoder, known.world
    demand_twin = world.demands[0].model_copy(update={"demand_id": "D-twin"})
    achievement_twin = world.achievements[6].model_copy(update={"achievement_id": "A-twin"})
    demands = EncodedRecords.concat([known.demands, record_encoder.demands([demand_twin])])
    achievements = EncodedRecords.concat([known.achievements, record_encoder.achievements([achievement_twin])])
    rows = np.flatnonzero((known.d + known.a) % 2 == 0)
    d = np.r_[known.d[rows], [24, 0, 24, 0]]
    a = np.r_[known.a[rows], [6, 36, 36, 6]]  # the pair (0, 6) again: once by each twin, by both, and judged twice
    table = known.model.label_free_table(PairBatch(demands, achievements, d, a))
    grade = np.where(np.r_[world.grades(known.d, known.a)[rows], [3, 3, 3, 3]] > 0, 3, 0)
    own = np.flatnonzero(((d == 0) | (d == 24)) & ((a == 6) | (a == 36)))
    assert len(own) == 5
    layers = []
    for changed in (grade, np.where(np.isin(np.arange(len(d)), own[:1]), 0, grade)):
        pairs = GradedPairs(d, a, changed.astype(np.int64), np.ones(len(d)))
        layers.append(spied_features(known, demands, achievements, pairs, table, monkeypatch))
    before, after = layers
    np.testing.assert_allclose(after[:, own], before[:, own], atol=2e-3)
    others = np.setdiff1d(np.arange(len(d)), own)
    assert np.nanmax(np.abs(after[:, others] - before[:, others])) > 0.05  # elsewhere the change is felt


def test_half_the_demands_are_new_in_each_copy_of_the_training_table(known, monkeypatch):
    rows = np.flatnonzero((known.d + known.a) % 2 == 0)
    pairs, table = known.graded(known.world.grades(known.d, known.a), rows)
    layers = spied_features(known, known.demands, known.achievements, pairs, table, monkeypatch)
    new = layers[:, :, COLUMN["known_pairs"]] == 0
    for demand in range(24):
        mine = pairs.d == demand
        assert sorted(new[:, mine].all(axis=1).tolist()) == [False, True], demand
        assert not new[:, mine].any(axis=1).all(), demand


def test_a_demand_is_known_by_its_title_and_its_content(known, history):
    old = known.world.demands[2]
    nearness = known.table.select(NEARNESS_COLUMNS)[:1]
    for change, is_known in (
        ({"demand_id": "new"}, True),
        ({"demand_id": "new", "title": "别的题目"}, True),
        ({"demand_id": "new", "content": "别的内容"}, True),
        ({"title": "别的题目", "content": "别的内容"}, True),
        ({"demand_id": "new", "title": "别的题目", "content": "别的内容"}, False),
    ):
        view = known.model.record_encoder.demands([old.model_copy(update=change)])
        zero = np.zeros(1, dtype=np.int64)
        found = history.features(PairBatch(view, known.achievements, zero, zero), nearness)
        assert (found[0, COLUMN["known_pairs"]] > 0) == is_known, change


def test_evidence_names_real_pairs_likest_first(known, history, outcomes):
    grades = known.world.grades(known.d, known.a)
    real = {(f"D{known.d[row]:03d}", f"A{known.a[row]:03d}"): int(grades[row]) for row in outcomes}
    pair = PairBatch(known.demands, known.achievements, np.array([4]), np.array([10]))
    (found,) = history.evidence(pair, limit=5)
    assert len(found) == 5
    for demand_id, achievement_id, grade, likeness in found:
        assert real[demand_id, achievement_id] == grade
        assert 0 <= likeness <= 1 + 1e-6
    assert [likeness for *_, likeness in found] == sorted((x for *_, x in found), reverse=True)
    assert History.empty().evidence(pair) == [[]]


def test_evidence_of_a_judged_pair_is_that_pair(known, history, outcomes):
    row = int(outcomes[25])
    ((best,),) = history.evidence(known.batch(np.array([row])), limit=1)
    assert best[:2] == (f"D{known.d[row]:03d}", f"A{known.a[row]:03d}")
    assert best[3] == pytest.approx(1.0, abs=1e-4)


def test_evidence_of_many_pairs_is_that_of_each(known, history, outcomes):
    d, a = np.array([4, 2, 4, 7]), np.array([10, 3, 1, 10])
    together = history.evidence(PairBatch(known.demands, known.achievements, d, a))
    for pair, likest in some(enumerate(together)):
        asking = history.known_demand(known.demands, int(d[pair])) if pair % 2 else None
        one = PairBatch(known.demands, known.achievements, d[[pair]], a[[pair]], asking)
        (alone,) = history.evidence(one, limit=8)
        for outcome, other in some(zip(likest, alone, strict=False)):
            assert outcome[3] == pytest.approx(other[3], abs=1e-5)
            assert outcome[:3] in [x[:3] for x in alone if abs(x[3] - outcome[3]) < 1e-4]  # equally like ones may swap


def test_feedback_points_to_achievements_that_did_well(known, history):
    view = known.model.record_encoder.demands([known.world.demands[1]])
    feedback = _feedback(history, view)
    vector = feedback.good
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(feedback.examples, axis=1) == pytest.approx(1, abs=1e-5)
    assert len(feedback.examples) == len(feedback.grades) == len(feedback.weights) > 0
    assert (np.diff(feedback.weights) <= 0).all()  # what is known of the demand itself comes first
    assert feedback.weights[0] == 1
    cosine = known.achievements.texts.full.vectors @ vector
    right = known.world.achievement_topic == known.world.demand_topic[1]
    assert cosine[right].min() > cosine[~right].max()


def test_no_feedback_where_nothing_similar_did_well(known, outcomes):
    bad = fit(known, outcomes, np.ones(len(outcomes)))
    view = known.model.record_encoder.demands([known.world.demands[1]])
    assert _feedback(bad, view).good is None
    assert set(_feedback(bad, view).grades.tolist()) == {1}
    strange = known.model.record_encoder.demands([Demand(demand_id="X", title="儿童舞蹈服装采购")])
    assert _feedback(fit(known, outcomes, np.ones(len(outcomes))), strange) is None


def _feedback(history, view):
    return history.feedback(history.known_demand(view, 0), view.texts.full.vectors.shape[1])


def test_numbers_stay_finite_for_texts_that_say_nothing(known, history):
    record_encoder = known.model.record_encoder
    demands = record_encoder.demands([Demand(demand_id="X", title="无"), Demand(demand_id="Y", title="zzzz")])
    achievements = record_encoder.achievements([Achievement(achievement_id="X", title="无")])
    d, a = np.array([0, 1]), np.array([0, 0])
    pairs = PairBatch(demands, achievements, d, a)
    found = history.features(pairs, known.model.label_free_table(pairs).select(NEARNESS_COLUMNS))
    own = [COLUMN[name] for name in ("known_mean", *OWN)]
    assert np.isfinite(np.delete(found, own, axis=1)).all()


def test_a_saved_history_says_the_same(known, history, outcomes, tmp_path):
    history.save(tmp_path / "history")
    loaded = History.load(tmp_path / "history")
    rows = np.arange(0, len(known.d), 5)
    np.testing.assert_array_equal(features(known, loaded, rows), features(known, history, rows))
    pair = PairBatch(known.demands, known.achievements, np.array([4]), np.array([10]))
    assert loaded.evidence(pair) == history.evidence(pair)


def test_an_empty_history_survives_saving(known, tmp_path):
    History.empty().save(tmp_path / "history")
    loaded = History.load(tmp_path / "history")
    assert np.isnan(features(known, loaded, np.arange(3))).all()


def test_only_a_bounded_number_of_outcomes_supports_the_kernel(known, outcomes, monkeypatch):
    monkeypatch.setattr("matcher.history.outcome_history.SUPPORT", 50)
    grades = known.world.grades(known.d, known.a)[outcomes]
    bounded = fit(known, outcomes, grades)
    assert len(bounded.kernel._fitted.described.of) == 50
    assert len(bounded.grades) == len(outcomes)
    rest = bounded.without(np.arange(0, len(outcomes), 2))
    assert np.isfinite(features(known, rest, np.arange(20))[:, COLUMN["kernel_grade"]]).all()
