"""A group of commands from a table of words: each is imported when it is called, so none pays for another's libraries."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from data.commands.language import in_readers_language, localised

HELP = {"help_option_names": ["-h", "--help"]}


@dataclass(frozen=True)
class Command:
    """Where a command is: `module:attribute` of a function or a Typer app, empty for a group that the table makes.

    `group` is the part of the overview that it heads a line of, `row` the command whose line it shares.
    """

    target: str
    line: str
    group: str = ""
    row: str = ""
    hidden: bool = False


class LazyGroup(TyperGroup):
    """The commands of a table that begin with the words of `prefix`."""

    def __init__(self, *, table: Mapping[str, Command], prefix: str = "", **attributes: Any) -> None:
        """Know the names and lines of the commands; import none."""
        super().__init__(**attributes)
        self._table, self._prefix = table, prefix
        self.commands = {
            key.removeprefix(prefix): TyperCommand(
                name=key.removeprefix(prefix),
                help=in_readers_language(entry.line),
                hidden=entry.hidden,
                rich_markup_mode=None,
            )
            for key, entry in table.items()
            if key.startswith(prefix) and " " not in key.removeprefix(prefix)
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return (name, command, rest of the arguments) of the command that is called."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load(self._table, self._prefix + name), rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the commands in the order and groups of the table, those of a row in one line; else as any group's."""
        if self._prefix:
            super().format_help(ctx, formatter)
            return
        formatter.write_usage(ctx.command_path, "[OPTIONS] COMMAND [ARGS]...")
        formatter.write_text(in_readers_language(self.help or ""))
        formatter.write("\n")
        shown = ""
        for key, entry in self._table.items():
            if not entry.group:
                continue
            heading = in_readers_language(entry.group) if entry.group != shown else ""
            shown = entry.group
            names = ", ".join([key, *(name for name, other in self._table.items() if other.row == key)])
            formatter.write(f"  {_padded(heading, 7)}{names:<18}{in_readers_language(entry.line)}\n")
        formatter.write("\n")
        formatter.write_text(
            in_readers_language("Options: --version; -h or --help, of commands too; --install-completion.")
        )


def load(table: Mapping[str, Command], key: str) -> Any:
    """Import a command of the table, with those that the table adds below it, in the reader's language."""
    entry = table[key]
    below = [other for other in table if other.startswith(f"{key} ")]
    if not entry.target:
        made = LazyGroup(
            table=table,
            prefix=f"{key} ",
            name=key,
            help=entry.line,
            no_args_is_help=True,
            rich_markup_mode=None,
        )
        return localised(made)
    module, _, attribute = entry.target.partition(":")
    target = getattr(import_module(module), attribute)
    if isinstance(target, typer.Typer):
        group = typer.main.get_group(target)
        group.commands = {other.removeprefix(f"{key} "): load(table, other) for other in below} | dict(group.commands)
        return localised(group)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(key.rpartition(" ")[2])(target)
    return localised(typer.main.get_command(app))


def _padded(text: str, width: int) -> str:
    from data.commands.language import columns

    return text + " " * (width - columns(text))
