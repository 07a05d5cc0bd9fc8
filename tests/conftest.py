"""A tiny platform, simulated, imported, built and trained once for the whole suite."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from data.settings import Settings

# The same examples every time, and no deadline: a busy machine is no failure.
hypothesis_settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis_settings.load_profile("suite")


SLOW_FIXTURES = {"platform", "judged", "way"}
"""What takes more than ten seconds to make: a test that stands on it is slow, whatever it does itself."""
SLOW_FOLDERS = ("tests/e2e/test_serve", "tests/serving/dashboard/test_browser", "tests/training/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by the fixtures it uses, so that `make check` leaves it out."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())) or item.nodeid.startswith(SLOW_FOLDERS):
            item.add_marker("slow")


@dataclass(frozen=True)
class Platform:
    """Where the pieces lie; tests read them and never write: whoever writes makes a copy or loads a model of its own."""

    settings: Settings
    simulated: Path
    built: Path  # bundle without a ranker
    trained: Path  # bundle with one, current


@pytest.fixture(scope="session")
def platform(tmp_path_factory) -> Platform:
    """80 achievements, 30 demands, 6,000 events and some 80 judgements, all the way through."""
    from data.files.importer import import_paths
    from data.simulator.plan import SimulationPlan
    from data.simulator.simulation import simulate
    from data.store.store import Store
    from matcher.bundle import set_current
    from models.ranking.ordinal import RankerParameters
    from training.pipeline import build, train

    home = tmp_path_factory.mktemp("platform")
    settings = Settings(home=home, threads=1)
    simulate(SimulationPlan(achievements=80, demands=30, events=6_000, seed=7), home / "sim", lambda *_: None)
    with Store.open(settings.store_url) as store:
        import_paths(store, [home / "sim"], rejects=home / "rejects")
        built = build(settings, store)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own, on being imported
            trained = train(settings, store, RankerParameters(trees=60))
        set_current(settings.bundles, trained.manifest.version)
    return Platform(settings, home / "sim", built.directory, trained.directory)


@pytest.fixture(scope="session")
def model(platform):
    """The trained model, for tests that write nothing through an engine."""
    from matcher.model import MatchingModel

    return MatchingModel.load(platform.trained)


@pytest.fixture
def fresh_model(platform):
    """The trained model, loaded for this test alone."""
    from matcher.model import MatchingModel

    return MatchingModel.load(platform.trained)
