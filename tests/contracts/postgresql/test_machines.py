"""Two machines with homes of their own on one store: what may happen once happens on one of them."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from data.errors import ConflictError
from data.store.database import reading
from data.store.standing.webhooks import WebhookEndpoint, WebhookMessage
from data.store.store import Store
from eval.online.experiments import (
    Experiment,
    Mode,
    fetch_experiments,
    running_experiment,
    save_experiment,
    share_experiment,
)
from serving.access.credentials import KeyRing, add_key, revoke_key
from serving.access.roles import Role
from serving.runtime.importing.runner import alone
from serving.runtime.standing.matching import StandingMatcher

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def machines(new_postgresql):
    url = new_postgresql()
    with Store.open(url) as here, Store.open(url) as there:
        yield here, there


def test_one_import_or_undo_runs_on_all_machines(machines):
    here, there = machines
    held = alone(here)
    with pytest.raises(ConflictError, match="another machine"):
        alone(there)
    held.release()
    alone(there).release()


def test_one_process_of_all_matches_standing_requests_and_another_follows_it(machines, tmp_path):
    here, there = machines
    first, second = StandingMatcher(tmp_path / "a", None), StandingMatcher(tmp_path / "b", None)
    assert first._chosen(here)
    assert not second._chosen(there)
    assert first._chosen(here)  # and it remains so
    with reading(there.engine) as connection:  # the database fails over: nobody holds anything
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(sa.text(f"SELECT pg_terminate_backend(pid) {others}")).all()
    assert second._chosen(there)
    assert not first._chosen(here)
    second.close()
    assert first._chosen(here)
    first.close()


def test_a_message_is_claimed_by_one_machine(machines):
    here = machines[0]
    for number in range(20):
        here.webhooks.put(WebhookEndpoint(f"e{number}", "https://example.com/", "s", NOW, "test"))
        here.webhooks.write(WebhookMessage(f"m{number}", f"e{number}", "{}", NOW, next_at=NOW))
    claimed: list[str] = []

    def claim(store):
        for _ in range(8):
            claimed.extend(one.id for one in store.webhooks.claim(NOW, timedelta(minutes=5), (), 4))

    threads = [threading.Thread(target=claim, args=(store,)) for store in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(claimed) == sorted(f"m{number}" for number in range(20))


def test_an_experiment_begun_here_runs_there_and_ends_on_both(machines, tmp_path):
    here, there = machines
    homes = [tmp_path / "a", tmp_path / "b"]
    begun = Experiment(
        name="split-1", mode=Mode.SPLIT, champion="1", challenger="2", share=0.5, started_at=datetime.now(UTC)
    )
    share_experiment(here, begun)
    for home, store in zip(homes, machines, strict=True):
        fetch_experiments(home, store)
        assert running_experiment(home) == begun
    ended = begun.model_copy(update={"stopped_at": datetime.now(UTC)})
    save_experiment(homes[1], ended)
    fetch_experiments(homes[1], there)  # before the others know
    assert running_experiment(homes[1]) is None
    share_experiment(there, ended)
    fetch_experiments(homes[0], here)
    assert running_experiment(homes[0]) is None


def test_a_key_made_here_holds_there_until_it_is_revoked(machines):
    here, there = machines
    ring, key = KeyRing(), add_key(here, "backend", Role.BACKEND)
    ring.refresh(there)
    assert ring.principal(key).name == "backend"
    revoke_key(here, "backend")
    ring.refresh(there)
    assert ring.principal(key) is None
