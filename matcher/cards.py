"""What the matcher knows of each record besides its text: one Arrow table per side, shown, filtered and compared."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.records import Achievement, Demand, Record

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("title", pa.string()),
        ("owner", pa.string()),  # holder of an achievement, enterprise of a demand
        ("owner_type", pa.string()),
        ("region", pa.string()),
        ("field", pa.string()),
        ("industries", pa.list_(pa.string())),
        ("status", pa.string()),
        ("trl", pa.int8()),  # reached by an achievement, asked for by a demand
        ("money_min", pa.float64()),  # price or budget, 万元
        ("money_max", pa.float64()),
        ("modes", pa.list_(pa.string())),
        ("published", pa.date32()),
    ]
)


def _row(record: Record) -> dict[str, Any]:
    common = {
        "id": record.record_id,
        "title": record.title,
        "region": record.region,
        "field": record.field,
        "industries": list(record.industries),
        "status": record.status.value,
        "published": record.updated_at or record.published_at,
    }
    if isinstance(record, Achievement):
        return common | {
            "owner": record.holder,
            "owner_type": record.holder_type,
            "trl": record.trl,
            "money_min": record.price_min,
            "money_max": record.price_max,
            "modes": list(record.transfer_modes),
        }
    return common | {
        "owner": record.enterprise,
        "owner_type": record.enterprise_size,
        "trl": record.trl_min,
        "money_min": record.budget_min,
        "money_max": record.budget_max,
        "modes": list(record.cooperation_modes),
    }


class Cards:
    """Columns of the records of one side, row by row with their vectors.

    Numeric columns are NumPy arrays of shape (n,): `trl` float32, `money_min` and `money_max` float64, `published`
    float64 (days since 1970); NaN where the record does not say.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table.combine_chunks()

    @classmethod
    def from_records(cls, records: Iterable[Achievement] | Iterable[Demand]) -> Self:
        """Return the cards of records, in their order."""
        return cls(pa.Table.from_pylist([_row(record) for record in records], schema=SCHEMA))

    @classmethod
    def concat(cls, parts: Sequence["Cards"]) -> Self:
        """Return the rows of all parts, one after the other."""
        return cls(pa.concat_tables([part.table for part in parts]))

    def take(self, rows: NDArray[np.int64]) -> "Cards":
        """Return the cards of the given rows, in that order."""
        return Cards(self.table.take(pa.array(rows)))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def card(self, row: int) -> dict[str, Any]:
        """Return one row as a dictionary of Python values."""
        return {name: self.table.column(name)[row].as_py() for name in SCHEMA.names}

    @cached_property
    def ids(self) -> list[str]:
        """Record ids by row."""
        return self._list("id")

    @cached_property
    def titles(self) -> list[str]:
        """Titles by row."""
        return self._list("title")

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each id."""
        return {record_id: row for row, record_id in enumerate(self.ids)}

    @cached_property
    def trl(self) -> NDArray[np.float32]:
        """Technology readiness level, NaN if unknown."""
        return self._numbers("trl").astype(np.float32)

    @cached_property
    def money_min(self) -> NDArray[np.float64]:
        """Lower end of price or budget in 万元."""
        return self._numbers("money_min")

    @cached_property
    def money_max(self) -> NDArray[np.float64]:
        """Upper end of price or budget in 万元."""
        return self._numbers("money_max")

    @cached_property
    def published(self) -> NDArray[np.float64]:
        """Day of the last change (or else of publication) since 1970-01-01."""
        days = pc.cast(self.table.column("published"), pa.int32())
        return np.asarray(pc.cast(days, pa.float64()).to_numpy(), dtype=np.float64)

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Number of the record's owner within this table; -1 if unnamed."""
        names = self._list("owner")
        numbers: dict[str, int] = {}
        return np.array([numbers.setdefault(name, len(numbers)) if name else -1 for name in names], dtype=np.int64)

    @cached_property
    def region(self) -> NDArray[np.int32]:
        """Six-digit region code, 0 if unknown."""
        return np.array([int(code) if code else 0 for code in self._list("region")], dtype=np.int32)

    @cached_property
    def fields(self) -> NDArray[np.str_]:
        """Technology field, empty if unknown."""
        return np.array(self._list("field"), dtype=np.str_)

    @cached_property
    def industries(self) -> list[list[str]]:
        """Industry codes of each record."""
        return self._list("industries")

    @cached_property
    def modes(self) -> list[list[str]]:
        """Transfer or cooperation modes of each record."""
        return self._list("modes")

    def one_of(self, column: str, values: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows whose column has one of the values."""
        return self._mask(pc.is_in(self.table.column(column), value_set=pa.array(values, pa.string())))

    def is_one_of_ids(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows with one of the ids."""
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[[self.rows[record_id] for record_id in ids if record_id in self.rows]] = True
        return mask

    def has_industry(self, codes: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows in one of the industries or below it."""
        wanted = tuple(codes)
        return np.array([any(code.startswith(wanted) for code in row) for row in self.industries], dtype=np.bool_)

    def in_region(self, codes: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows in one of the regions: `410000` is a whole province, `410100` a whole city."""
        mask = np.zeros(len(self), dtype=np.bool_)
        for code in codes:
            width = 10_000 if code.endswith("0000") else 100 if code.endswith("00") else 1
            mask |= self.region // width == int(code) // width
        return mask

    def affordable(self, budget: float) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows whose lowest price (or highest budget) is known and fits `budget` in 万元."""
        price = np.where(np.isnan(self.money_min), self.money_max, self.money_min)
        return np.asarray(price <= budget, dtype=np.bool_)

    def save(self, path: Path) -> None:
        """Write an Arrow file that `load` maps into memory."""
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
            writer.write_table(self.table)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote, mapped rather than copied."""
        with pa.memory_map(str(path)) as source:
            return cls(pa.ipc.open_file(source).read_all())

    def _list(self, column: str) -> list[Any]:
        return list(self.table.column(column).to_pylist())

    def _numbers(self, column: str) -> NDArray[np.float64]:
        return np.asarray(pc.cast(self.table.column(column), pa.float64()).to_numpy(), dtype=np.float64)

    def _mask(self, column: pa.ChunkedArray) -> NDArray[np.bool_]:
        return np.asarray(pc.fill_null(column, False).to_numpy(), dtype=np.bool_)
