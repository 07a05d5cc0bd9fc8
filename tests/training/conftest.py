"""A home with two trained versions: the suite's tiny platform, copied, and a second version trained on the copy."""

import os
import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from data.settings import Settings
from data.store.store import Store
from matcher.bundle import CHALLENGER, CURRENT, pointed
from models.ranking.ordinal import RankerParameters
from training.versions.relocation import settle


@dataclass(frozen=True)
class TwoVersions:
    """Where they lie; tests read it and work on copies."""

    settings: Settings
    first: str
    second: str


def copy_home(settings: Settings, home) -> Settings:
    """Return settings of a copy of a home; bundles are immutable and linked."""
    home.mkdir(parents=True)
    for path in settings.home.glob("*.db*"):
        shutil.copy(path, home)
    for name in ("bundles", "candidates"):
        shutil.copytree(settings.home / name, home / name, copy_function=os.link)
    if (settings.home / "mlartifacts").is_dir():  # a copied database names those of its own home
        shutil.copytree(settings.home / "mlartifacts", home / "mlartifacts")
    # Pointers and facts are rewritten by renaming; a link would still be safe, a copy says so.
    return settings.model_copy(update={"home": home, "database_url": ""})


@pytest.fixture(scope="session")
def two_versions(platform, made_once) -> TwoVersions:
    from training.pipeline import train
    from training.release.promotion import promote

    def make(home: Path) -> None:
        shutil.copytree(platform.settings.home, home, dirs_exist_ok=True)
        settings = Settings(home=home, threads=1)
        (settings.bundles / "current").unlink()
        with warnings.catch_warnings(), Store.open(settings.store_url) as store:
            warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own
            promote(settings, store, platform.trained.name)
            sliced = replace(settings.slices, min_demands=1)  # so that so small a platform has slices
            train(settings.model_copy(update={"slices": sliced}), store, RankerParameters(trees=12, seed=1))

    settings = Settings(home=made_once("two_versions", make), threads=1)
    settle(settings)
    versions = [pointed(settings.bundles, name) for name in (CURRENT, CHALLENGER)]
    assert versions[0] == platform.trained.name
    return TwoVersions(settings, *versions)


@pytest.fixture
def copied(two_versions, tmp_path) -> TwoVersions:
    settings = copy_home(two_versions.settings, tmp_path / "home")
    return TwoVersions(settings, two_versions.first, two_versions.second)
