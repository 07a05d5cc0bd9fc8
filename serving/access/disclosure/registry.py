"""Which records are restricted and what they hide, kept in memory and compared with the store before every filtered answer."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from data.kinds.declaration import KindDeclaration
from data.kinds.disclosure import Access, shown_fields, texts_of
from data.kinds.registry import Kinds
from data.store.store import Store
from data.store.trust.disclosures import RecordState
from serving.access.disclosure.grams import Hashes, HiddenRuns, distinct

RecordKey = tuple[str, str]
"""Kind and id."""


@dataclass(frozen=True)
class Restricted:
    """A record that not everybody may see whole."""

    kind: KindDeclaration
    document: Mapping[str, Any]
    _views: dict[Access, dict[str, Any] | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def shown(self, access: Access) -> dict[str, Any] | None:
        """Return the fields that a caller with `access` may see, None if not even that the record exists."""
        if access not in self._views:
            self._views[access] = shown_fields(self.document, self.kind, access)
        return self._views[access]

    @cached_property
    def persons(self) -> tuple[str, ...]:
        """Strings of fields that name persons."""
        names = {field.name for field in self.kind.fields if field.personal}
        own = {**self.document, **self.document.get("attributes", {})}
        return tuple(texts_of({name: own[name] for name in names if name in own}, self.kind))

    @cached_property
    def hidden(self) -> Hashes:
        """Runs that nobody sees without a grant."""
        return self.hidden_from(Access.NONE)

    def hidden_from(self, access: Access) -> Hashes:
        """Return the runs that a caller with `access` does not see."""
        seen = texts_of(self.shown(access) or {}, self.kind)
        return np.setdiff1d(distinct(texts_of(self.document, self.kind)), distinct(seen), assume_unique=True)


@dataclass(frozen=True)
class RestrictedRecords:
    """All restricted records of a store; immutable, another one is made when one of them changed."""

    records: Mapping[RecordKey, Restricted]

    @cached_property
    def runs(self) -> HiddenRuns:
        """What all of them hide."""
        return HiddenRuns([record.hidden for record in self.records.values()])

    @cached_property
    def kinds_by_id(self) -> Mapping[str, tuple[str, ...]]:
        """Kinds that have a restricted record of an id."""
        found: dict[str, tuple[str, ...]] = {}
        for kind, record_id in self.records:
            found[record_id] = (*found.get(record_id, ()), kind)
        return found

    def revealed(self, grants: Mapping[RecordKey, Access]) -> Hashes:
        """Return the runs, sorted, that grants reveal, each as often as records that hid it."""
        parts = [
            np.setdiff1d(record.hidden, record.hidden_from(access), assume_unique=True)
            for key, access in grants.items()
            if (record := self.records.get(key)) is not None
        ]
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.uint64)


class DisclosureRegistry:
    """Holds the restricted records of a store; safe to use from several threads."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._held = RestrictedRecords({})
        self._revision = -1
        self._lock = Lock()

    def public_runs(self, store: Store, keys: Collection[RecordKey]) -> Hashes:
        """Return the runs of the texts of some records that are open to all."""
        documents = store.disclosures.documents(key for key in keys if key not in self._held.records)
        return distinct(
            text
            for kind, document in documents
            if kind in self._kinds
            for text in texts_of(document, self._kinds[kind])
        )

    @property
    def kinds(self) -> frozenset[str]:
        """Names of all kinds."""
        return frozenset(self._kinds)

    @property
    def known(self) -> bool:
        """Whether the store was read at least once."""
        return self._revision >= 0

    @property
    def held(self) -> RestrictedRecords:
        """What was known when the store was last asked."""
        return self._held

    def current(self, store: Store) -> RestrictedRecords:
        """Return the restricted records as the store has them now: one small query where nothing was written."""
        if store.watermark() == self._revision:
            return self._held
        with self._lock:
            mark = store.watermark()
            if mark != self._revision:
                changes = store.disclosures.restricted_since(max(self._revision, 0))
                self._take_in(changes)
                self._revision = mark
            return self._held

    def _take_in(self, changes: list[RecordState]) -> None:
        known = self._held.records
        added = {
            (one.kind, one.record_id): Restricted(self._kinds[one.kind], one.document)
            for one in changes
            if one.document is not None and one.kind in self._kinds
        }
        opened = {(one.kind, one.record_id) for one in changes if one.document is None} & known.keys()
        if added or opened:
            kept = {key: record for key, record in known.items() if key not in opened}
            self._held = RestrictedRecords(kept | added)
