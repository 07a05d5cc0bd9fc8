"""Progress of long commands: one line per step on stderr, with its time."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic


@contextmanager
def steps(names: Mapping[str, str]) -> Iterator[Callable[[str], None]]:
    """Yield a function to call with each step's key; it shows a spinner with the step's name and the time it took.

    A key that `names` does not hold is shown as it is.
    """
    from data.terminal import console as terminal

    console = terminal(stderr=True)
    current: list[tuple[str, float]] = []

    def finish() -> None:
        if current:
            name, started = current.pop()
            console.print(f"  [green]✓[/] {name} [dim]{monotonic() - started:.1f} 秒[/]", highlight=False)

    with console.status("") as status:

        def step(key: str) -> None:
            finish()
            current.append((names.get(key, key), monotonic()))
            status.update(f"{current[0][0]} …")

        yield step
        finish()
