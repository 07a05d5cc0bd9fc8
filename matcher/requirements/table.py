"""The quantities of many records as columns, parsed once, linked and judged all together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import load_mmap
from data.records import Achievement, Demand, Record
from knowledge_graph.quantities.extraction import extract
from knowledge_graph.quantities.names import Encode, NameTable, Synonyms, better_of, key
from knowledge_graph.quantities.types import OPS, Quantity, Role, Side
from matcher.requirements.rules import NAME, ROLE

Rows = NDArray[np.int64]
MAX_REQUIREMENTS = 32  # of one record that are kept account of
KEPT = 64  # quantities kept per record; more is a table dump
ROLES: tuple[Role, ...] = ("requirement", "current", "business", "achieved", "setting", "other")

FIELDS = ("", "title", "content", "indicators", "kpis", "keywords")  # bundles keep their places: add behind
KEYWORDS_READ = 5_000  # characters of a demand's keywords that are read
BETWEEN_KEYWORDS = "；"
_BETWEEN = "\x1f"  # parts the texts of a quantity


def quantities_of(record: Record) -> tuple[Quantity, ...]:
    """Return the quantities of a record: of its title, content, and indicators (achievements) or targets (demands).

    Each names its field; its positions are those of that field's text. Of repeated statements the first is kept.
    The requirements among a demand's keywords, where answers to questions are kept, come first, so that no long text
    crowds them out; their positions are those of the keywords joined by `BETWEEN_KEYWORDS`.
    """
    side: Side = "demand" if isinstance(record, Demand) else "supply"
    fields = [("title", record.title), ("content", record.content)]
    fields.append(("indicators", record.indicators) if isinstance(record, Achievement) else ("kpis", record.kpis))
    found: dict[tuple[object, ...], Quantity] = {}
    for field, text in fields:
        for quantity in extract(text, side, title=field == "title", field=field):
            found.setdefault(_fact(quantity), quantity)
    entered = _entered(record) if isinstance(record, Demand) and record.keywords else {}
    answers = [quantity for fact, quantity in entered.items() if fact not in found]
    return (*answers, *found.values())[:KEPT]


def _entered(demand: Demand) -> dict[tuple[object, ...], Quantity]:
    """Return the requirements that a demand's keywords state, by what they say; other figures there are mere names."""
    text = BETWEEN_KEYWORDS.join(demand.keywords)[:KEYWORDS_READ]
    read = extract(text, "demand", field="keywords")
    return {_fact(quantity): quantity for quantity in read if quantity.role == "requirement" and quantity.parameter}


