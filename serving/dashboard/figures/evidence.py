"""Evidence to look at: marks in both texts, contributions as bars, paths through the graph as a drawing."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from knowledge_graph.reading.paths import Path
from matcher.recommendation import Match

TERM, NEAR, GRAPH = "term", "near", "graph"
_PARTNERS = re.compile(r"^(.+)≈(.+)（[\d.]+）$")
WIDTH, ROW = 880, 64
BOX = 190
_CENTRES = {1: (440,), 2: (330, 550)}


@dataclass(frozen=True)
class Marks:
    """What to mark in a text: (words, how), of the demand and of the achievement."""

    demand: tuple[tuple[str, str], ...]
    achievement: tuple[tuple[str, str], ...]


def marks_of(match: Match, paths: Iterable[Path] = ()) -> Marks:
    """Return what the reasons of a match and paths between its records quote from either text."""
    demand: list[tuple[str, str]] = []
    achievement: list[tuple[str, str]] = []
    for reason in match.reasons:
        shared, partners = reason.evidence.get("shared_terms", []), reason.evidence.get("partners", [])
        if isinstance(shared, list):
            demand += [(term, TERM) for term in shared]
            achievement += [(term, TERM) for term in shared]
        if isinstance(partners, list):
            for partner in partners:
                if found := _PARTNERS.match(partner):
                    demand.append((found[1], NEAR))
                    achievement.append((found[2], NEAR))
    for path in paths:
        for node in path.nodes[1:-1]:
            demand.append((node.label, GRAPH))
            achievement.append((node.label, GRAPH))
    return Marks(tuple(demand), tuple(achievement))


def highlighted(text: str, marks: Sequence[tuple[str, str]]) -> Markup:
    """Return a text as HTML, escaped, with the words of `marks` in <mark> elements; the longer of two words wins."""
    how: dict[str, str] = {}
    for word, kind in marks:
        if word.strip():
            how.setdefault(word.lower(), kind)
    if not how:
        return Markup(escape(text))  # noqa: S704  escaped
    pattern = re.compile("|".join(re.escape(word) for word in sorted(how, key=len, reverse=True)), re.IGNORECASE)
    parts: list[Markup] = []
    place = 0
    for found in pattern.finditer(text):
        parts.append(escape(text[place : found.start()]))
        kind = how.get(found[0].lower(), TERM)
        parts.append(Markup('<mark class="{}">{}</mark>').format(kind, found[0]))
        place = found.end()
    parts.append(escape(text[place:]))
    return Markup("").join(parts)


@dataclass(frozen=True)
class Box:
    """A node of the drawing: its middle, its size, its text in full and as it fits."""

    x: float
    y: float
    width: float
    text: str
    full: str
    kind: str
    role: str


@dataclass(frozen=True)
class Line:
    """An edge of the drawing, with its name and what speaks for it."""

    x1: float
    y1: float
    x2: float
    y2: float
    name: str
    evidence: str


@dataclass(frozen=True)
class Drawing:
    """Boxes and lines on a canvas of `WIDTH` by `height`."""

    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def draw(paths: Sequence[Path]) -> Drawing | None:
    """Return paths as a picture: the demand left, the achievement right, one row for each path; None for no path."""
    if not paths:
        return None
    height = max(ROW * len(paths), 96)
    middle = height / 2
    first, last = paths[0].nodes[0], paths[0].nodes[-1]
    boxes = [
        Box(BOX / 2, middle, BOX, _fit(first.label, BOX), first.label, "demand", "需求"),
        Box(WIDTH - BOX / 2, middle, BOX, _fit(last.label, BOX), last.label, "achievement", "成果"),
    ]
    lines: list[Line] = []
    for row, path in enumerate(paths):
        y = height * (row + 0.5) / len(paths)
        inner = path.nodes[1:-1]
        spots: list[tuple[float, float]] = [(BOX, middle)]
        for node, x in zip(inner, _CENTRES[len(inner)], strict=True):
            width = min(150.0, 14.0 * len(node.label) + 30)
            boxes.append(Box(x, y, width, _fit(node.label, width), node.label, node.kind.value, node.role))
            lines.append(_line(path, len(spots) - 1, spots[-1], (x - width / 2, y)))
            spots.append((x + width / 2, y))
        lines.append(_line(path, len(spots) - 1, spots[-1], (WIDTH - BOX, middle)))
    return Drawing(height, tuple(boxes), tuple(lines))


def _line(path: Path, number: int, start: tuple[float, float], end: tuple[float, float]) -> Line:
    link = path.links[number]
    return Line(*start, *end, link.name, link.evidence)


def _fit(text: str, width: float) -> str:
    most = max(3, int((width - 24) / 13))
    return text if len(text) <= most else text[: most - 1] + "…"
