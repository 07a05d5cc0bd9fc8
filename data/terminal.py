"""Where commands print to: as wide as the terminal, and in a pipe as wide as what is said."""

import sys
from typing import Any, TextIO

from rich import table
from rich.console import Console

UNLIMITED = 10_000  # columns: a program that reads a pipe breaks lines itself


def console(*, stderr: bool = False) -> Console:
    """Return the console on standard output or standard error; only a terminal's width breaks lines."""
    stream: TextIO = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else UNLIMITED)


class Table(table.Table):
    """A table that breaks what is too wide for its column, and never cuts it off; `no_wrap` columns stay in one piece."""

    def add_column(self, header: Any = "", **options: Any) -> None:  # type: ignore[override]
        """Add a column, as the table of rich does."""
        super().add_column(header, **({"overflow": "fold"} | options))
