"""All records of the kinds that meet needs, searchable: one collection per kind, in the text space of the bundle."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.kinds.declaration import KindDeclaration, Role
from data.kinds.disclosure import HIDDEN
from data.kinds.record import KindRecord
from data.kinds.registry import Kinds
from data.records import MAX_TEXT, Achievement
from data.store.kind_records import KindChange
from data.text.segment import content_words
from matcher.collection.collection import Collection
from matcher.collection.encoded import RecordEncoder
from matcher.kinds.ranker import KindRanker
from matcher.kinds.rules import barred_firms, has_room
from matcher.texts.space import record_text

DAYS_KEPT = 64  # answers of `KindIndex.offered` kept, a byte per record each
PRICES = ("price_min", "price_max")
RANKER = "ranker"  # folder of a kind's ranker beside its collection
DECLARATIONS = "declarations.json"  # digest of each kind's declaration as it was when its records were indexed


@dataclass(frozen=True)
class KindIndex:
    """Collections and records by kind. A write makes another index; `encoder` is the bundle's, without its graph.

    `rankers` are those of kinds with enough outcomes when the bundle was built.
    """

    encoder: RecordEncoder
    kinds: Kinds
    collections: Mapping[str, Collection]
    records: Mapping[str, Mapping[str, KindRecord]]
    rankers: Mapping[str, KindRanker] = field(default_factory=dict)
    _offered: dict[tuple[str, date], NDArray[np.bool_]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _barred: dict[str, Mapping[str, NDArray[np.int64]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def offered(self, name: str, on: date) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows of a kind's collection whose record is offered on a day, not hidden, and has room.

        It is not to be written to; days that were asked for are remembered.
        """
        known = self._offered.get((name, on))
        if known is None:
            collection, kind = self.collections[name], self.kinds[name]
            known = np.zeros(len(collection), dtype=np.bool_)
            for record_id, record in self.records[name].items():
                row = collection.row(record_id)
                if row is not None and record.visibility != HIDDEN and record.offered(on, kind):
                    known[row] = has_room(record, kind)
            known.flags.writeable = False
            if len(self._offered) >= DAYS_KEPT:
                self._offered.clear()
            self._offered[name, on] = known
        return known

    def barred(self, name: str) -> Mapping[str, NDArray[np.int64]]:
        """Return the rows of a kind's records by the folded name of each enterprise that they must not serve."""
        known = self._barred.get(name)
        if known is None:
            collection, kind = self.collections[name], self.kinds[name]
            rows: dict[str, list[int]] = {}
            for record_id, record in self.records[name].items():
                row = collection.row(record_id)
                for firm in barred_firms(record, kind) if row is not None else ():
                    rows.setdefault(firm, []).append(int(row or 0))
            known = {firm: np.array(found, dtype=np.int64) for firm, found in rows.items()}
            self._barred[name] = known
        return known

    @classmethod
    def build(cls, encoder: RecordEncoder, kinds: Kinds, records: Iterable[KindRecord]) -> Self:
        """Index the records of kinds in the role of supply; others are left out, as are kinds without a declaration."""
        index = cls(encoder.without_graph(), kinds, {}, by_kind(kinds, records))
        return index.apply(index.missing())

    @classmethod
    def load(cls, directory: Path, encoder: RecordEncoder, kinds: Kinds, records: Iterable[KindRecord]) -> Self:
        """Read the collections that `save` wrote; `records` are all that the store holds now.

        A kind that is not in the folder, or was declared otherwise then, has no collection yet: see `missing`.
        """
        path = directory / DECLARATIONS
        saved = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        found = by_kind(kinds, records)
        collections = {
            name: Collection.load(directory / name)
            for name in found
            if saved.get(name) == declaration_digest(kinds[name]) and (directory / name).is_dir()
        }
        rankers = {name: one for name in collections if (one := KindRanker.load(directory / name / RANKER)) is not None}
        return cls(encoder.without_graph(), kinds, collections, found, rankers)

    def save(self, directory: Path) -> None:
        """Write the collections, as built and not written to since, into `directory`, which is created."""
        directory.mkdir(parents=True)
        for name, collection in self.collections.items():
            collection.save(directory / name)
            if name in self.rankers:
                self.rankers[name].save(directory / name / RANKER)
        digests = {name: declaration_digest(self.kinds[name]) for name in self.collections}
        (directory / DECLARATIONS).write_text(json.dumps(digests, indent=1), encoding="utf-8")

    def missing(self) -> list[KindChange]:
        """Return the records that no collection holds, as changes to apply."""
        return [
            KindChange(record.kind, record.id, record, 0)
            for name, found in self.records.items()
            for record in found.values()
            if name not in self.collections or self.collections[name].row(record.id) is None
        ]

    def apply(self, changes: Iterable[KindChange]) -> Self:
        """Return the index after changes in the store, in their order; of a record changed twice the last state counts."""
        latest = {(change.kind, change.record_id): change for change in changes if change.kind in self.records}
        collections, records = dict(self.collections), {name: dict(found) for name, found in self.records.items()}
        for name in {kind for kind, _ in latest}:
            here = [change for (kind, _), change in latest.items() if kind == name]
            gone = [change.record_id for change in here if change.record is None]
            written = [change.record for change in here if change.record is not None]
            for record_id in gone:
                records[name].pop(record_id, None)
            records[name] |= {record.id: record for record in written}
            offered = [as_achievement(record, self.kinds[name]) for record in written]
            if name in collections:
                words = [content_words(record_text(one).full) for one in offered]
                collections[name], _ = collections[name].with_updates(self.encoder.achievements(offered), words, gone)
            elif offered:
                collections[name] = Collection.build(self.encoder.achievements(offered), offered)
        return replace(self, collections=collections, records=records)


def by_kind(kinds: Kinds, records: Iterable[KindRecord]) -> dict[str, dict[str, KindRecord]]:
    """Return the records of kinds in the role of supply, by kind and id."""
    found: dict[str, dict[str, KindRecord]] = {
        kind.name: {} for kind in kinds.of_role(Role.SUPPLY) if not kind.own_table
    }
    for record in records:
        if record.kind in found:
            found[record.kind][record.id] = record
    return found


def declaration_digest(kind: KindDeclaration) -> str:
    """Return the digest of what a kind declares of its texts: another one means that its records are read otherwise."""
    read = [(field.name, field.figures) for field in kind.fields if field.matched or field.figures]
    return sha256(json.dumps(read).encode()).hexdigest()


def as_achievement(record: KindRecord, kind: KindDeclaration) -> Achievement:
    """Return a record as the matcher reads it: as what is offered, its matched fields among its text."""
    matched = [
        _text_of(record.attributes.get(field.name)) for field in kind.fields if field.matched and not field.figures
    ]
    figures = [_text_of(record.attributes.get(field.name)) for field in kind.fields if field.figures]
    content = "\n".join(part for part in (record.content, *matched) if part)[:MAX_TEXT]
    low, high = (record.attributes.get(name) for name in PRICES)
    return Achievement(
        achievement_id=record.id,
        title=record.title,
        content=content,
        keywords=record.keywords,
        field=record.field,
        industries=record.industries,
        region=record.region,
        published_at=record.published_at,
        holder=record.provider,
        indicators="\n".join(part for part in figures if part)[:MAX_TEXT],
        price_min=low if isinstance(low, int | float) else None,
        price_max=high if isinstance(high, int | float) else None,
    )


def _text_of(value: object) -> str:
    if isinstance(value, tuple | list):
        return "；".join(map(str, value))
    return "" if value is None else str(value)
