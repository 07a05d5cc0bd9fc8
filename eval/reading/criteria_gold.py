"""Marked criteria and the policy cards that they quote, in the forms of `kinds/policies`."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import InputError
from knowledge_graph.criteria.types import KINDS, Kind, Test, read_test
from matcher.eligibility.proposals import identity_of, region_of, source_of

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Card:
    """A policy's text: `source` is the field that states the conditions, `region` the code that 本市 means (0: unknown)."""

    policy_id: str
    name: str
    source: str
    text: str
    region: int
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """A criterion marked by hand; `places` are all [start, end) of its quote in `source`, none if it is not there."""

    policy_id: str
    number: int
    kind: Kind
    test: Test
    quote: str
    source: str
    places: tuple[Span, ...]


def _rows(path: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    if not path.is_file():
        raise InputError(f"no file at {path}")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{where}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise InputError(f"{where}: {row!r} is no object")
        yield where, row


def _identity(row: dict[str, Any], where: str) -> str:
    try:
        return identity_of(row)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def load_cards(path: Path) -> dict[str, Card]:
    """Return the cards of a JSON-lines file by id.

    Raises:
        InputError: the file is missing or a line is no card; file and line are named.

    """
    cards = {}
    for where, row in _rows(path):
        identity = _identity(row, where)
        source = source_of(row)
        cards[identity] = Card(
            identity, str(row.get("name") or ""), source, str(row.get(source) or ""), region_of(row), row
        )
    if not cards:
        raise InputError(f"{path} holds no card")
    return cards


def _places(text: str, quote: str) -> tuple[Span, ...]:
    places = []
    at = text.find(quote)
    while at >= 0 and quote:
        places.append((at, at + len(quote)))
        at = text.find(quote, at + 1)
    return tuple(places)


def load_marks(path: Path, cards: dict[str, Card]) -> list[Mark]:
    """Return the criteria of a marked file.

    Raises:
        InputError: the file is missing, a line is no criterion, or its policy is in no card; file and line are named.

    """
    marks = []
    for where, row in _rows(path):
        identity = _identity(row, where)
        card = cards.get(identity)
        if card is None:
            raise InputError(
                f"{where}: policy {identity} is not among the {len(cards)} cards; give its file with --cards"
            )
        kind, quote = row.get("kind"), row.get("quote")
        if kind not in KINDS or not isinstance(quote, str) or not quote:
            raise InputError(
                f"{where}: kind is {kind!r}, quote {quote!r}; kind must be hard or judgement, quote a text"
            )
        try:
            test = read_test(row.get("test"))
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{where}: no test: {error}") from error
        source = str(row.get("quote_from") or card.source)
        places = _places(str(card.row.get(source) or ""), quote)
        marks.append(Mark(identity, int(row.get("criterion") or 0), kind, test, quote, source, places))
    if not marks:
        raise InputError(f"{path} holds no criterion")
    return marks


def load_all(gold: Sequence[Path], cards: Sequence[Path]) -> tuple[dict[str, Card], list[Mark]]:
    """Return the cards of all files by id, and the marks of all marked files.

    Raises:
        InputError: as `load_cards` and `load_marks`, or the same id is in two files of cards.

    """
    known: dict[str, Card] = {}
    for path in cards:
        for identity, card in load_cards(path).items():
            if identity in known:
                raise InputError(f"{path}: policy {identity} is in another file of cards already")
            known[identity] = card
    return known, [mark for path in gold for mark in load_marks(path, known)]
