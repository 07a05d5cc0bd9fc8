"""The index of kinds that fits an engine: as its bundle holds it, brought up to what the store holds now."""

from collections.abc import Iterator
from pathlib import Path

from data.kinds.registry import Kinds
from data.store.store import Store
from matcher.bundle import read_manifest
from matcher.engine import Engine
from matcher.kinds.index import KindIndex
from matcher.model import KINDS_FOLDER

BATCH = 500  # records that are indexed before the index is given on


def kind_indexes(bundles: Path, engine: Engine, store: Store, kinds: Kinds) -> Iterator[KindIndex]:
    """Yield the index that the bundle holds, and again after every batch of records written since; the last is complete.

    Raises:
        BundleError: the bundle is gone from `bundles`, or damaged.

    """
    directory = bundles / engine.model.version
    changes = store.kinds.changes_since(read_manifest(directory).watermark)
    records = (record for kind in kinds.in_common_table() for record in store.kinds.all(kind.name))
    index = KindIndex.load(directory / KINDS_FOLDER, engine.model.record_encoder, kinds, records)
    yield index
    known = {(change.kind, change.record_id) for change in changes}
    # What never was indexed is, whether or not a change says so.
    unknown = [change for change in index.missing() if (change.kind, change.record_id) not in known]
    for start in range(0, len(changes) + len(unknown), BATCH):
        index = index.apply([*changes, *unknown][start : start + BATCH])
        yield index


def kind_index(bundles: Path, engine: Engine, store: Store, kinds: Kinds) -> KindIndex:
    """Return the complete index; raises what `kind_indexes` does."""
    *_, index = kind_indexes(bundles, engine, store, kinds)
    return index
