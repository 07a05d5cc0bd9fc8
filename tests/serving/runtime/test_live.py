"""Loading a bundle beside requests: one process at a time, nothing twice, and nothing left of the one it replaces."""

import fcntl
import gc
import os
import shutil
import threading
import time
from weakref import ref

import pytest

from data.store.store import Store
from matcher.bundle import read_manifest, set_current
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.model import MatchingModel
from serving.runtime.live import BundleHolder, LiveModel, preloaded


@pytest.fixture
def bundles(platform, tmp_path):
    shutil.copytree(platform.settings.bundles, tmp_path / "bundles")
    return tmp_path / "bundles"


def test_what_was_loaded_before_is_served_without_loading_it_again(bundles, platform):
    loaded = preloaded(bundles, 1, None)
    assert loaded is not None
    holder = BundleHolder(bundles, threads=1, loaded=loaded)
    assert holder.refresh(None)
    assert holder.live is loaded
    set_current(bundles, platform.built.name)
    assert holder.refresh(None)
    assert holder.model().manifest.version == platform.built.name


def test_what_was_loaded_before_is_not_served_once_another_is_current(bundles, platform):
    loaded = preloaded(bundles, 1, None)
    set_current(bundles, platform.built.name)
    holder = BundleHolder(bundles, threads=1, loaded=loaded)
    assert holder.refresh(None)
    assert holder.model().manifest.version == platform.built.name


def test_nothing_usable_is_nothing_loaded_before(bundles, platform, tmp_path):
    (bundles / platform.trained.name / "scorer" / "ranker.json").write_text("{}")
    assert preloaded(bundles, 1, None) is None
    assert preloaded(tmp_path / "nowhere", 1, None) is None


def test_a_bundle_waits_until_no_other_process_loads(bundles):
    holder = BundleHolder(bundles, threads=1)
    other = os.open(bundles, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    loading = threading.Thread(target=holder.refresh, args=(None,))
    loading.start()
    time.sleep(0.5)
    assert holder.live is None
    os.close(other)
    loading.join(60)
    assert holder.live is not None


def test_a_large_bundle_is_checked_by_another_process(bundles, platform, monkeypatch):
    monkeypatch.setattr("serving.runtime.live.LARGE", 0)
    monkeypatch.setattr("serving.runtime.live.verify", None)  # so this one cannot
    holder = BundleHolder(bundles, threads=1, loaded=_live(platform.trained))
    assert holder.refresh(None)
    set_current(bundles, platform.built.name)
    assert holder.refresh(None)
    assert holder.model().manifest.version == platform.built.name
    monkeypatch.undo()
    monkeypatch.setattr("serving.runtime.live.LARGE", 0)
    vectors = bundles / platform.trained.name / "demands" / "vectors" / "vectors.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"x")
    set_current(bundles, platform.trained.name)
    assert not holder.refresh(None)
    assert holder.rejected is not None
    assert "vectors.npy was changed" in holder.rejected.reason
    assert holder.model().manifest.version == platform.built.name


def _live(directory):
    return LiveModel(read_manifest(directory), Engine(MatchingModel.load(directory)))


def test_a_model_that_has_answered_is_freed_at_once(platform):
    """Nothing in it refers back to itself: a server leaves what it has loaded out of garbage collections."""
    with Store.open(platform.settings.store_url) as store:
        demand, achievement = next(store.demands()), next(store.achievements())
    live = _live(platform.trained)
    model = live.engine.model
    live.engine.recommend_achievements(demand, filters=Filters.none(), explain=True)
    live.engine.recommend_demands(achievement, filters=Filters.none(), explain=True)
    live.engine.upsert_demands([demand.model_copy(update={"title": "别的题目"})])
    parts = {
        "model": model,
        "space": model.space,
        "words": model.space.words,
        "cards": model.achievements.base.cards,
        "vectors": model.achievements.vectors,
        "lexical": model.achievements.lexical,
        "terms": model.achievements.lexical.terms,
        "scorer": model.scorer,
        "graph": model.graph,
        "quantities": model.quantities,
    }
    kept = {name: ref(part) for name, part in parts.items()}
    gc.collect()
    gc.disable()
    try:
        del model, live, parts
        assert [name for name, part in kept.items() if part() is not None] == []
    finally:
        gc.enable()
