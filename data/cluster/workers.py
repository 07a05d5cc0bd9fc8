"""Partition functions: a build's work on single records, cut into partitions that this process or a cluster works through.

A partition function is a function of a module, `function(shared, part)`: `shared` is the same for all partitions, `part` is
one of them. It reads nothing else and writes nothing, and what it says of a record depends on that record and on `shared`
alone: so any number of partitions gives the same bytes, wherever they run.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

PARTITION = 512
"""Records of one partition: some seconds of work, and a few megabytes to send and to hold."""

Shared = TypeVar("Shared")
Part = TypeVar("Part")
Result = TypeVar("Result")

Report = Callable[[int, int], None]
"""Called with the partitions done and all partitions of a step."""


def _no_report(done: int, total: int) -> None:
    """Report nothing."""


class Cut(Sequence[Part]):
    """Partitions of large columns, each made only when it is handed out: `take` makes one of its rows."""

    def __init__(self, take: Callable[[Sequence[int]], Part], rows: Sequence[Sequence[int]]) -> None:
        self._take = take
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Part: ...

    @overload
    def __getitem__(self, at: slice) -> "Cut[Part]": ...

    def __getitem__(self, at: int | slice) -> "Part | Cut[Part]":
        """Return a partition, or some of them."""
        return Cut(self._take, self._rows[at]) if isinstance(at, slice) else self._take(self._rows[at])


class Workers:
    """This process as the only worker: partitions are worked through one after the other."""

    def __init__(self, report: Report = _no_report, size: int = PARTITION) -> None:
        """Take what progress is reported to, and the records of a partition (>= 1)."""
        self._report = report
        self._size = size

    def parts(self, items: Sequence[Part]) -> list[Sequence[Part]]:
        """Return items in partitions, in their order; none of no items."""
        return [items[start : start + self._size] for start in range(0, len(items), self._size)]

    def map(
        self, function: Callable[[Shared, Part], Result], parts: Sequence[Part], shared: Shared
    ) -> Iterator[Result]:
        """Yield the function's results in the order of the partitions, each as soon as it and those before it are there.

        Raises:
            ClusterError: a partition could not be worked through; the work on the others is given up.

        """
        for done, result in enumerate(self._results(function, parts, shared), start=1):
            yield result
            self._report(done, len(parts))

    def _results(
        self, function: Callable[[Shared, Part], Result], parts: Sequence[Part], shared: Shared
    ) -> Iterator[Result]:
        for part in parts:
            yield function(shared, part)


THIS_PROCESS = Workers()
