"""The calibration of whole lists, by what experts judged, lists showed, and nobody ever saw."""

import numpy as np
import pytest

from data.store.store import Store
from matcher.engine import Engine
from training.comparison.pairs import HeldOut, Records
from training.comparison.served import Shown, served_lists


@pytest.fixture(scope="module")
def demands(platform):
    with Store.open(platform.settings.store_url) as store:
        return sorted(store.demands(), key=lambda demand: demand.demand_id)[:6]


def error(model, demands, shown):
    """Return the calibration error of the lists of demands of which experts judged one pair that no list holds."""
    held = HeldOut(
        [one.demand_id for one in demands], ["GONE"] * len(demands), np.zeros(len(demands)), np.ones(6, bool)
    )
    records = Records({one.demand_id: one for one in demands}, {})
    (found,) = served_lists([(model, model.scorer)], held, records, {one.demand_id: shown for one in demands})
    return found.estimate("ece").value


def test_what_a_search_that_shows_everything_never_showed_is_not_good(model, demands):
    engine = Engine(model)
    items = [match for one in demands for match in engine.recommend_achievements(one, top=10).items]
    told = np.mean([match.probability for match in items])
    assert error(model, demands, Shown(frozenset(), unseen=0.0)) == pytest.approx(told, abs=1e-6)


def test_what_was_shown_is_as_good_as_shown_pairs_are(model, demands):
    everything = frozenset(model.achievements.base.cards.ids)
    assert error(model, demands, Shown(everything, unseen=0.0)) == pytest.approx(
        0.0 if model.scorer.exposure is None else error(model, demands, Shown(everything, unseen=0.5)), abs=1e-6
    )


def test_a_search_that_has_shown_next_to_nothing_tells_nothing(model, demands):
    assert np.isnan(error(model, demands, Shown(frozenset(), unseen=1.0)))
