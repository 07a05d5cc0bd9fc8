"""Charts of a page: what they show as JSON in the page, drawn by ECharts in the browser, in the colours of its theme.

The page's policy allows no code and no style inside it, so a chart is data alone. Its numbers are in a table beside.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from data.taxonomy.places import Place

Series = Mapping[str, Sequence[float | None]]


def line(labels: Sequence[str], series: Series, name: str, *, percent: bool = False) -> Markup:
    """Return a line chart: one line for each of `series`, over `labels`; `name` is read to who cannot see it."""
    return _figure("line", name, labels=list(labels), series=_series(series), percent=percent)


def calibration(points: Sequence[Mapping[str, float]], name: str) -> Markup:
    """Return a square with what was predicted and what came, and below it how many pairs each prediction had.

    A point has `predicted` and `observed` with `low` and `high`, all in [0, 1], and `pairs`.
    """
    return _figure("calibration", name, points=[dict(point) for point in points])


def dots(rows: Sequence[Mapping[str, Any]], name: str, *, percent: bool = False) -> Markup:
    """Return a row for each name with its value as a dot and its interval as a line: name, value, low, high, note."""
    return _figure("dots", name, rows=[dict(row) for row in rows], percent=percent)


def bars(rows: Sequence[Mapping[str, Any]], name: str, unit: str) -> Markup:
    """Return sorted bars that lie on their side: name, value, note; `unit` is said beside each value."""
    return _figure("bars", name, rows=[dict(row) for row in rows], unit=unit)


def curve(points: Sequence[Mapping[str, float]], name: str, across: str, along: str) -> Markup:
    """Return a line with its interval over numbers: x, value, low, high."""
    return _figure("curve", name, points=[dict(point) for point in points], across=across, along=along)


def places(
    people: Sequence[tuple[str, Place]], wanted: Mapping[Place, int], lines: Sequence[tuple[Place, Place]], name: str
) -> Markup:
    """Return a map: people where they work from, demands by city, and a line for each that is on its way."""
    return _figure(
        "places",
        name,
        people=[[label, *place] for label, place in people],
        wanted=[[*place, number] for place, number in sorted(wanted.items())],
        lines=[[*one, *other] for one, other in lines],
    )


def _series(series: Series) -> list[dict[str, Any]]:
    return [{"name": name, "values": list(values)} for name, values in series.items()]


def _figure(kind: str, name: str, **spec: Any) -> Markup:
    """Return the figure that the script fills; JSON in an attribute is escaped as any text."""
    text = json.dumps({"kind": kind, **spec}, ensure_ascii=False, separators=(",", ":"))
    return Markup('<figure class="chart {}" role="img" aria-label="{}" data-chart="{}"></figure>').format(
        kind, name, text
    )
