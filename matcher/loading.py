"""The current bundle as an engine that has caught up with the store, for the command line."""

from collections.abc import Sequence

from data.errors import NotFoundError
from data.records import Achievement, Demand
from data.settings import Settings
from data.store.store import Store
from matcher.bundle import current_bundle, verify
from matcher.engine import Engine
from matcher.model import MatchingModel


def load_engine(settings: Settings, store: Store) -> Engine:
    """Return an engine over the current bundle with everything that was written since.

    Raises:
        BundleError: there is no bundle, or it is damaged.

    """
    directory = current_bundle(settings.bundles)
    manifest = verify(directory)
    engine = Engine(MatchingModel.load(directory, threads=settings.threads, verified=manifest))
    engine.apply(list(store.changes_since(manifest.watermark)))
    return engine


def stored_achievements(store: Store, ids: Sequence[str]) -> list[Achievement]:
    """Return the achievements of the given ids, in that order; those deleted meanwhile are left out."""
    found = []
    for achievement_id in ids:
        try:
            found.append(store.achievement(achievement_id))
        except NotFoundError:
            continue
    return found


def stored_demands(store: Store, ids: Sequence[str]) -> list[Demand]:
    """Return the demands of the given ids, in that order; those deleted meanwhile are left out."""
    found = []
    for demand_id in ids:
        try:
            found.append(store.demand(demand_id))
        except NotFoundError:
            continue
    return found
