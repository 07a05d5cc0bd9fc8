"""The index of kinds that fits an engine: as its bundle holds it, brought up to what the store holds now."""

from pathlib import Path

from data.kinds.registry import Kinds
from data.store.store import Store
from matcher.bundle import read_manifest
from matcher.engine import Engine
from matcher.kinds.index import KindIndex
from matcher.model import KINDS_FOLDER


def kind_index(bundles: Path, engine: Engine, store: Store, kinds: Kinds) -> KindIndex:
    """Return the index of all records of the store in the text space of an engine's bundle.

    Raises:
        BundleError: the bundle is gone from `bundles`, or damaged.

    """
    directory = bundles / engine.model.version
    changes = store.kinds.changes_since(read_manifest(directory).watermark)
    records = (record for name in kinds for record in store.kinds.all(name))
    return KindIndex.load(directory / KINDS_FOLDER, engine.model.record_encoder, kinds, records, changes)
