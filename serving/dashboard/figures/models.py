"""Engines of bundles that do not serve: for looking at two models side by side."""

from functools import lru_cache

from data.errors import InputError
from data.settings import Settings
from matcher.bundle import all_bundles
from matcher.engine import Engine
from matcher.model import MatchingModel
from serving.runtime.services import Services

_KEPT = 1  # engines of other bundles that a worker keeps in memory


def engine_of(services: Services, version: str) -> Engine:
    """Return an engine over a bundle: the serving one, or one that is loaded now and kept for the next question.

    Raises:
        InputError: no bundle has this version.
        BundleError: it cannot be loaded.

    """
    live = services.live()
    if version in ("", live.manifest.version):
        return live.engine
    return _loaded(services.settings, version)


@lru_cache(maxsize=_KEPT)
def _loaded(settings: Settings, version: str) -> Engine:
    known = {manifest.version: manifest for manifest in all_bundles(settings.bundles)}
    if version not in known:
        raise InputError(f"no bundle {version!r}; there are {', '.join(list(known)[:5])}")
    directory = settings.bundles / version
    return Engine(MatchingModel.load(directory, threads=settings.threads, verified=known[version]))
