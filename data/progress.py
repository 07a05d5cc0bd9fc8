"""Progress of long commands: one line per step on stderr, with its time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status


class Steps:
    """To be called with each step's key: shows a spinner with the step's name, and the time it took once it is over."""

    def __init__(self, names: Mapping[str, str], console: "Console", status: "Status") -> None:
        self._names, self._console, self._status = names, console, status
        self._name, self._started = "", 0.0

    def __call__(self, key: str) -> None:
        """Begin a step; a key without a name is shown as it is."""
        self.finish()
        self._name, self._started = self._names.get(key, key), monotonic()
        self._status.update(f"{self._name} …")

    def part(self, done: int, total: int) -> None:
        """Show how many parts of the present step are done."""
        self._status.update(f"{self._name} … {done}/{total}")

    def finish(self) -> None:
        """End the present step, if there is one."""
        if self._name:
            took = f"{monotonic() - self._started:.1f} 秒"
            self._console.print(f"  [green]✓[/] {self._name} [dim]{took}[/]", highlight=False)
            self._name = ""


@contextmanager
def steps(names: Mapping[str, str]) -> Iterator[Steps]:
    """Yield the steps of a command, whose keys `names` gives names to."""
    from data.terminal import console as terminal

    console = terminal(stderr=True)
    with console.status("") as status:
        shown = Steps(names, console, status)
        yield shown
        shown.finish()
