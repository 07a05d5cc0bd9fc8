"""Promotion on real bundles: what serves, what is kept of a decision, and the way back."""

import json

import pytest

from data.errors import InputError, NotFoundError
from data.locks import BusyError, exclusive
from data.store.store import Store
from matcher.bundle import CHALLENGER, CURRENT, PREVIOUS, pointed
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.served import JOURNAL, LOCK
from training.release.promotion import promote, rollback
from training.versions import candidates

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


@pytest.fixture
def store(copied):
    with Store.open(copied.settings.store_url) as store:
        yield store


def pointers(settings):
    return tuple(pointed(settings.bundles, name) for name in (CURRENT, PREVIOUS, CHALLENGER))


def journal(settings):
    return [json.loads(line) for line in (settings.home / JOURNAL).read_text(encoding="utf-8").splitlines()]


def test_the_first_version_serves_and_the_next_waits(two_versions):
    assert pointers(two_versions.settings) == (two_versions.first, "", two_versions.second)
    (decision,) = journal(two_versions.settings)
    assert decision["promoted"]
    assert decision["champion"] == ""


def test_what_is_not_surely_better_is_refused_and_kept(copied, store):
    decision = promote(copied.settings, store)
    assert (decision.candidate, decision.champion) == (copied.second, copied.first)
    assert not decision.passed
    assert not decision.promoted
    overall = next(check for check in decision.checks if check.name == "overall")
    assert not overall.passed
    assert pointers(copied.settings) == (copied.first, "", copied.second)
    kept = journal(copied.settings)[-1] if (copied.settings.home / JOURNAL).is_file() else {}
    assert kept["candidate"] == copied.second
    assert candidates.load(copied.settings, copied.second).decision == "refused"


def test_force_is_recorded_with_who_and_why_and_rolled_back_in_one_step(copied, store):
    from mlflow import MlflowClient

    settings = copied.settings
    decision = promote(settings, store, copied.second, force=True, why="agreed with operations")
    assert decision.promoted
    assert decision.forced
    assert decision.who
    assert pointers(settings) == (copied.second, copied.first, "")
    entry = store.api_keys.trail(1)[0]
    assert entry.action == "models.promote"
    assert "agreed with operations" in entry.subject
    client = MlflowClient(settings.mlflow_uri)
    by_alias = {alias: client.get_model_version_by_alias("gongxu", alias) for alias in ("champion", "previous")}
    assert {alias: found.tags["bundle"] for alias, found in by_alias.items()} == {
        "champion": copied.second,
        "previous": copied.first,
    }
    assert by_alias["champion"].tags["gate"] == "forced"
    assert by_alias["champion"].tags["why"] == "agreed with operations"

    back = rollback(settings, store, why="complaints")
    assert back.promoted
    assert pointers(settings) == (copied.first, "", "")
    assert client.get_model_version_by_alias("gongxu", "champion").tags["bundle"] == copied.first
    with pytest.raises(InputError, match="nothing to roll back to"):  # not forward to the one that was complained of
        rollback(settings, store)
    assert pointed(settings.bundles, CURRENT) == copied.first


def test_refusals_in_words(copied, store):
    with pytest.raises(InputError, match="--force needs --why"):
        promote(copied.settings, store, force=True, why=" ")
    with pytest.raises(InputError, match="serves already"):
        promote(copied.settings, store, copied.first)
    with pytest.raises(NotFoundError, match="no trained version 'nothing'"):
        promote(copied.settings, store, "nothing")
    with pytest.raises(InputError, match="nothing to roll back to"):
        rollback(copied.settings, store)
    with exclusive(copied.settings.home / LOCK, "promotion"), pytest.raises(BusyError, match="another promotion"):
        promote(copied.settings, store)


def test_a_damaged_candidate_is_not_served_even_by_force(copied, store):
    victim = copied.settings.bundles / copied.second / "scorer" / "ranker.json"
    content = victim.read_text(encoding="utf-8")
    victim.unlink()  # the file is linked: a new one leaves the original alone
    victim.write_text(content + " ", encoding="utf-8")
    decision = promote(copied.settings, store, copied.second, force=True, why="anyway")
    assert not decision.promoted
    assert "ranker.json" in next(check.message for check in decision.checks if check.name == "schema")
    assert pointed(copied.settings.bundles, CURRENT) == copied.first


def test_held_out_demands_taught_nothing(copied, store):
    """A ranker that never saw a demand's outcomes is the same whatever these were."""
    first = candidates.load(copied.settings, copied.first)
    assert first.held_out_demands > 0
    blind = candidates.without_held_out(
        copied.settings, copied.first, MatchingModel.load(copied.settings.bundles / copied.first).scorer
    )
    from eval.online.versions import PREDICTIONS
    from training.comparison.pairs import load_predictions

    held, _ = load_predictions(candidates.folder_of(copied.settings, copied.first) / PREDICTIONS)
    known = {demand_id for demand_id, _ in blind.history.ids}
    assert known
    assert not known & set(held.demand_ids)
    served = MatchingModel.load(copied.settings.bundles / copied.first)
    assert {demand_id for demand_id, _ in served.scorer.history.ids} >= known | set(held.demand_ids)
    demand = store.demand(held.demand_ids[0])
    assert Engine(served).recommend_achievements(demand).bundle_version == copied.first
