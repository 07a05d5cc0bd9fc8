"""Small worlds with known answers, their views and a model fitted on them."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from matcher.collection.encoded import EncodedRecords
from matcher.collection.pairs import PairBatch
from matcher.features.graph import graph_signals
from matcher.features.table import FeatureTable
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import fit_scorer
from matcher.model import MatchingModel
from matcher.texts.space import TextSpace
from models.encoder.base import load_encoder
from models.ranking.ordinal import RankerParameters
from tests.matcher.worlds import World, make_world

PARAMETERS = RankerParameters(trees=40, learning_rate=0.1, min_data_in_leaf=10, feature_fraction=0.5)


@dataclass(frozen=True, repr=False)
class Known:
    """A world with the label-free features of all its pairs (d, a)."""

    world: World
    model: MatchingModel
    d: np.ndarray
    a: np.ndarray
    table: FeatureTable

    @property
    def space(self) -> TextSpace:
        return self.model.space

    def batch(self, rows: np.ndarray) -> PairBatch:
        """Return the given rows of all pairs."""
        return PairBatch(self.demands, self.achievements, self.d[rows], self.a[rows])

    @property
    def demands(self) -> EncodedRecords:
        return self.model.demands.base

    @property
    def achievements(self) -> EncodedRecords:
        return self.model.achievements.base

    def graded(self, grades: np.ndarray, rows: np.ndarray | None = None) -> tuple[GradedPairs, FeatureTable]:
        """Return what `fit_scorer` takes for the given rows of all pairs."""
        rows = np.arange(len(self.d)) if rows is None else rows
        pairs = GradedPairs(self.d[rows], self.a[rows], grades[rows], np.ones(len(rows)))
        return pairs, FeatureTable(self.table.values[rows], self.table.names)

    def fit(self, grades: np.ndarray, rows: np.ndarray | None = None, *, calibrate: bool = False):
        """Fit a scorer on the given rows of all pairs."""
        pairs, table = self.graded(grades, rows)
        return fit_scorer(self.demands, self.achievements, pairs, table, parameters=PARAMETERS, calibrate=calibrate)

    def expected(self, scorer, rows: np.ndarray) -> np.ndarray:
        """Return the expected grades of the given rows of all pairs."""
        return scorer.score(self.asked(scorer, rows), self.batch(rows)).expected

    def asked(self, scorer, rows: np.ndarray) -> FeatureTable:
        """Return all features of the given rows of all pairs, as the scorer sees them."""
        pairs = self.batch(rows)
        return scorer.table(self.space, pairs, graph_signals(self.model.graph, pairs))


@pytest.fixture(scope="session")
def encoder():
    return load_encoder("default")


@pytest.fixture(scope="session")
def known(encoder) -> Known:
    world = make_world()
    built = MatchingModel.build(world.achievements, world.demands, encoder)
    d, a = world.pairs()
    table = built.label_free_table(PairBatch(built.demands.base, built.achievements.base, d, a))
    return Known(world, built, d, a, table)


def taught_rows(known: Known) -> np.ndarray:
    """Return which of all pairs `taught` learned from: two thirds at random."""
    return np.random.default_rng(1).random(len(known.d)) < 2 / 3


@pytest.fixture(scope="session")
def taught(known) -> MatchingModel:
    """The model of the known world, trained and calibrated on two thirds of its pairs."""
    rows = np.flatnonzero(taught_rows(known))
    scorer = known.fit(known.world.grades(known.d, known.a), rows, calibrate=True)
    return replace(known.model, version="taught", scorer=scorer)
