"""What the matcher knows of each record besides its text: one Arrow table per side, shown, filtered and compared."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from data.columns.arrays import load_csr, load_mmap, readonly_view, save_csr, stack_rows, take_rows
from data.columns.strings import StringColumn, StringIndex
from data.records import Achievement, Demand
from data.splits import same_groups
from data.taxonomy.industries import sections
from matcher.collection.card_row import SCHEMA, owned, record_row, record_text_key, stated
from matcher.texts.space import RecordText, record_text

# Words for the same way of working together, on the holder's side and on the firm's.
MODE_FAMILIES = {
    "转让": "transfer",
    "许可": "licence",
    "作价投资": "equity",
    "入股": "equity",
    "合作": "joint",
    "合作开发": "joint",
    "委托开发": "commission",
    "技术服务": "service",
    "咨询服务": "service",
}
_PREFIXES = 2**20
_EPOCH = date(1970, 1, 1)
_TABLE = "table.arrow"
MASKS_KEPT = 32  # answers of `RecordColumns.one_of` kept, a byte per record each
_IDENTITY = ("id", "title_key", "body_key", "owner")
# Derived columns, stored in the bundle so that loading computes nothing, by the name of their file.
_KEPT = ("trl", "money_min", "money_max", "published", "owners", "text_ids", "region", "fields", "mode_flags")
# Of these, what says the same of a row in any table.
_BY_ROW = tuple(name for name in _KEPT if name not in {"owners", "text_ids"})
_PREFIXED = "industry_prefixes"


def _hashed_prefixes(codes: Sequence[str]) -> dict[int, int]:
    """Return the hashes of all prefixes of industry codes, ascending, with the number of their digits."""
    prefixes = (code[:end] for code in codes for end in range(1, len(code) + 1))
    hashed = {crc32(prefix.encode()) % _PREFIXES: sum(map(str.isdigit, prefix)) for prefix in prefixes}
    return dict(sorted(hashed.items()))


def _in_one_piece(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, without a copy where it is one already."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


@lru_cache(maxsize=8)
def _written_schema(schema: pa.Schema) -> bytes:
    return bytes(schema.serialize().to_pybytes())


@lru_cache(maxsize=8)
def _read_schema(written: bytes) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(written))


def _received(schema: bytes, batch: bytes, known: dict[str, object]) -> "RecordColumns":
    """Return the columns that another process sent."""
    found = pa.ipc.read_record_batch(pa.py_buffer(batch), _read_schema(schema))
    columns = RecordColumns(pa.Table.from_batches([found]))
    vars(columns).update(known)
    return columns


class RecordColumns:
    """Columns of the records of one side, row by row with their vectors.

    Numeric columns are NumPy arrays of shape (n,): `trl` float32, `money_min` and `money_max` float64, `published`
    float64 (days since 1970); NaN where the record does not say. Read-only, whether computed or mapped from a file.
    """

    def __init__(self, table: pa.Table) -> None:
        in_pieces = any(column.num_chunks > 1 for column in table.columns)
        self.table = table.combine_chunks() if in_pieces else table  # one piece is left where it is, in a file maybe
        self._masks: dict[tuple[str, tuple[str, ...]], NDArray[np.bool_]] = {}

    @classmethod
    def from_records(cls, records: Iterable[Achievement | Demand]) -> Self:
        """Return the cards of records, in their order."""
        rows = [record_row(record, record_text(record)) for record in records]
        return cls(pa.Table.from_pylist(rows, schema=SCHEMA))

    @classmethod
    def concat(cls, parts: Sequence["RecordColumns"]) -> Self:
        """Return the rows of all parts, one after the other."""
        joined = cls(pa.concat_tables([part.table for part in parts], promote_options="default"))
        known = [vars(part) for part in parts]
        for name in _BY_ROW:
            if all(name in held for held in known):
                vars(joined)[name] = readonly_view(np.concatenate([held[name] for held in known]))
        if all(_PREFIXED in held for held in known):
            vars(joined)[_PREFIXED] = stack_rows([held[_PREFIXED] for held in known])
        return joined

    def take(self, rows: NDArray[np.int64]) -> "RecordColumns":
        """Return the cards of the given rows, in that order."""
        if len(rows) == 1:  # no copy
            return RecordColumns(self.table.slice(int(rows[0]), 1))
        return self.apart(rows)

    def apart(self, rows: NDArray[np.int64]) -> "RecordColumns":
        """Return the given rows as a table of their own, with what is known of each; fit to be sent to another process."""
        taken, held = RecordColumns(self.table.take(pa.array(rows))), vars(self)
        vars(taken).update({name: readonly_view(held[name][rows]) for name in _BY_ROW if name in held})
        if _PREFIXED in held:
            vars(taken)[_PREFIXED] = take_rows(held[_PREFIXED], rows)
        return taken

    def __reduce__(self) -> "tuple[Any, ...]":
        """Go to another process as a batch of Arrow, with what is known of each row."""
        held = vars(self)
        known = {name: held[name] for name in (*_BY_ROW, _PREFIXED) if name in held}
        (batch,) = self.table.to_batches() or [pa.RecordBatch.from_pylist([], schema=self.table.schema)]
        return _received, (_written_schema(self.table.schema), batch.serialize().to_pybytes(), known)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def card(self, row: int, columns: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row, or some columns of it, as a dictionary of Python values."""
        return {name: self._arrays[name][row].as_py() for name in columns or self._arrays}

    def describes(self, row: int, record: Achievement | Demand, text: RecordText) -> bool:
        """Tell whether a row says what a record with that text says, as far as the table has columns for it."""
        said = stated(record) | {"text_key": record_text_key(text)}
        shared = {name: value for name, value in said.items() if name in self._arrays}
        return self.card(row, list(shared)) == shared

    @cached_property
    def _arrays(self) -> dict[str, pa.Array]:
        """Each column in one piece: quicker to read single values from."""
        return {name: _in_one_piece(self.table.column(name)) for name in self.table.column_names}

    @cached_property
    def ids(self) -> StringColumn:
        """Record ids by row."""
        return StringColumn(self._arrays["id"])

    @cached_property
    def titles(self) -> StringColumn:
        """Titles by row."""
        return StringColumn(self._arrays["title"])

    @cached_property
    def text_keys(self) -> StringColumn:
        """Digests, by row, of all that matching reads of a record."""
        return StringColumn(self._arrays["text_key"])

    def identity(self, row: int) -> list[str]:
        """Return the names under which a record is known: its id, its title with its owner's name, its body.

        Two firms that ask in the same words for different things are two: a title alone is no name.
        """
        record_id, title, body, owner = (column[row] for column in self._identities)
        named = (("id", record_id), ("title_key", title and owned(title, owner)), ("body_key", body))
        return [f"{column}:{key}" for column, key in named if key]

    def identity_groups(self) -> NDArray[np.int64]:
        """Return (n,) numbers; records with the same id, the same title and owner, or the same body have the same one."""
        ids, titles, bodies, owners = (self._list(column) for column in _IDENTITY)
        named = [title and owned(title, owner) for title, owner in zip(titles, owners, strict=True)]
        return same_groups([ids, named, bodies])

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Row of each id."""
        return {record_id: row for row, record_id in enumerate(self.ids)}

    @cached_property
    def trl(self) -> NDArray[np.float32]:
        """Technology readiness level, NaN if unknown."""
        return readonly_view(self._numbers("trl").astype(np.float32))

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
        return readonly_view(np.asarray(pc.cast(days, pa.float64()).to_numpy(), dtype=np.float64))

    @cached_property
    def deadline(self) -> NDArray[np.float64]:
        """Last day since 1970-01-01 on which a demand is open, NaN where it names none."""
        if "deadline" not in self.table.column_names:
            return readonly_view(np.full(len(self), np.nan))
        days = pc.cast(self.table.column("deadline"), pa.int32())
        return readonly_view(np.asarray(pc.cast(days, pa.float64()).to_numpy(), dtype=np.float64))

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Number of the record's owner within this table; -1 if unnamed."""
        names = self._list("owner")
        numbers: dict[str, int] = {}
        found = [numbers.setdefault(name, len(numbers)) if name else -1 for name in names]
        return readonly_view(np.array(found, dtype=np.int64))

    def owner_names(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the names of the owners of the given rows, "" where none is named."""
        return [name or "" for name in self.table.column("owner").take(pa.array(rows)).to_pylist()]

    @cached_property
    def text_ids(self) -> NDArray[np.int64]:
        """Number of each record's text: records with the same title and the same body share one.

        Without a body the owner must be the same too: what two holders call alike need not be alike.
        """
        numbers: dict[tuple[str, str], int] = {}
        columns = (self._list(column) for column in ("title_key", "body_key", "owner"))
        keys = [(title, body or owned("", owner)) for title, body, owner in zip(*columns, strict=True)]
        return readonly_view(np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64))

    @cached_property
    def region(self) -> NDArray[np.int32]:
        """Six-digit region code, 0 if unknown."""
        return readonly_view(np.array([int(code) if code else 0 for code in self._list("region")], dtype=np.int32))

    @cached_property
    def fields(self) -> NDArray[np.str_]:
        """Technology field, empty if unknown."""
        return np.array(self._list("field"), dtype=np.str_)

    @cached_property
    def industries(self) -> list[list[str]]:
        """Industry codes of each record."""
        return self._list("industries")

    @cached_property
    def industry_prefixes(self) -> csr_array:
        """(n, 2^20) sparse rows: the prefixes of each code, hashed, with the number of their digits."""
        known: dict[tuple[str, ...], dict[int, int]] = {}
        indptr = [0]
        indices: list[int] = []
        data: list[int] = []
        for codes in map(tuple, self.industries):
            if codes not in known:  # few combinations, many records
                known[codes] = _hashed_prefixes(codes)
            indices += known[codes].keys()
            data += known[codes].values()
            indptr.append(len(indices))
        return csr_array(
            (np.array(data, np.float32), np.array(indices, np.int32), np.array(indptr, np.int32)),
            shape=(len(self), _PREFIXES),
        )

    @cached_property
    def mode_flags(self) -> NDArray[np.bool_]:
        """(n, families) which families of cooperation a record names, see `MODE_FAMILIES`."""
        families = sorted(set(MODE_FAMILIES.values()))
        flags = np.zeros((len(self), len(families)), dtype=np.bool_)
        for row, modes in enumerate(self._list("modes")):
            for mode in modes:
                if mode in MODE_FAMILIES:
                    flags[row, families.index(MODE_FAMILIES[mode])] = True
        return readonly_view(flags)

    def one_of(self, column: str, values: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows whose column has one of the values, not to be written to.

        The latest few are kept: most requests filter alike.
        """
        key = column, tuple(values)
        mask = self._masks.get(key)
        if mask is None:
            mask = self._mask(pc.is_in(self.table.column(column), value_set=pa.array(values, pa.string())))
            mask.flags.writeable = False
            if len(self._masks) >= MASKS_KEPT:
                self._masks.clear()
            self._masks[key] = mask
        return mask

    @cached_property
    def stated_fields(self) -> frozenset[str]:
        """Technical fields (技术领域) that records name."""
        return frozenset(name for name in pc.unique(self.table.column("field")).to_pylist() if name)

    def is_one_of_ids(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows with one of the ids."""
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[[self.rows[record_id] for record_id in ids if record_id in self.rows]] = True
        return mask

    def has_industry(self, codes: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows in one of the industries or below it."""
        column = self._arrays["industries"]
        # A bundle of an earlier version may hold codes with their section's letter.
        written = pc.replace_substring_regex(column.flatten(), r"^[A-T](\d)", r"\1")
        row = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
        mask = np.zeros(len(self), dtype=np.bool_)
        for code in codes:
            below = (
                [code] if code.isdigit() else [code, *(one for one, section in sections().items() if section == code)]
            )
            for start in below:
                mask[row[self._mask(pc.starts_with(written, start))]] = True
        return mask

    def in_region(self, codes: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows in one of the regions: `410000` is a whole province, `410100` a whole city."""
        mask = np.zeros(len(self), dtype=np.bool_)
        for code in codes:
            width = 10_000 if code.endswith("0000") else 100 if code.endswith("00") else 1
            mask |= self.region // width == int(code) // width
        return mask

    def closed_before(self, day: date) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows whose deadline passed before `day`; one without a deadline never closes."""
        return np.asarray(self.deadline < (day - _EPOCH).days, dtype=np.bool_)

    def affordable(self, budget: float) -> NDArray[np.bool_]:
        """Return (n,) mask of the rows whose lowest price (or highest budget) is known and fits `budget` in 万元."""
        price = np.where(np.isnan(self.money_min), self.money_max, self.money_min)
        return np.asarray(price <= budget, dtype=np.bool_)

    def save(self, directory: Path) -> None:
        """Write the table, and what follows from it, into `directory`, which is created; `load` maps all of it."""
        directory.mkdir(parents=True)
        table = self.table.combine_chunks()
        with pa.OSFile(str(directory / _TABLE), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        StringIndex.of(self.rows).save(directory / "ids")
        for name in _KEPT:
            np.save(directory / f"{name}.npy", getattr(self, name))
        save_csr(directory / "industry_prefixes", self.industry_prefixes)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote, mapped rather than copied."""
        with pa.memory_map(str(directory / _TABLE)) as source:
            cards = cls(pa.ipc.open_file(source).read_all())
        known: dict[str, object] = {name: load_mmap(directory / f"{name}.npy") for name in _KEPT}
        known["industry_prefixes"] = load_csr(directory / "industry_prefixes")
        known["rows"] = StringIndex.load(directory / "ids")
        vars(cards).update(known)  # these properties look here first, and would put there what they compute
        return cards

    @cached_property
    def _identities(self) -> list[StringColumn]:
        return [StringColumn(self._arrays[column]) for column in _IDENTITY]

    def _list(self, column: str) -> list[Any]:
        return list(self.table.column(column).to_pylist())

    def _numbers(self, column: str) -> NDArray[np.float64]:
        return readonly_view(np.asarray(pc.cast(self.table.column(column), pa.float64()).to_numpy(), dtype=np.float64))

    def _mask(self, column: pa.ChunkedArray | pa.Array) -> NDArray[np.bool_]:
        return np.asarray(pc.fill_null(column, False), dtype=np.bool_)
