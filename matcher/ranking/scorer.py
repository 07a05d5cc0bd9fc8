"""From features to grades and probabilities: history, ranker and calibration, as they are served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matcher.collection.pairs import PairBatch
from matcher.collection.rows import PairIndices
from matcher.features.table import FeatureTable, label_free_table, with_history
from matcher.history.outcome_history import History
from matcher.ranking.first_stage import FirstStage, first_stages_in, save_first_stages
from matcher.ranking.prior import text_prior
from matcher.ranking.unseen import Exposure
from matcher.ranking.verdict import AnswerThreshold
from matcher.texts.space import TextSpace
from models.ranking.calibration import IsotonicCalibration, LevelCutpoints
from models.ranking.ordinal import OrdinalRanker

GOOD_GRADE = 2  # a fairly strong match, a contact
DEAL_GRADE = 4
JUDGEMENT_WEIGHT = 3.0  # of experts' mean grade of the very pair, against the ranker's expectation
MIN_CALIBRATION_ROWS = 50  # judged pairs from which on they alone tell what a good match is
CALIBRATION_FILE, DEAL_FILE = "calibration.json", "deal_calibration.json"
THRESHOLD_FILE = "answer_threshold.json"
CUTPOINTS_FILE = "grade_cutpoints.json"
EXPOSURE_FILE = "exposure.json"
FIRST_STAGE_FILE = "first_stage.json"
FIRST_DAY_FOLDER = "without_history"


@dataclass(frozen=True)
class Scores:
    """What the scorer says of n pairs, all (n,): expected grade, grade, calibrated probabilities.

    `expected` is what pairs are ordered by: the ranker's expectation and what their texts add (`text_prior`). `grade` is
    a whole grade: the better number never has the lower one. `probability` is that of a good match
    (grade >= `GOOD_GRADE`), of a pair that was never shown by what such pairs are worth; `deal` is that of a deal once
    shown; NaN where no calibration was fitted.
    """

    expected: NDArray[np.float64]
    grade: NDArray[np.int64]
    probability: NDArray[np.float64]
    deal: NDArray[np.float64] | None = None

    @classmethod
    def none(cls) -> Self:
        """Return the scores of no pairs."""
        return cls(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))

    def __len__(self) -> int:
        return len(self.expected)

    def take(self, pairs: PairIndices | NDArray[np.integer] | NDArray[np.bool_]) -> "Scores":
        """Return everything said of the given pairs, in that order."""
        deal = None if self.deal is None else self.deal[pairs]
        return Scores(self.expected[pairs], self.grade[pairs], self.probability[pairs], deal)

    @classmethod
    def concat(cls, parts: Sequence["Scores"]) -> Self:
        """Return the scores of all parts, one after the other; without a deal's where one part has none."""
        deals = [part.deal for part in parts if part.deal is not None]
        return cls(
            np.concatenate([part.expected for part in parts]),
            np.concatenate([part.grade for part in parts]),
            np.concatenate([part.probability for part in parts]),
            np.concatenate(deals) if len(deals) == len(parts) else None,
        )

    def split(self, parts: int) -> list["Scores"]:
        """Return the scores in so many parts of equal length."""
        return [self.take(some) for some in np.split(np.arange(len(self)), parts)]

    def deal_at(self, place: int) -> float | None:
        """Return the probability of a deal of one pair, None where it is not known."""
        known = self.deal is not None and not np.isnan(self.deal[place])
        return round(float(self.deal[place]), 4) if self.deal is not None and known else None


@dataclass(frozen=True)
class FirstDay:
    """A ranker that knows no history, and what its grades mean: as for the scorer."""

    ranker: OrdinalRanker
    calibration: IsotonicCalibration
    deal_calibration: IsotonicCalibration | None = None
    threshold: AnswerThreshold | None = None
    cutpoints: LevelCutpoints | None = None


