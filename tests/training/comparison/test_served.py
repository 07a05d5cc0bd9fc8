"""The calibration of whole lists, by what experts judged, lists showed, and nobody ever saw."""

import numpy as np
import pytest

from data.store.store import Store
from eval.served.exposed import shown_by_demand
from matcher.engine import Engine
from matcher.history.graded_pairs import Showings
from training.comparison.pairs import HeldOut, Records
from training.comparison.served import served_lists


@pytest.fixture(scope="module")
def demands(platform):
    with Store.open(platform.settings.store_url) as store:
        return sorted(store.demands(), key=lambda demand: demand.demand_id)[:6]


@pytest.fixture(scope="module")
def unlisted(model, demands):
    """Rows of a demand and of an achievement that its list does not hold, one for each demand."""
    engine, rows = Engine(model), []
    for demand in demands:
        listed = {match.id for match in engine.recommend_achievements(demand, top=10).items}
        other = next(key for key in model.achievements.base.cards.ids if key not in listed)
        rows.append((model.demands.base.cards.rows[demand.demand_id], model.achievements.base.cards.rows[other]))
    return np.array(rows)


def error(model, demands, showings):
    """Return the calibration error of the lists of demands of which experts judged one pair that no list holds."""
    ids = [one.demand_id for one in demands]
    held = HeldOut(ids, ["GONE"] * len(ids), np.zeros(len(ids), dtype=np.int64), np.ones(len(ids), dtype=bool))
    records = Records({one.demand_id: one for one in demands}, {})
    (found,) = served_lists([(model, model.scorer)], held, records, showings)
    return found.estimate("ece").value


def test_what_a_search_that_shows_all_it_would_never_showed_is_not_good(model, demands, unlisted):
    engine = Engine(model)
    items = [match for one in demands for match in engine.recommend_achievements(one, top=10).items]
    told = np.mean([match.probability for match in items])
    often = Showings(*unlisted.T, np.full(len(demands), 9))
    assert error(model, demands, often) == pytest.approx(told, abs=1e-6)


def test_a_search_that_has_shown_next_to_nothing_tells_nothing(model, demands, unlisted):
    assert np.isnan(error(model, demands, Showings(*unlisted.T, np.ones(len(demands), dtype=np.int64))))
    assert np.isnan(error(model, demands, None))


def test_items_without_a_number_are_left_out(model, unlisted):
    achievement = model.achievements.base.cards.ids[unlisted[0, 1]]
    showings = Showings(*unlisted.T, np.full(len(unlisted), 2))
    found = shown_by_demand(model, showings, {achievement: 7})
    assert found[model.demands.base.cards.ids[unlisted[0, 0]]].items == {7}
    assert {one.unseen for one in found.values()} == {0.0}
