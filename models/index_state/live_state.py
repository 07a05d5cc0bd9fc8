"""The newest state of an index that is searched, written and merged at the same time."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


class State(Protocol):
    """An immutable state: a large base, recent writes and tombstones; a write or merge makes another one."""

    def is_merge_due(self) -> bool:
        """Tell whether recent writes and tombstones have passed their share of the base."""

    def carried_over(self, rebuilt: Self, touched: list[Rows], since: Self) -> Self:
        """Return this state over the base of `rebuilt`, which an earlier state `since` gave.

        `touched` are the rows written between the two: what `rebuilt` holds of them is outdated.
        """


S = TypeVar("S", bound=State)


class LiveState(Generic[S]):
    """One immutable state behind one reference: `now`.

    A search reads `now` once and goes on with it whatever happens, so it never waits and never sees a part of a write.
    Writers are serialised and swap in the next state. Where a merge is due a background thread builds a new base from
    the state it finds; rows written meanwhile are carried over.
    """

    def __init__(self, state: S, rebuilt: Callable[[S], S], thread_name: str) -> None:
        """Hold `state`; `rebuilt` returns the content of a state as one new base, which may take minutes."""
        self.now = state
        self._rebuilt = rebuilt
        self._thread_name = thread_name
        self._write_lock = threading.Lock()
        self._merge_lock = threading.Lock()
        self._merger: threading.Thread | None = None
        self._merge_error: Exception | None = None
        self._touched: list[Rows] | None = None  # rows written since the running merge took its state

    def write(self, rows: Rows, change: Callable[[S], S], settle: Callable[[S], S] | None = None) -> None:
        """Swap in `change` of the present state, which writes `rows` (m,) and nothing else; start a merge that is due.

        `settle`, if given, is applied to the changed state unless a merge is running; it may rebuild the base.

        Raises the error of a merge that failed since the last call.
        """
        self._raise_merge_error()
        with self._write_lock:
            state = change(self.now)
            if self._touched is not None:
                self._touched.append(rows)
            elif settle is not None:
                state = settle(state)
            self.now = state
            if state.is_merge_due() and (self._merger is None or not self._merger.is_alive()):
                self._merger = threading.Thread(target=self._merge_while_due, name=self._thread_name, daemon=True)
                self._merger.start()

    def merge(self) -> None:
        """Build a new base now, in this thread; searches and writes go on meanwhile."""
        with self._merge_lock:
            with self._write_lock:
                started = self.now
                self._touched = []
            try:
                rebuilt = self._rebuilt(started)
                with self._write_lock:
                    self.now = self.now.carried_over(rebuilt, self._touched, started)
                    self._touched = None
            finally:
                self._touched = None

    def wait(self) -> None:
        """Return when no background merge is running.

        Raises the error of a merge that failed.
        """
        while (merger := self._merger) is not None and merger.is_alive():
            merger.join()
        self._raise_merge_error()

    def _merge_while_due(self) -> None:
        """Merge until little is left over; an error is kept for the next writer, since a thread has no caller."""
        try:
            while self.now.is_merge_due():
                self.merge()
        except Exception as error:
            self._merge_error = error

    def _raise_merge_error(self) -> None:
        """Raise, once, what stopped the last background merge; the state itself still holds everything."""
        error, self._merge_error = self._merge_error, None
        if error is not None:
            raise error
