"""Charts as SVG inside the page: drawn by pygal on the server, coloured by our own stylesheet, so that they follow its theme.

Nothing of pygal's scripts and styles goes along: the page's policy allows neither. The numbers are in a table beside.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor, log10
from typing import Any
from xml.etree import ElementTree

import pygal
from markupsafe import Markup

# pygal hooks a finder for its plugins into the import system, of a kind that Python warns about; none is used here.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

Series = Mapping[str, Sequence[float | None]]
Format = Callable[[float | None], str]
_HEIGHT = 210
_WIDTH = 680
MAX_LABELS = 7
MAX_TICKS = 4


def line(labels: Sequence[str], series: Series, name: str, shown: Format, *, wide: bool = False) -> Markup:
    """Return a line chart: one line for each of `series`, over `labels`; `name` is read to who cannot see it."""
    return _draw(pygal.Line, labels, series, name, shown, dots_size=2.6, **({"width": 2 * _WIDTH} if wide else {}))


def bars(labels: Sequence[str], series: Series, name: str, shown: Format) -> Markup:
    """Return a chart of upright bars."""
    return _draw(pygal.Bar, labels, series, name, shown)


def scatter(series: Mapping[str, Sequence[tuple[float, float]]], name: str, shown: Format) -> Markup:
    """Return points joined in their order, both axes from 0 to 1: for calibration curves."""

    def point(value: Any) -> str:
        return " → ".join(shown(part) for part in value) if isinstance(value, list | tuple) else shown(value)

    chart = pygal.XY(**_settings(point), x_value_formatter=shown, dots_size=3.5, range=(0, 1), xrange=(0, 1))
    for label, points in series.items():
        chart.add(label, list(points))
    return _clean(chart, name, list(series))


def _draw(kind: Any, labels: Sequence[str], series: Series, name: str, shown: Format, **options: Any) -> Markup:
    step = -(-len(labels) // MAX_LABELS)
    chart = kind(
        **(_settings(shown) | options),
        show_minor_x_labels=False,
        x_labels=list(labels),
        x_labels_major=[label for place, label in enumerate(labels) if place % step == 0] if labels else [],
        y_labels=(ticks := _ticks(series)),
        range=(0, ticks[-1]),
    )
    for label, values in series.items():
        chart.add(label, list(values))
    return _clean(chart, name, list(series))


def _settings(shown: Format) -> dict[str, Any]:
    return {
        "js": (),
        "css": (),
        "width": _WIDTH,
        "height": _HEIGHT,
        "show_legend": False,
        "truncate_label": -1,
        "formatter": shown,
        "max_scale": 6,
        "margin": 10,
        "no_data_text": "暂无数据",
    }


def _ticks(series: Series) -> list[float]:
    """Return the labels of the axis from 0 to beyond the greatest value, in steps of 1, 2 or 5; whole for whole values."""
    known = [value for values in series.values() for value in values if value is not None]
    top = max(known, default=0) or 1  # never 0, or nothing could be drawn
    whole = all(float(value).is_integer() for value in known)
    size = 10.0 ** floor(log10(top / MAX_TICKS))
    step = next(size * part for part in (1, 2, 5, 10) if size * part * MAX_TICKS >= top)
    step = max(step, 1.0) if whole else step
    return [round(place * step, 10) for place in range(ceil(top / step) + 1)]


def _clean(chart: Any, name: str, series: list[str]) -> Markup:
    """Return a chart's SVG without styles, scripts and ids, each point with what it says on hover, and its legend."""
    tree = chart.render_tree()
    tree.attrib.pop("id", None)
    tree.set("role", "img")
    tree.set("aria-label", name)
    for parent in list(tree.iter()):
        for child in list(parent):
            kind = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else "comment"
            if kind in ("defs", "comment", "title") or "tooltip-overlay" in child.get("class", ""):
                parent.remove(child)
        words = [child for child in parent if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == "desc"]
        if words:
            label_texts = {(child.get("class") or "").split()[0]: child.text or "" for child in words}
            for child in words:
                parent.remove(child)
            title = ElementTree.SubElement(parent, "title")
            title.text = " · ".join(filter(None, (label_texts.get("x_label", ""), label_texts.get("value", ""))))
    text = ElementTree.tostring(tree, encoding="unicode").replace("ns0:", "").replace(":ns0", "")
    swatch = Markup(
        '<svg viewBox="0 0 10 10" aria-hidden="true"><rect class="color-{}" width="10" height="10" rx="2"/></svg>'
    )
    legend = Markup("").join(
        Markup("<li>{}{}</li>").format(swatch.format(place), label) for place, label in enumerate(series)
    )
    drawing = Markup(text)  # noqa: S704  made by pygal, which escapes labels
    return Markup('<figure class="chart">{}<ul class="chart-legend">{}</ul></figure>').format(drawing, legend)
