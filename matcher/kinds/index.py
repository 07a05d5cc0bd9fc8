"""All records of the kinds that meet needs, searchable: one collection per kind, in the text space of the bundle."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Self

from data.kinds.declaration import KindDeclaration, Role
from data.kinds.record import KindRecord
from data.kinds.registry import Kinds
from data.records import MAX_TEXT, Achievement
from data.store.kind_records import KindChange
from data.text.segment import content_words
from matcher.collection.collection import Collection
from matcher.collection.encoded import RecordEncoder
from matcher.texts.space import record_text

PRICES = ("price_min", "price_max")
DECLARATIONS = "declarations.json"  # digest of each kind's declaration as it was when its records were indexed


@dataclass(frozen=True)
class KindIndex:
    """Collections and records by kind. A write makes another index; `encoder` is the bundle's, without its graph."""

    encoder: RecordEncoder
    kinds: Kinds
    collections: Mapping[str, Collection]
    records: Mapping[str, Mapping[str, KindRecord]]

    @classmethod
    def build(cls, encoder: RecordEncoder, kinds: Kinds, records: Iterable[KindRecord]) -> Self:
        """Index the records of kinds in the role of supply; others are left out, as are kinds without a declaration."""
        return cls(encoder.without_graph(), kinds, {}, by_kind(kinds, records)).completed()

    @classmethod
    def load(
        cls,
        directory: Path,
        encoder: RecordEncoder,
        kinds: Kinds,
        records: Iterable[KindRecord],
        changes: Iterable[KindChange],
    ) -> Self:
        """Read the collections that `save` wrote and bring them up to date.

        `records` are all that the store holds, `changes` those since the collections were saved. A kind that is not in
        the folder, or was declared otherwise then, is indexed from its records.
        """
        path = directory / DECLARATIONS
        saved = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        found = by_kind(kinds, records)
        collections = {
            name: Collection.load(directory / name)
            for name in found
            if saved.get(name) == declaration_digest(kinds[name]) and (directory / name).is_dir()
        }
        # What never was indexed is, whether or not a change says so.
        return cls(encoder.without_graph(), kinds, collections, found).apply(changes).completed()

    def save(self, directory: Path) -> None:
        """Write the collections, as built and not written to since, into `directory`, which is created."""
        directory.mkdir(parents=True)
        for name, collection in self.collections.items():
            collection.save(directory / name)
        digests = {name: declaration_digest(self.kinds[name]) for name in self.collections}
        (directory / DECLARATIONS).write_text(json.dumps(digests, indent=1), encoding="utf-8")

    def completed(self) -> Self:
        """Return the index with every record in its kind's collection."""
        missing = [
            record
            for name, found in self.records.items()
            for record in found.values()
            if name not in self.collections or self.collections[name].row(record.id) is None
        ]
        return self.apply(KindChange(record.kind, record.id, record, 0) for record in missing) if missing else self

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
    found: dict[str, dict[str, KindRecord]] = {kind.name: {} for kind in kinds.of_role(Role.SUPPLY)}
    for record in records:
        if record.kind in found:
            found[record.kind][record.id] = record
    return found


def declaration_digest(kind: KindDeclaration) -> str:
    """Return the digest of what a kind declares: another one means that its records are read otherwise."""
    return sha256(kind.model_dump_json().encode()).hexdigest()


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
