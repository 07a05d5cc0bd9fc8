"""Many strings in files that are mapped into memory: read by place, or found by text. Nothing is parsed at loading."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import eq
from pathlib import Path
from typing import Self, TypeVar, overload

import marisa_trie
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.columns.arrays import load_mmap

_COLUMN = "text"
_NONE = np.zeros(1, dtype=np.int32)
_Default = TypeVar("_Default")


class StringColumn(Sequence[str]):
    """n strings in their order, kept as UTF-8 in one piece. Immutable; processes that map one file share its pages."""

    def __init__(self, values: pa.StringArray) -> None:
        """Take an Arrow array of strings, none of them null."""
        self._values = values
        _, ends, text = values.buffers()
        first = values.offset
        bounds = np.frombuffer(ends, dtype=np.int32, count=first + len(values) + 1)[first:] if len(values) else _NONE
        self._bounds: memoryview[int] = bounds.data
        self._text = memoryview(text) if text is not None else memoryview(b"")

    @classmethod
    def of(cls, values: Sequence[str]) -> Self:
        """Return the strings of a sequence."""
        return cls(pa.array(values, pa.string()))

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        """Return one string, or the list of those of a slice."""
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        n = len(self._values)
        if not -n <= place < n:
            raise IndexError(f"place {place} is outside {n} strings")
        place += n if place < 0 else 0
        return str(self._text[self._bounds[place] : self._bounds[place + 1]], "utf-8")

    def at(self, places: Iterable[int]) -> list[str]:
        """Return the strings at places that there are, one by one: quicker than asking for each of them."""
        text, bounds = self._text, self._bounds
        return [str(text[bounds[place] : bounds[place + 1]], "utf-8") for place in places]

    def __eq__(self, other: object) -> bool:
        """Tell whether another sequence, a list for instance, holds the same strings in the same order."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[str]:
        """Yield all strings in their order."""
        return iter(self._values.to_pylist())

    def save(self, path: Path) -> None:
        """Write one Arrow file."""
        table = pa.table({_COLUMN: self._values})
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Map what `save` wrote.

        Raises:
            OSError, ValueError: the file is missing or no such file.

        """
        with pa.memory_map(str(path)) as source:
            column = pa.ipc.open_file(source).read_all().column(_COLUMN)
            return cls(column.chunk(0) if column.num_chunks == 1 else column.combine_chunks())


class StringIndex(Mapping[str, int]):
    """A number for each of n distinct strings, found by walking a trie. Immutable, mapped as `StringColumn` are.

    A look-up takes about half a microsecond, some five times that of a dictionary, and holds no memory of its own.
    """

    def __init__(self, trie: marisa_trie.Trie, numbers: NDArray[np.int32]) -> None:
        """Take a trie and (n,) the numbers of its strings, by the trie's own order."""
        if len(trie) != len(numbers):
            raise ValueError(f"{len(trie)} strings have {len(numbers)} numbers")
        self._trie = trie
        self._numbers = numbers
        self._number: memoryview[int] = np.ascontiguousarray(numbers).data

    @classmethod
    def of(cls, numbers: Mapping[str, int]) -> Self:
        """Return the same numbers, kept in a trie."""
        trie = marisa_trie.Trie(numbers)
        values = np.empty(len(numbers), dtype=np.int32)
        for text, number in numbers.items():
            values[trie[text]] = number
        return cls(trie, values)

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def largest(self) -> int:
        """The largest number; 0 if there is none."""
        return int(self._numbers.max(initial=0))

    def __getitem__(self, text: str) -> int:
        number = self.get(text)
        if number is None:
            raise KeyError(text)
        return number

    @overload
    def get(self, text: str, default: None = None, /) -> int | None: ...

    @overload
    def get(self, text: str, default: int | _Default, /) -> int | _Default: ...

    def get(self, text: str, default: object = None, /) -> object:
        """Return the number of a string, or `default`."""
        try:
            place = self._trie.get(text)
        except UnicodeEncodeError:  # half of a surrogate pair: no stored string holds one
            place = None
        return default if place is None else self._number[place]

    def found(self, texts: Iterable[str]) -> list[int]:
        """Return the numbers of those of `texts` that have one, in their order."""
        number = self._number
        held = list(texts)
        try:
            return [number[place] for place in map(self._trie.get, held) if place is not None]
        except UnicodeEncodeError:
            return [self[text] for text in held if text in self]

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and self.get(text) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the strings by ascending number."""
        return map(self._trie.restore_key, np.argsort(self._numbers, kind="stable").tolist())

    def save(self, stem: Path) -> None:
        """Write `stem`.trie and `stem`.numbers.npy."""
        self._trie.save(str(stem.with_name(f"{stem.name}.trie")))
        np.save(stem.with_name(f"{stem.name}.numbers.npy"), self._numbers)

    @classmethod
    def load(cls, stem: Path) -> Self:
        """Map what `save` wrote.

        Raises:
            OSError, ValueError: a file is missing or damaged.

        """
        numbers = load_mmap(stem.with_name(f"{stem.name}.numbers.npy"))
        path = stem.with_name(f"{stem.name}.trie")
        trie = marisa_trie.Trie()
        path.stat()  # the library does not tell a missing file from a damaged one
        try:
            trie.mmap(str(path))
        except RuntimeError as error:  # the library's only one
            raise ValueError(f"{path} cannot be read: {error}") from error
        return cls(trie, np.asarray(numbers))
