"""Whatever happens while a backup is restored: no bundle serves over a store that does not know its records."""

from datetime import UTC, datetime

import pytest

from data.errors import InputError
from data.records import Demand
from data.settings import Settings
from data.store.store import Store
from matcher.bundle import CURRENT, POINTERS, PREVIOUS, Manifest, new_bundle, pointed, publish, set_pointer
from matcher.served import rollback_targets
from serving.runtime import backup
from serving.runtime.backup import back_up, restore


def bundle(settings, version):
    """Publish a bundle with a ranker's features and nothing else in it, made of the store's present records."""
    with Store.open(settings.store_url) as store:
        watermark = store.watermark()
    manifest = Manifest(
        version=version,
        created_at=datetime.now(UTC),
        watermark=watermark,
        achievements=0,
        demands=0,
        encoder_digest="",
        feature_names=("cosine",),
    )
    with new_bundle(settings.bundles) as directory:
        (directory / "part").write_text(version)
        publish(directory, manifest, serve=True)


def write(settings, name):
    with Store.open(settings.store_url) as store:
        store.upsert_demands([Demand(demand_id=name, title=name)])


def demands(settings):
    with Store.open(settings.store_url) as store:
        return [demand.demand_id for demand in store.demands()]


@pytest.fixture
def saved(tmp_path):
    """Return settings of a home that went on after it was backed up, and its backup."""
    settings = Settings(home=tmp_path / "home")
    write(settings, "old")
    bundle(settings, "20260101-000000")
    archive = back_up(settings, tmp_path / "b.tar").archive
    write(settings, "new")
    bundle(settings, "20260102-000000")
    set_pointer(settings.bundles, PREVIOUS, "20260101-000000")
    return settings, archive


def test_pointers_go_back_with_the_store(saved):
    settings, archive = saved
    restore(settings, archive, replace=True)
    assert demands(settings) == ["old"]
    assert pointed(settings.bundles, CURRENT) == "20260101-000000"
    assert pointed(settings.bundles, PREVIOUS) == ""
    assert rollback_targets(settings.home, settings.bundles) == []


@pytest.mark.parametrize("step", ["_put_bundle", "_put_store", "set_current", "_note"])
def test_it_can_be_broken_off_anywhere_and_done_again(saved, monkeypatch, step):
    settings, archive = saved

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(backup, step, dies)
        with pytest.raises(KeyboardInterrupt):
            restore(settings, archive, replace=True)
    known, current = demands(settings), pointed(settings.bundles, CURRENT)
    assert known in (["new", "old"], ["old"])
    assert current != "20260102-000000" or "new" in known
    restore(settings, archive, replace=True)
    assert (demands(settings), pointed(settings.bundles, CURRENT)) == (["old"], "20260101-000000")


def test_a_backup_without_a_bundle_leaves_none_current(tmp_path):
    settings = Settings(home=tmp_path / "home")
    write(settings, "old")
    archive = back_up(settings, tmp_path / "b.tar").archive
    bundle(settings, "20260102-000000")
    restore(settings, archive, replace=True)
    assert [pointed(settings.bundles, name) for name in POINTERS] == [""] * len(POINTERS)


def test_a_store_in_use_is_left_alone(saved):
    settings, archive = saved
    with Store.open(settings.store_url) as store:
        store.counts()
        with pytest.raises(InputError, match="in use"):
            restore(settings, archive, replace=True)
        assert [demand.demand_id for demand in store.demands()] == ["new", "old"]
    assert pointed(settings.bundles, CURRENT) == "20260102-000000"


def test_a_damaged_bundle_of_the_same_version_is_replaced(saved):
    settings, archive = saved
    (settings.bundles / "20260101-000000" / "part").write_text("changed")
    restore(settings, archive, replace=True)
    assert (settings.bundles / "20260101-000000" / "part").read_text() == "20260101-000000"