@dataclass(frozen=True, eq=False)
class Scorer:
    """Orders pairs by expected grade and says how likely each is a good match (grade >= `GOOD_GRADE`), and a deal.

    `first_day` takes the place of ranker, calibrations and threshold where history plays no part. `first_stages` are by
    the side that candidates are on: "achievements", "demands". `exposure` leads from the probability of a pair that lists
    showed to that of one they never showed; None where no log tells.
    """

    history: History
    ranker: OrdinalRanker
    calibration: IsotonicCalibration | None = None
    deal_calibration: IsotonicCalibration | None = None
    threshold: AnswerThreshold | None = None
    first_day: FirstDay | None = None
    first_stages: Mapping[str, FirstStage] = field(default_factory=dict)
    cutpoints: LevelCutpoints | None = None
    exposure: Exposure | None = None

    @property
    def average(self) -> float | None:
        """Share of good ones among the pairs whose outcome is known, as if none had been shown; None where not calibrated."""
        return None if self.calibration is None else self._unseen(self.calibration.base_rate_)

    def with_exposure(self, exposure: Exposure | None) -> "Scorer":
        """Return a scorer that tells unseen pairs from shown ones; its thresholds, of lists of shown ones, are of unseen."""
        changed = replace(self, exposure=exposure)
        day = self.first_day
        return replace(
            changed,
            threshold=changed._least(self.threshold),
            first_day=None if day is None else replace(day, threshold=changed._least(day.threshold)),
        )

    def as_if_shown(self) -> "Scorer":
        """Return a scorer whose probabilities are those of pairs that lists showed, or experts judged."""
        return replace(self, exposure=None)

    def if_shown(self, probability: float) -> float:
        """Return what the probability of a pair that was never shown would be if it had been."""
        return probability if self.exposure is None else self.exposure.if_shown(probability)

    def if_never_shown(self, probability: float) -> float:
        """Return what the probability of a pair that was not shown so far would be if none ever showed it; 0 unless learned."""
        if self.exposure is None:
            return 0.0
        return float(self.exposure.never_shown(np.array([self.exposure.if_shown(probability)]))[0])

    def _unseen(self, probability: float) -> float:
        if self.exposure is None:
            return probability
        return float(self.exposure.unseen(np.array([probability]), np.ones(1))[0])

    def _least(self, threshold: AnswerThreshold | None) -> AnswerThreshold | None:
        return threshold and threshold.model_copy(update={"probability": self._unseen(threshold.probability)})

    def without_history(self) -> "Scorer":
        """Return a copy that ignores all earlier outcomes; it has a ranker and probabilities of its own, if learned."""
        day, silent = self.first_day, replace(self, history=History.empty())
        if day is None:
            return silent
        return replace(
            silent,
            ranker=day.ranker,
            calibration=day.calibration,
            deal_calibration=day.deal_calibration,
            threshold=day.threshold,
            cutpoints=day.cutpoints,
        )

    def table(self, space: TextSpace, pairs: PairBatch, signals: NDArray[np.float32]) -> FeatureTable:
        """Return all features of pairs as of now; `signals` as for `label_free_table`."""
        return with_history(label_free_table(space, pairs, signals), self.history, pairs)

    def score(self, table: FeatureTable, pairs: PairBatch, named: NDArray[np.float64] | None = None) -> Scores:
        """Return the scores of pairs by their features; the probability is NaN where no calibration was fitted.

        What experts said of the very texts weighs `JUDGEMENT_WEIGHT` against the ranker's 1. `named` (n,) are grades that
        pairs have at least, because the text of one side is the title of the other.
        """
        exceeds = self.ranker.predict(table.select(self.ranker.feature_names_))
        expected = self.ranker.expected_grade(exceeds)
        judged = self.history.judgements(pairs)
        if (known := np.flatnonzero(~np.isnan(judged))).size:
            expected[known] = (JUDGEMENT_WEIGHT * judged[known] + expected[known]) / (JUDGEMENT_WEIGHT + 1)
        if named is not None:
            expected = np.maximum(expected, named)
        expected = expected + text_prior(table.values, table.names, self.ranker.spread_)
        unknown = np.full(len(expected), np.nan)
        probability = self.calibration.predict(expected) if self.calibration else unknown
        if self.calibration and self.exposure:
            left = self.history.unseen_mass(pairs)
            unseen = np.flatnonzero(~np.isnan(left))
            probability[unseen] = self.exposure.unseen(probability[unseen], left[unseen])
        sealed = self.ranker.above(exceeds, DEAL_GRADE - 1)
        deal = self.deal_calibration.predict(sealed) if self.deal_calibration else unknown
        return Scores(expected, self.grades(expected), probability, deal)

    def grades(self, expected: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n,) the whole grades of numbers to order by: by cut points, or else the nearest ones."""
        if self.cutpoints is not None:
            return self.cutpoints.predict(expected)
        return np.clip(np.rint(expected), self.ranker.grades_[0], self.ranker.grades_[-1]).astype(np.int64)

    def save(self, directory: Path) -> None:
        """Write history, ranker and calibration into `directory`, which is created."""
        directory.mkdir(parents=True)
        self.history.save(directory / "history")
        self.ranker.save(directory)
        _save_meanings(directory, self)
        if self.first_day:
            (directory / FIRST_DAY_FOLDER).mkdir()
            self.first_day.ranker.save(directory / FIRST_DAY_FOLDER)
            _save_meanings(directory / FIRST_DAY_FOLDER, self.first_day)
        save_first_stages(self.first_stages, directory / FIRST_STAGE_FILE)
        if self.exposure:
            self.exposure.save(directory / EXPOSURE_FILE)

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> Self:
        """Read what `save` wrote."""
        good, deal, threshold, cutpoints = _meanings_in(directory)
        plain_good, plain_deal, least, cuts = _meanings_in(directory / FIRST_DAY_FOLDER)
        day = None
        if plain_good:
            plain = OrdinalRanker.load(directory / FIRST_DAY_FOLDER, threads)
            day = FirstDay(plain, plain_good, plain_deal, least, cuts)
        stages = first_stages_in(directory / FIRST_STAGE_FILE)
        history, ranker = History.load(directory / "history"), OrdinalRanker.load(directory, threads)
        kept = directory / EXPOSURE_FILE
        exposure = Exposure.load(kept) if kept.is_file() else None
        return cls(history, ranker, good, deal, threshold, day, stages, cutpoints, exposure)


def _save_meanings(directory: Path, scorer: Scorer | FirstDay) -> None:
    """Write what the ranker's numbers mean."""
    if scorer.calibration:
        scorer.calibration.save(directory / CALIBRATION_FILE)
    if scorer.deal_calibration:
        scorer.deal_calibration.save(directory / DEAL_FILE)
    if scorer.threshold:
        scorer.threshold.save(directory / THRESHOLD_FILE)
    if scorer.cutpoints:
        scorer.cutpoints.save(directory / CUTPOINTS_FILE)


def _meanings_in(
    directory: Path,
) -> tuple[IsotonicCalibration | None, IsotonicCalibration | None, AnswerThreshold | None, LevelCutpoints | None]:
    good, deal = (_calibration_in(directory / name) for name in (CALIBRATION_FILE, DEAL_FILE))
    cuts = directory / CUTPOINTS_FILE
    cutpoints = LevelCutpoints.load(cuts) if cuts.is_file() else None
    return good, deal, AnswerThreshold.load(directory / THRESHOLD_FILE), cutpoints


def _calibration_in(path: Path) -> IsotonicCalibration | None:
    return IsotonicCalibration.load(path) if path.is_file() else None
