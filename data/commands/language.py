"""Help in the reader's language: English as it is in the code, Chinese from a catalogue where the locale asks for it."""

import os
import tomllib
from functools import lru_cache
from pathlib import Path
from textwrap import wrap
from typing import Any
from unicodedata import east_asian_width

import typer

from data.errors import GongxuError

CATALOGUE = Path(__file__).with_name("help.zh.toml")
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def reads_chinese() -> bool:
    """Tell whether the first set variable of the locale names Chinese."""
    return next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), "").startswith("zh")


def error_line(error: GongxuError) -> str:
    """Return the one line that reports an error, in the reader's language where it has a text in it."""
    if reads_chinese() and error.chinese:
        return f"错误：{error.chinese}"
    return f"error: {error}"


def in_readers_language(text: str) -> str:
    """Return a help text in the reader's language, paragraph by paragraph; examples stay as they are."""
    if not reads_chinese():
        return text
    known = _catalogue()
    return "\n\n".join(known.get(" ".join(part.split()), part) for part in text.split("\n\n"))


def localised(command: Any) -> Any:
    """Return a command whose help, and that of all below it, is in the reader's language and as wide as its terminal."""
    command.context_class = HelpContext
    if command.help and not command.short_help:
        command.short_help = " ".join(command.help.split("\n\n")[0].split())
    for below in getattr(command, "commands", {}).values():
        localised(below)
    if not reads_chinese():
        return command
    for attribute in ("help", "short_help", "epilog"):
        text = getattr(command, attribute, None)
        if text:
            setattr(command, attribute, in_readers_language(text))
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = in_readers_language(parameter.help)
    return command


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for each full-width character."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


_Formatter: Any = typer.Context.formatter_class  # of the click that Typer holds


class HelpFormatter(_Formatter):  # type: ignore[misc]
    """Writes Chinese headings where the reader wants them, and breaks lines by columns, not by characters."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line."""
        super().write_usage(prog, args, prefix if prefix is not None else f"{in_readers_language('Usage')}: ")

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        super().write_heading(in_readers_language(heading))

    def write_text(self, text: str) -> None:
        """Write paragraphs; Chinese ones have no spaces to break at, and commands of examples stay in one piece."""
        indent = " " * self.current_indent
        for place, part in enumerate(text.split("\n\n")):
            given = [line.strip() for line in part.splitlines()]
            if any(line.startswith(("gongxu ", "Example")) for line in given):
                heading, _, command = given[0].partition(": ")
                given = [f"{heading}:", command, *given[1:]] if command and heading.startswith("Example") else given
                lines = [
                    in_readers_language("Examples:") if line.startswith("Example") else f"  {line}"
                    for line in given
                    if line
                ]
            else:
                lines = self._broken(part, len(indent))
            apart = place and not lines[0].startswith("  ")
            self.write("\n" * bool(apart) + "".join(f"{indent}{line}\n" for line in lines))

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names and what they mean in two columns."""
        first = min(max((columns(name) for name, _ in rows), default=0), col_max) + col_spacing
        for name, meaning in rows:
            lines = self._broken(_in_readers_words(meaning), first + 2) if meaning else [""]
            fits = columns(name) <= first - col_spacing
            self.write(f"{'':{self.current_indent}}{name}{' ' * (first - columns(name)) if fits else ''}")
            self.write("" if fits else f"\n{'':{self.current_indent + first}}")
            self.write(f"\n{'':{self.current_indent + first}}".join(lines).rstrip() + "\n")

    def _broken(self, text: str, taken: int) -> list[str]:
        width = max(self.width - taken, 20)
        if text.isascii():
            return wrap(" ".join(text.split()), width) or [""]
        lines, line = [], ""
        for piece in _pieces(" ".join(text.split())):
            if line and columns(line + piece.rstrip()) > width and piece not in "，。；：、）”":
                lines.append(line.rstrip())
                line = ""
            line += piece if line else piece.lstrip()
        return [*lines, line.rstrip()]


class HelpContext(typer.Context):
    """The context of every command: its help is written by the formatter above."""

    formatter_class = HelpFormatter


def _pieces(text: str) -> list[str]:
    """Return the smallest parts that stay on one line: full-width characters, and words with the space behind them."""
    pieces, word = [], ""
    for character in text:
        if east_asian_width(character) in "WF":
            pieces += [word, character] if word else [character]
            word = ""
        else:
            word += character
            if character == " ":
                pieces.append(word)
                word = ""
    return [*pieces, word] if word else pieces


def _in_readers_words(meaning: str) -> str:
    """Return an option's help with the words that Typer itself adds in the reader's language."""
    if not reads_chinese():
        return meaning
    meaning = meaning.replace("Show this message and exit.", in_readers_language("Show this message and exit."))
    return meaning.replace("[default: ", "[默认：").replace("[required]", "[必填]").replace("; required]", "；必填]")


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, str]:
    tables = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {english: chinese for table in tables.values() for english, chinese in table.items()}
