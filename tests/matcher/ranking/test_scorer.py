"""The scorer on worlds whose answer is known: recovers it, and finds nothing where there is nothing."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from data.errors import InputError
from matcher.collection.pairs import PairBatch
from matcher.features.table import FEATURES
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import fit_scorer
from matcher.ranking.scorer import GOOD_GRADE, Scorer
from tests.matcher.conftest import PARAMETERS, taught_rows


def halves(known):
    """Return rows of 12 demands to learn from (all but a few of their pairs), rows of those few, rows of the others."""
    early = known.d < 12
    kept_back = (known.a % 4 == 3) & early
    return np.flatnonzero(early & ~kept_back), np.flatnonzero(kept_back), np.flatnonzero(~early)


@pytest.mark.parametrize(("shift", "least"), [(0, 0.97), (1, 0.9)])
def test_a_known_answer_is_recovered_for_known_and_for_new_demands(known, shift, least):
    """shift 0: texts tell; shift 1: the right match shares no word with the demand, only outcomes tell."""
    grades = known.world.grades(known.d, known.a, shift)
    train, warm, cold = halves(known)
    scorer = known.fit(grades, train)
    for rows in (warm, cold):
        assert roc_auc_score(grades[rows] > 0, known.expected(scorer, rows)) > least


@pytest.mark.slow
def test_random_labels_teach_nothing(known):
    """Were a label to reach its own row in training, the ranker would trust history and err with confidence."""
    train, warm, cold = halves(known)
    found = []
    for seed in range(3):
        grades = np.random.default_rng(seed).integers(0, 4, len(known.d))
        scorer = known.fit(grades, train)
        found += [roc_auc_score(grades[rows] >= 2, known.expected(scorer, rows)) for rows in (warm, cold)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.07)


def test_random_labels_are_not_believed_in_training_either(known):
    grades = np.random.default_rng(5).integers(0, 4, len(known.d))
    train, warm, _ = halves(known)
    scorer = known.fit(grades, train, calibrate=True)
    table = known.asked(scorer, warm)
    probability = scorer.score(table, known.batch(warm)).probability
    assert scorer.calibration.base_rate_ == pytest.approx(0.5, abs=0.06)
    assert np.abs(probability - 0.5).mean() < 0.2


def test_probabilities_tell_good_from_bad_and_grades_follow(known, taught):
    grades = known.world.grades(known.d, known.a)
    rest = np.flatnonzero(~taught_rows(known))
    scorer = taught.scorer
    scores = scorer.score(known.asked(scorer, rest), known.batch(rest))
    right = grades[rest] >= GOOD_GRADE
    assert scores.probability[right].mean() > 0.8
    assert scores.probability[~right].mean() < 0.1
    assert set(scores.grade.tolist()) <= {0, 3}
    assert (scores.grade[right] == 3).mean() > 0.9
    order = np.argsort(scores.expected)
    assert (np.diff(scores.probability[order]) >= 0).all()
    assert (np.diff(scores.grade[order]) >= 0).all()


def test_the_ranker_uses_the_whole_table_by_name(known, taught):
    assert taught.scorer.ranker.feature_names_ == FEATURES


def test_scores_do_not_depend_on_the_company(known, taught):
    rows = np.arange(0, len(known.d), 17)
    together = known.expected(taught.scorer, rows)
    alone = [known.expected(taught.scorer, np.array([row]))[0] for row in rows]
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_fitting_twice_gives_the_same_scores(known):
    grades = known.world.grades(known.d, known.a)
    train, _, cold = halves(known)
    first, second = (known.expected(known.fit(grades, train), cold) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_saved_scorer_gives_identical_scores(known, taught, tmp_path):
    taught.scorer.save(tmp_path / "scorer")
    loaded = Scorer.load(tmp_path / "scorer")
    rows = np.arange(80)
    table, pairs = known.asked(loaded, rows), known.batch(rows)
    before, after = taught.scorer.score(table, pairs), loaded.score(table, pairs)
    for name in ("expected", "grade", "probability"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_without_calibration_the_probability_is_missing(known, tmp_path):
    train, _, cold = halves(known)
    scorer = known.fit(known.world.grades(known.d, known.a), train)
    scorer.save(tmp_path / "scorer")
    loaded = Scorer.load(tmp_path / "scorer")
    table = known.asked(loaded, cold)
    assert np.isnan(loaded.score(table, known.batch(cold)).probability).all()


@pytest.mark.slow
def test_weights_count(known):
    """Two opposite readings of each pair: the heavier one wins."""
    right = known.world.grades(known.d, known.a)
    wrong = np.where(right > 0, 0, 3)
    rows = np.arange(0, len(known.d), 2)
    d, a = np.tile(known.d[rows], 2), np.tile(known.a[rows], 2)
    grade = np.r_[right[rows], wrong[rows]]
    table = known.graded(right, np.tile(rows, 2))[1]
    aucs = []
    for weight in (1.0, 0.02):
        weights = np.r_[np.full(len(rows), weight), np.full(len(rows), 1.02 - weight)]
        pairs = GradedPairs(d, a, grade, weights)
        scorer = fit_scorer(known.demands, known.achievements, pairs, table, parameters=PARAMETERS, calibrate=False)
        rest = np.arange(1, len(known.d), 2)
        aucs.append(roc_auc_score(right[rest] > 0, known.expected(scorer, rest)))
    assert aucs[0] > 0.8
    assert aucs[1] < 0.2


def test_one_grade_is_refused(known):
    pairs, table = known.graded(np.ones(len(known.d), dtype=np.int64), np.arange(60))
    with pytest.raises(InputError, match="at least 2 different grades"):
        fit_scorer(known.demands, known.achievements, pairs, table)


@pytest.mark.slow
def test_what_experts_said_of_the_very_texts_is_kept_to(known):
    """The grade of a judged pair moves towards the judgement, against all that its features say; no other pair's does."""
    grades = known.world.grades(known.d, known.a)
    said = 3 - grades  # of three pairs the experts say the contrary
    rows = np.arange(len(grades))
    strange = np.flatnonzero(grades == grades.max())[:3]
    grades[strange] = said[strange]
    scorer = known.fit(grades)
    silent = known.fit(grades, np.setdiff1d(rows, strange))
    table, pairs = known.asked(scorer, strange), known.batch(strange)
    judged = scorer.history.judgements(pairs)
    np.testing.assert_array_equal(judged, grades[strange])
    assert (scorer.score(table, pairs).expected < silent.score(known.asked(silent, strange), pairs).expected - 1).all()
    assert np.isnan(silent.history.judgements(pairs)).all()


def test_a_judgement_holds_for_its_texts_alone(known):
    """Once a demand says something else, what experts said of it is no longer looked up."""
    scorer = known.fit(known.world.grades(known.d, known.a))
    asked = known.world.demands[0]
    view = known.model.record_encoder.demands
    places = np.arange(len(known.achievements))
    as_it_was, edited = (
        scorer.history.judgements(PairBatch.of_demand(view([one]), 0, known.achievements, places))
        for one in (asked, asked.model_copy(update={"content": asked.content + "，另需现场调试"}))
    )
    assert np.isfinite(as_it_was).any()
    assert np.isnan(edited).all()