def _fact(quantity: Quantity) -> tuple[object, ...]:
    return (quantity.parameter, quantity.op, quantity.values, quantity.unit, quantity.role)


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows that belong to n records: those of record i are `rows[starts[i] : starts[i] + sizes[i]]`."""

    starts: Rows
    sizes: Rows
    rows: Rows


@dataclass(frozen=True)
class QuantityTable:
    """All quantities of n records; those of record i are rows `offsets[i]` to `offsets[i + 1]`.

    `codes` (q, 5) int64: comparator, role, key of the canonical unit, better side (-1, 0, 1), row in `names`. `ends`
    (q, 2) float64: low and high in canonical units, NaN where open. The rest keeps the quantities as
    stated: `spans` (q, 9) int32 (start, end, parameter, number, unit, field; -1 for no span), `figures` (q, 6) float64 (two
    values, their count, factor, offset, tolerance), and `texts`, UTF-8 bytes of which row i is `text_ends[i]` to
    `text_ends[i + 1]`.
    """

    offsets: Rows
    codes: NDArray[np.int64]
    ends: NDArray[np.float64]
    names: NameTable
    spans: NDArray[np.int32]
    figures: NDArray[np.float64]
    texts: NDArray[np.uint8]
    text_ends: Rows

    @classmethod
    def build(
        cls,
        records: Iterable[Sequence[Quantity]],
        encode: Encode | None = None,
        synonyms: Synonyms | None = None,
    ) -> Self:
        """Return the table of records' quantities, given in their order."""
        offsets = [0]
        flat: list[Quantity] = []
        for quantities in records:
            flat += quantities
            offsets.append(len(flat))
        rows: dict[str, int] = {}
        codes = np.zeros((len(flat), 5), dtype=np.int64)
        ends = np.full((len(flat), 2), np.nan)
        for row, quantity in enumerate(flat):
            name = rows.setdefault(quantity.parameter or "", len(rows))
            unit = key(quantity.canonical_unit)
            better = better_of(quantity.parameter)
            codes[row] = OPS.index(quantity.op), ROLES.index(quantity.role), unit, better, name
            ends[row] = [np.nan if end is None else end for end in quantity.canonical]
        names = NameTable.build(list(rows), encode, synonyms)
        stated = [_texts(quantity) for quantity in flat]
        return cls(
            np.array(offsets, dtype=np.int64),
            codes,
            ends,
            names,
            np.array([_spans(quantity) for quantity in flat], dtype=np.int32).reshape(-1, 9),
            np.array([_figures(quantity) for quantity in flat], dtype=np.float64).reshape(-1, 6),
            np.frombuffer(b"".join(stated), dtype=np.uint8),
            np.cumsum([0, *map(len, stated)]).astype(np.int64),
        )

    @classmethod
    def concat(cls, parts: Sequence["QuantityTable"]) -> Self:
        """Return the records of all parts, one after the other."""
        sizes = np.concatenate([np.diff(part.offsets) for part in parts])
        codes = np.vstack([part.codes for part in parts])
        ends = np.cumsum([0, *(len(part.codes) for part in parts)])
        names_before = np.cumsum([0, *(len(part.names) for part in parts)])
        for start, stop, shift in zip(ends[:-1], ends[1:], names_before[:-1], strict=True):
            codes[start:stop, NAME] += shift
        return cls(
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            codes,
            np.vstack([part.ends for part in parts]),
            NameTable.concat([part.names for part in parts]),
            np.vstack([part.spans for part in parts]),
            np.vstack([part.figures for part in parts]),
            np.concatenate([part.texts for part in parts]),
            np.cumsum(np.concatenate([[0], *(np.diff(part.text_ends) for part in parts)])).astype(np.int64),
        )

    def take(self, records: Rows) -> "QuantityTable":
        """Return the given records, in that order, without the names and texts of others."""
        sizes = np.diff(self.offsets)[records]
        kept = np.concatenate(
            [np.arange(self.offsets[record], self.offsets[record + 1]) for record in records.tolist()] or [records]
        )
        codes = self.codes[kept].copy()
        names, codes[:, NAME] = np.unique(codes[:, NAME], return_inverse=True)
        lengths = np.diff(self.text_ends)[kept]
        texts = [self.texts[self.text_ends[row] : self.text_ends[row + 1]] for row in kept.tolist()]
        return QuantityTable(
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            codes,
            self.ends[kept],
            NameTable(self.names.codes[names], self.names.vectors[names]),
            self.spans[kept],
            self.figures[kept],
            np.concatenate(texts) if texts else self.texts[:0],
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        )

    def with_distinct_names(self) -> "QuantityTable":
        """Return the table with each name once, numbered in the order in which quantities first have it."""
        held = np.ascontiguousarray(np.hstack([self.names.codes.view(np.int8), self.names.vectors]))
        rows = held.view(np.dtype((np.void, held.shape[1]))).ravel()
        _, number = np.unique(rows, return_inverse=True)
        used = number[self.codes[:, NAME]]
        _, first, place = np.unique(used, return_index=True, return_inverse=True)
        order = np.argsort(first)  # names by where they first occur
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        codes = self.codes.copy()
        codes[:, NAME] = rank[place]
        chosen = self.codes[np.sort(first), NAME]
        return replace(self, codes=codes, names=NameTable(self.names.codes[chosen], self.names.vectors[chosen]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def quantity(self, row: int) -> Quantity:
        """Return one quantity as it was read."""
        op, role, *_ = self.codes[row].tolist()
        start, end, p0, p1, v0, v1, u0, u1, field = self.spans[row].tolist()
        low, high, count, factor, offset, tolerance = self.figures[row].tolist()
        kept = self.texts[self.text_ends[row] : self.text_ends[row + 1]].tobytes().decode()
        parameter, unit, canonical, quote = kept.split(_BETWEEN)
        return Quantity(
            parameter=parameter or None,
            op=OPS[op],
            values=(low, high) if count == 2 else (low,),
            unit=unit,
            canonical_unit=canonical,
            factor=factor,
            offset=offset,
            role=ROLES[role],
            start=start,
            end=end,
            parameter_span=(p0, p1) if p0 >= 0 else None,
            value_span=(v0, v1),
            unit_span=(u0, u1) if u0 >= 0 else None,
            quote=quote,
            tolerance=tolerance,
            field=FIELDS[field],
        )

    @cached_property
    def requirements(self) -> "Ragged":
        """What records require, at most `MAX_REQUIREMENTS` each."""
        return self._ragged(("requirement",), MAX_REQUIREMENTS)

    @cached_property
    def claims(self) -> "Ragged":
        """What records say of themselves: what they achieve, and the sizes and conditions they give."""
        return self._ragged(("achieved", "setting"), KEPT)

    def _ragged(self, roles: tuple[str, ...], most: int) -> "Ragged":
        wanted = np.isin(self.codes[:, ROLE], [ROLES.index(role) for role in roles])
        owner = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        rows = np.flatnonzero(wanted)
        sizes = np.bincount(owner[rows], minlength=len(self)).astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        rank = np.arange(len(rows)) - starts[owner[rows]]
        rows = rows[rank < most]
        sizes = np.minimum(sizes, most)
        return Ragged(np.cumsum(sizes) - sizes, sizes, rows)

    def save(self, directory: Path) -> None:
        """Write the columns into `directory`, which is created."""
        directory.mkdir(parents=True)
        for name, column in self._columns().items():
            np.save(directory / f"{name}.npy", column)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote, mapped into memory."""

        def column(name: str) -> NDArray[Any]:
            return load_mmap(directory / f"{name}.npy")

        names = NameTable(column("names"), column("vectors"))
        rest = (column("spans"), column("figures"), column("texts"), column("text_ends"))
        return cls(column("offsets"), column("codes"), column("ends"), names, *rest)

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {
            "offsets": self.offsets,
            "codes": self.codes,
            "ends": self.ends,
            "names": self.names.codes,
            "vectors": self.names.vectors,
            "spans": self.spans,
            "figures": self.figures,
            "texts": self.texts,
            "text_ends": self.text_ends,
        }


def _spans(quantity: Quantity) -> tuple[int, ...]:
    none = (-1, -1)
    parameter, unit = quantity.parameter_span or none, quantity.unit_span or none
    return (quantity.start, quantity.end, *parameter, *quantity.value_span, *unit, FIELDS.index(quantity.field))


def _figures(quantity: Quantity) -> tuple[float, ...]:
    values = quantity.values
    return (values[0], values[-1], len(values), quantity.factor, quantity.offset, quantity.tolerance)


def _texts(quantity: Quantity) -> bytes:
    parts = (quantity.parameter or "", quantity.unit, quantity.canonical_unit, quantity.quote)
    return _BETWEEN.join(part.replace(_BETWEEN, " ") for part in parts).encode("utf-8", "replace")
