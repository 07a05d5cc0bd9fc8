"""The quantities of many records as columns, parsed once, linked and judged all together."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.records import Achievement, Demand, Record
from knowledge_graph.quantities.extraction import extract
from knowledge_graph.quantities.names import Encode, NameTable, Synonyms, better_of, key
from knowledge_graph.quantities.types import OPS, Quantity, Side
from matcher.ledger_rules import NAME, ROLE

Rows = NDArray[np.int64]
MAX_REQUIREMENTS = 32  # of one record that are kept account of
KEPT = 64  # quantities kept per record; more is a table dump
ROLES = ("requirement", "current", "business", "achieved", "setting", "other")

SCHEMA = pa.schema(
    [
        ("parameter", pa.string()),
        ("op", pa.string()),
        ("values", pa.list_(pa.float64())),
        ("unit", pa.string()),
        ("canonical_unit", pa.string()),
        ("factor", pa.float64()),
        ("offset", pa.float64()),
        ("role", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("parameter_span", pa.list_(pa.int32())),
        ("value_span", pa.list_(pa.int32())),
        ("unit_span", pa.list_(pa.int32())),
        ("quote", pa.string()),
        ("tolerance", pa.float64()),
        ("field", pa.string()),
    ]
)


def quantities_of(record: Record) -> tuple[Quantity, ...]:
    """Return the quantities of a record: of its title, content, and indicators (achievements) or targets (demands).

    Each names its field; its positions are those of that field's text. What a demand's targets state is required.
    """
    side: Side = "demand" if isinstance(record, Demand) else "supply"
    fields = [("title", record.title), ("content", record.content)]
    fields.append(("indicators", record.indicators) if isinstance(record, Achievement) else ("kpis", record.kpis))
    found: list[Quantity] = []
    for field, text in fields:
        found += extract(text, side, title=field == "title", field=field)
    return tuple(found[:KEPT])


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
    (q, 2) float64: low and high in canonical units, NaN where open. `details` holds the quantities themselves.
    """

    offsets: Rows
    codes: NDArray[np.int64]
    ends: NDArray[np.float64]
    names: NameTable
    details: pa.Table

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
        details = pa.Table.from_pylist([asdict(quantity) for quantity in flat], schema=SCHEMA)
        names = NameTable.build(list(rows), encode, synonyms)
        return cls(np.array(offsets, dtype=np.int64), codes, ends, names, details)

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
            NameTable(
                np.vstack([part.names.codes for part in parts]), np.vstack([part.names.vectors for part in parts])
            ),
            pa.concat_tables([part.details for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def quantity(self, row: int) -> Quantity:
        """Return one quantity."""
        detail = {name: self.details.column(name)[row].as_py() for name in SCHEMA.names}
        for name in ("values", "value_span", "parameter_span", "unit_span"):
            detail[name] = None if detail[name] is None else tuple(detail[name])
        return Quantity(**detail)

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
        with pa.OSFile(str(directory / "details.arrow"), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
            writer.write_table(self.details)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote, mapped into memory."""

        def column(name: str) -> NDArray[Any]:
            loaded: NDArray[Any] = np.load(directory / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            return np.asarray(loaded)

        with pa.memory_map(str(directory / "details.arrow")) as source:
            details = pa.ipc.open_file(source).read_all()
        names = NameTable(column("names"), column("vectors"))
        return cls(column("offsets"), column("codes"), column("ends"), names, details)

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {
            "offsets": self.offsets,
            "codes": self.codes,
            "ends": self.ends,
            "names": self.names.codes,
            "vectors": self.names.vectors,
        }
