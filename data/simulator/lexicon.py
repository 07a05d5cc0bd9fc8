"""The authored lexicon the texts are composed from: industries, technologies, places, names and sentence patterns."""

import csv
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from data.errors import GongxuError

COLUMNS = (
    "group",
    "term",
    "synonym",
    "want",
    "pain",
    "materials",
    "processes",
    "products",
    "indicators",
    "ipc",
)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A technical figure: the researcher's name, the firm's, its unit, its usual range, and whether more is better."""

    name: str
    alias: str
    unit: str
    low: float
    high: float
    more_is_better: bool


@dataclass(frozen=True, slots=True)
class Technology:
    """One idea in two wordings: `term`/`synonym` are the researcher's, `wants`/`pains` the firm's."""

    industry: int
    group: str
    code: str
    term: str
    synonym: str
    wants: tuple[str, ...]
    pains: tuple[str, ...]
    materials: tuple[str, ...]
    processes: tuple[str, ...]
    products: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    ipc: str


@dataclass(frozen=True, slots=True)
class Industry:
    """An industry: its technical field, where its technology is used, and words firms and institutes are named by."""

    key: str
    name: str
    field: str
    scenes: tuple[str, ...]
    firm_words: tuple[str, ...]
    institute_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A city after GB/T 2260: six-digit code, name, and its share of holders and firms (relative)."""

    code: str
    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything authored. `phrases` and `names` are lists of sentence patterns and name parts by use."""

    industries: tuple[Industry, ...]
    technologies: tuple[Technology, ...]
    places: tuple[Place, ...]
    phrases: dict[str, tuple[str, ...]]
    names: dict[str, tuple[str, ...]]


INDICATORS_EACH = 3
"""Every technology has this many indicators; the shared ones fill up."""


def _indicator(text: str, where: str) -> Indicator:
    """Read `name~alias:unit:low:high:+`; `-` says that less is better."""
    try:
        label, unit, low, high, better = text.split(":")
        name, _, alias = label.partition("~")
        result = Indicator(name, alias or name, unit, float(low), float(high), {"+": True, "-": False}[better])
    except (ValueError, KeyError) as error:
        raise GongxuError(f"{where}: indicator {text!r} must read name~alias:unit:low:high:+ or :-") from error
    if not result.low < result.high:
        raise GongxuError(f"{where}: indicator {text!r} has a lower end that is not below its upper end")
    return result


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


def _technologies(
    folder: Traversable, industry: int, key: str, codes: dict[str, str], shared: tuple[Indicator, ...]
) -> list[Technology]:
    """Read one industry's table."""
    name = f"technologies/{key}.csv"
    rows = csv.reader((folder / "technologies" / f"{key}.csv").read_text(encoding="utf-8").splitlines())
    header = tuple(next(rows))
    if header != COLUMNS:
        raise GongxuError(f"{name}: header is {header}, expected {COLUMNS}")
    found: list[Technology] = []
    for line, row in enumerate(rows, start=2):
        where = f"{name} line {line}"
        if len(row) != len(COLUMNS) or not all(row):
            raise GongxuError(f"{where}: {len(row)} columns, expected {len(COLUMNS)}, none empty")
        cell = dict(zip(COLUMNS, row, strict=True))
        if cell["group"] not in codes:
            raise GongxuError(f"{where}: group {cell['group']!r} has no industry code in industries.json")
        own = [_indicator(text, where) for text in _parts(cell["indicators"])]
        fill = [shared[(industry + line + step) % len(shared)] for step in range(INDICATORS_EACH)]
        found.append(
            Technology(
                industry=industry,
                group=cell["group"],
                code=codes[cell["group"]],
                term=cell["term"],
                synonym=cell["synonym"],
                wants=_parts(cell["want"]),
                pains=_parts(cell["pain"]),
                materials=_parts(cell["materials"]),
                processes=_parts(cell["processes"]),
                products=_parts(cell["products"]),
                indicators=tuple([*own, *fill][:INDICATORS_EACH]),
                ipc=cell["ipc"],
            )
        )
    return found


def _json(folder: Traversable, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


@cache
def load_lexicon() -> Lexicon:
    """Return the authored lexicon that ships with the package.

    Raises:
        GongxuError: a table is malformed; file and line are named.

    """
    folder = resources.files("data.simulator") / "lexicon"
    shared = tuple(_indicator(text, "indicators.json") for text in _json(folder, "indicators.json"))
    industries: list[Industry] = []
    technologies: list[Technology] = []
    for entry in _json(folder, "industries.json"):
        technologies += _technologies(folder, len(industries), entry["key"], entry["groups"], shared)
        industries.append(
            Industry(
                key=entry["key"],
                name=entry["name"],
                field=entry["field"],
                scenes=tuple(entry["scenes"]),
                firm_words=tuple(entry["firms"]),
                institute_words=tuple(entry["institutes"]),
            )
        )
    return Lexicon(
        industries=tuple(industries),
        technologies=tuple(technologies),
        places=tuple(Place(code, name, float(weight)) for code, name, weight in _json(folder, "places.json")),
        phrases={use: tuple(patterns) for use, patterns in _json(folder, "phrases.json").items()},
        names={use: tuple(parts) for use, parts in _json(folder, "names.json").items()},
    )
