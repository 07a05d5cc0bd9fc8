"""Bundles on disk, and engines of bundles that do not serve: for looking at two models side by side."""

from functools import lru_cache
from pathlib import Path

from data.errors import BundleError, InputError
from data.settings import Settings
from matcher.bundle import MANIFEST, Manifest, read_manifest
from matcher.engine import Engine
from matcher.model import MatchingModel
from serving.services import Services

_KEPT = 1  # engines of other bundles that a worker keeps in memory


def manifests(bundles: Path) -> list[Manifest]:
    """Return the manifests of all bundles that this version can read, newest first."""
    found = []
    for path in sorted(bundles.glob(f"[0-9]*/{MANIFEST}"), reverse=True):
        try:
            found.append(read_manifest(path.parent))
        except BundleError:
            continue  # of another format: it can neither be served nor described
    return found


def pointer(bundles: Path, name: str) -> str:
    """Return the version that a pointer (current, previous, challenger …) names, "" if there is none."""
    try:
        return (bundles / name).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


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
    known = {manifest.version: manifest for manifest in manifests(settings.bundles)}
    if version not in known:
        raise InputError(f"no bundle {version!r}; there are {', '.join(list(known)[:5])}")
    directory = settings.bundles / version
    return Engine(MatchingModel.load(directory, threads=settings.threads, verified=known[version]))
