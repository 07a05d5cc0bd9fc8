"""A tiny platform, simulated, imported, built and trained once for the whole suite."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import pytest
import sqlalchemy as sa
from hypothesis import settings as hypothesis_settings

from data.locks import in_turn
from data.settings import Settings

# The same examples every time, and no deadline: a busy machine is no failure.
hypothesis_settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis_settings.load_profile("suite")


# Ray reads its token once in a process: all clusters that a worker of the tests begins one after the other have the same.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", token_hex(32))

SLOW_FIXTURES = {"platform", "judged", "way"}
"""What takes more than ten seconds to make: a test that needs it is slow, whatever it does itself."""
SLOW_FOLDERS = (
    *("tests/contracts/", "tests/e2e/", "tests/eval/", "tests/training/", "tests/test_packages"),
    *("tests/data/files/test_corruption", "tests/data/files/test_importer", "tests/data/simulator/"),
    *("tests/knowledge_graph/commands/", "tests/models/encoder/test_encoder", "tests/models/encoder/test_contextual"),
    *("tests/matcher/features/test_one_place", "tests/matcher/gaps/", "tests/matcher/learning/test_out_of_fold"),
    *("tests/matcher/ranking/test_scorer", "tests/matcher/history/test_outcome_history"),
    *(f"tests/serving/{room}/" for room in ("agents", "api", "client", "dashboard", "runtime")),
)
"""Where tests start servers, databases, browsers and processes, train, evaluate, or take seconds by what they are about."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave files of which every test is slow unread where slow tests are not asked for: reading them takes half a minute."""
    if config.getoption("markexpr", "") == "not slow":
        path = collection_path.relative_to(config.rootpath).as_posix() + ("/" if collection_path.is_dir() else "")
        return path.startswith(SLOW_FOLDERS) or None
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by the fixtures it uses, so that `make check` leaves it out."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())) or item.nodeid.startswith(SLOW_FOLDERS):
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)  # two workers then end at about the same time


@pytest.fixture(scope="session", autouse=True)
def _new_stores_are_copies(tmp_path_factory) -> Iterator[None]:
    """Let a new SQLite store be a copy of one that the migrations have made: they take a quarter of a second, 600 times.

    Processes that tests start run them, and so does whoever opens an older store.
    """
    from data.store import database

    bare, made = database._sqlite_engine, tmp_path_factory.mktemp("empty") / "store.db"

    def engine_of(url: sa.URL, lock_timeout: float) -> sa.Engine:
        engine = bare(url, lock_timeout)
        path = Path(url.database or "")
        if made.exists() and not path.exists() and os.access(path.parent, os.W_OK):
            whole = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
            shutil.copyfile(made, whole)
            with contextlib.suppress(FileExistsError):  # another was first
                os.link(whole, path)
            whole.unlink()
        return engine

    with pytest.MonkeyPatch.context() as patched:
        database.open_engine(f"sqlite:///{made}").dispose()
        patched.setattr(database, "_sqlite_engine", engine_of)
        yield


@dataclass(frozen=True)
class Platform:
    """Where the pieces lie; tests read them and never write: whoever writes makes a copy or loads a model of its own."""

    settings: Settings
    simulated: Path
    built: Path  # bundle without a ranker
    trained: Path  # bundle with one, current


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that makes a folder once for all workers, and for all runs given the same `TEST_FOLDER`.

    Each worker gets a copy of its own: what one does to it no other sees.
    """
    temporary = tmp_path_factory.getbasetemp()
    workers = temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary
    shared = Path(os.environ.get("TEST_FOLDER", workers / "made")).resolve()

    def get(name: str, make: Callable[[Path], None]) -> Path:
        shared.mkdir(parents=True, exist_ok=True)
        with in_turn(shared / f"{name}.lock"):
            if not (shared / name).exists():
                making = Path(tempfile.mkdtemp(dir=shared))
                make(making)
                making.rename(shared / name)
        copied = tmp_path_factory.mktemp(name) / "home"
        subprocess.run(["cp", "-a", shared / name, copied], check=True)  # hard links stay what they are
        return copied

    return get


def make_platform(home: Path) -> None:
    """80 achievements, 30 demands, 6,000 events and some 80 judgements, all the way through."""
    from data.files.importer import import_paths
    from data.simulator.plan import SimulationPlan
    from data.simulator.simulation import simulate
    from data.store.store import Store
    from matcher.bundle import set_current
    from models.ranking.ordinal import RankerParameters
    from training.pipeline import build, train

    settings = Settings(home=home, threads=1)
    simulate(SimulationPlan(achievements=80, demands=30, events=6_000, seed=7), home / "sim", lambda *_: None)
    with Store.open(settings.store_url) as store:
        import_paths(store, [home / "sim"], rejects=home / "rejects")
        build(settings, store)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own, on being imported
            trained = train(settings, store, RankerParameters(trees=60))
        set_current(settings.bundles, trained.manifest.version)


@pytest.fixture(scope="session")
def platform(made_once) -> Platform:
    """Return the suite's platform."""
    from matcher.bundle import BUILT, CURRENT, pointed
    from training.versions.relocation import settle

    settings = Settings(home=made_once("platform", make_platform), threads=1)
    settle(settings)
    built, trained = (settings.bundles / pointed(settings.bundles, name) for name in (BUILT, CURRENT))
    return Platform(settings, settings.home / "sim", built, trained)


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
