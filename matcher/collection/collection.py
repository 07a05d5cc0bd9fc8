"""One side of the market, searchable: its records, their indexes, and what was written since the bundle was built."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, Self
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import Achievement, Demand
from data.text.segment import content_words
from knowledge_graph.records.table import RecordTable
from knowledge_graph.taxonomy.fields import load_fields
from matcher.collection.encoded import EncodedRecords
from matcher.collection.filters import Filters
from matcher.collection.rows import (
    BundleRow,
    CollectionRow,
    CollectionRows,
    GraphRows,
    Placement,
    Rows,
    ViewRow,
    ViewRows,
    all_rows,
)
from matcher.texts.space import record_text
from models.lexical_index import LexicalIndex
from models.vector_index import VectorIndex, build_vector_index, load_vector_index

Side = Literal["achievements", "demands"]
MASKS_KEPT = 16  # answers of `Collection.allowed` kept, a byte per record each


@dataclass(frozen=True)
class Collection:
    """Records of one side under dense rows: those of the bundle first, later versions and new records behind them.

    A collection never changes; a write makes a new one. `row_of` overrides the base's row of an id, -1 for a deleted record.
    `current` (n,) tells the rows that represent a record now; the indexes hold others too as long as a reader may need
    them. `earlier` are the collections this one came from that somebody still reads. `other_titles` are those of records
    that another shard holds, by id, as far as somebody quotes them.
    """

    base: EncodedRecords
    vectors: VectorIndex
    lexical: LexicalIndex
    current: NDArray[np.bool_]
    row_of: dict[str, int]
    extra: EncodedRecords | None = None
    earlier: tuple["ReferenceType[Collection]", ...] = ()
    other_titles: Mapping[str, str] = field(default_factory=dict)
    _masks: dict[Filters, NDArray[np.bool_]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def build(cls, view: EncodedRecords, records: list[Achievement] | list[Demand], terms: Iterable[str] = ()) -> Self:
        """Index the records of a view, given in its order; domain `terms` count as words beside the segmenter's."""
        words = [content_words(record_text(record).full) for record in records]
        current = np.ones(len(view), dtype=np.bool_)
        return cls(
            view, build_vector_index(view.texts.full.vectors), LexicalIndex.build(words, terms=terms), current, {}
        )

    def renewed(
        self, view: EncodedRecords, kept: NDArray[np.int64], read: list[Achievement] | list[Demand]
    ) -> "Collection":
        """Return the collection that `build` makes of a view whose records have rows `kept` (n,) here, -1 for those `read`.

        Only the texts of those that are read are segmented. This collection must be as it was built.
        """
        words = (content_words(record_text(record).full) for record in read)
        lexical = self.lexical.renewed(kept, words)
        return Collection(
            view, build_vector_index(view.texts.full.vectors), lexical, np.ones(len(view), dtype=np.bool_), {}
        )

    def __len__(self) -> int:
        """Return the number of rows, stale ones too."""
        return len(self.current)

    def row(self, record_id: str) -> CollectionRow | None:
        """Return the row that represents a record now, or None."""
        row = self.row_of.get(record_id, self.base.cards.rows.get(record_id, -1))
        return CollectionRow(row) if row >= 0 else None

    def bundle_row(self, row: CollectionRow) -> BundleRow | None:
        """Return a row's number in the bundle, or None for a record written since."""
        return BundleRow(row) if row < len(self.base) else None

    def title(self, record_id: str) -> str:
        """Return the title of a record of the bundle, or its id if the bundle holds none."""
        row = self.base.cards.rows.get(record_id)
        return self.other_titles.get(record_id, record_id) if row is None else self.base.cards.titles[row]

    def rows_of_graph(self, rows: GraphRows) -> CollectionRows:
        """Return the rows of records that the graph names; its tables and the collection number them alike."""
        return CollectionRows(rows)

    def locate(self, row: CollectionRow) -> tuple[EncodedRecords, ViewRow]:
        """Return the view that holds a row, and its place there; nothing is copied."""
        if self.extra is None or row < len(self.base):
            return self.base, ViewRow(row)
        return self.extra, ViewRow(row - len(self.base))

    def take(self, rows: CollectionRows) -> EncodedRecords:
        """Return the records of the given rows, in that order."""
        if self.extra is None:
            return self.base.take(rows)
        n = len(self.base)
        late = rows >= n
        if not late.any():
            return self.base.take(rows)
        if late.all():
            return self.extra.take(rows - n)
        parts = EncodedRecords.concat([self.base.take(rows[~late]), self.extra.take(rows[late] - n)])
        place = np.empty(len(rows), dtype=np.int64)
        place[np.r_[np.flatnonzero(~late), np.flatnonzero(late)]] = np.arange(len(rows))
        return parts.take(place)

    def view_of(self, rows: CollectionRows) -> tuple[EncodedRecords, ViewRows]:
        """Return a view that holds the given rows, and their places in it; it is copied only where a row was written."""
        if (rows < len(self.base)).all():
            return self.base, ViewRows(rows)
        return self.take(rows), all_rows(len(rows))

    def allowed(self, filters: Filters) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows that represent a record and pass the filters; it is not to be written to."""
        known = None if filters.exclude else self._masks.get(filters)
        if known is None:
            self._require_known(filters.fields)
            masks = [filters.allowed(part.cards) for part in (self.base, self.extra) if part is not None]
            known = np.concatenate(masks) & self.current
            known.flags.writeable = False
            if not filters.exclude:  # who leaves records out leaves out others each time
                if len(self._masks) >= MASKS_KEPT:
                    self._masks.clear()
                self._masks[filters] = known
        return known

    def _require_known(self, fields: tuple[str, ...]) -> None:
        """Refuse a technical field that is none of the shipped ones and that no record of this side names."""
        if not fields:
            return
        stated = {name for part in (self.base, self.extra) if part is not None for name in part.cards.stated_fields}
        for name in fields:
            if name not in stated and name not in load_fields().numbers:
                near = get_close_matches(name, stated, n=3, cutoff=0.3) or sorted(stated)[:5]
                raise InputError(
                    f"no record has the field {name!r}; nearest: {', '.join(near) or 'none is stated'}",
                    f"没有技术领域“{name}”；最接近的是 {'、'.join(near) or '（记录都没有填写技术领域）'}",
                )

    def with_updates(
        self, view: EncodedRecords, words: list[list[str]], deleted: list[str]
    ) -> tuple["Collection", Placement]:
        """Return the collection after an upsert of the records of `view` and the deletion of ids; the indexes learn of it.

        The second value tells which rows the records got, for whatever else is kept by row. New rows enter the indexes
        before the collection is published. Rows that went stale leave them with a later write, once no reader is left of
        a state in which they represented a record, and are given to new records then: what an edit replaces does not pile
        up. Until then `current` hides them. Of an id given twice the last record counts; an id both given and deleted is
        deleted.
        """
        placement = Placement.of(len(self.base), len(self), len(view), self._forget_stale())
        new = placement.rows
        if len(view):
            self.vectors.add(new, np.asarray(view.texts.full.vectors))
            self.lexical.add(new, words)
        added = dict(zip(view.cards.ids, new.tolist(), strict=True))
        rows = self.row_of | added | dict.fromkeys(deleted, -1)
        current = np.concatenate([self.current, np.zeros(placement.size - len(self), dtype=np.bool_)])
        current[[row for record_id in (*added, *deleted) if (row := self.row(record_id)) is not None]] = False
        current[[rows[record_id] for record_id in added if rows[record_id] >= 0]] = True
        extra = view if self.extra is None else EncodedRecords.concat([self.extra, view])
        if placement.order is not None:
            extra = extra.take(placement.order)
        earlier = (*(older for older in self.earlier if older() is not None), ref(self))
        written = replace(
            self, current=current, row_of=rows, extra=extra if len(extra) else self.extra, earlier=earlier
        )
        return written, placement

    def _forget_stale(self) -> Rows:
        """Take out of the indexes what no reader of this or an earlier collection may still find, and return those rows."""
        needed = self.current.copy()
        for older in self.earlier:
            collection = older()
            if collection is not None:
                needed[: len(collection)] |= collection.current
        stale = np.flatnonzero(~needed).astype(np.int64)
        if len(stale):
            self.vectors.remove(stale)
            self.lexical.remove(stale)
        return stale

    def save(self, directory: Path) -> None:
        """Write view and indexes into `directory`, which is created; only a collection as built can be saved."""
        self.base.save(directory)
        self.vectors.save(directory / "vectors")
        self.lexical.save(directory / "lexical")

    @classmethod
    def load(cls, directory: Path, graph: RecordTable | None = None) -> Self:
        """Read what `save` wrote, mapped into memory; `graph` is what the knowledge graph holds of the same records."""
        view = EncodedRecords.load(directory)
        view = view if graph is None else view.with_graph(graph)
        vectors, lexical = load_vector_index(directory / "vectors"), LexicalIndex.load(directory / "lexical")
        return cls(view, vectors, lexical, np.ones(len(view), dtype=np.bool_), {})
