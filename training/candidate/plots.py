"""Plots of a training run: calibration, figures by slice, feature importances."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.online.analysis import CurvePoint, slice_label
from eval.online.versions import Figure

SHOWN = 25
CHINESE = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "SimHei",
    "PingFang SC",
)


def chinese_font() -> str:
    """Return a font of this machine that has Chinese, "" if it has none of the usual ones: names are ASCII then."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return next((name for name in CHINESE if name in installed), "")


def plot_reliability(path: Path, curve: Sequence[tuple[float, float, float]]) -> None:
    """Draw probability said against share of good outcomes seen, a point per bin, as PNG."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(5, 5), layout="constrained")
    axes = canvas.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.plot([predicted for predicted, _, _ in curve], [seen for _, seen, _ in curve], marker="o")
    axes.set(xlabel="probability said", ylabel="good outcomes seen", title="Reliability on held-out demands")
    canvas.savefig(path, dpi=100)


def plot_slices(path: Path, overall: Figure | None, slices: Mapping[str, Mapping[str, Figure]], metric: str) -> None:
    """Draw one metric with its interval for each slice, as PNG."""
    from matplotlib.figure import Figure as Canvas

    rows = {name: figures[metric] for name, figures in slices.items() if metric in figures}
    rows = {name: figure for name, figure in rows.items() if figure.value is not None}
    canvas = Canvas(figsize=(7, 1.5 + 0.3 * len(rows)), layout="constrained")
    axes = canvas.subplots()
    for place, figure in enumerate(rows.values()):
        axes.plot([figure.low or 0.0, figure.high or 0.0], [place, place], color="tab:blue")
        axes.plot([figure.value or 0.0], [place], "o", color="tab:blue")
    if overall is not None and overall.value is not None:
        axes.axvline(overall.value, color="grey", linewidth=1)
    family = chinese_font()
    names = [slice_label(name) if family else name.encode("ascii", "replace").decode() for name in rows]
    axes.set_yticks(range(len(rows)), labels=names, fontfamily=family or None)
    axes.set(xlabel=metric, title=f"{metric} by slice, 95% intervals")
    canvas.savefig(path, dpi=100)


def plot_curve(path: Path, curve: Sequence[CurvePoint]) -> None:
    """Draw NDCG@10 with its interval by the number of demands learned from, as PNG."""
    from matplotlib.figure import Figure as Canvas

    known = [point for point in curve if point.value is not None]
    canvas = Canvas(figsize=(5, 4), layout="constrained")
    axes = canvas.subplots()
    for point in known:
        axes.plot([point.demands] * 2, [point.low or 0.0, point.high or 0.0], color="tab:blue", alpha=0.5)
    axes.plot([point.demands for point in known], [point.value or 0.0 for point in known], marker="o")
    axes.set(xlabel="demands learned from", ylabel="NDCG@10, held-out demands", title="Learning curve, without history")
    canvas.savefig(path, dpi=100)


def plot_importance(path: Path, importance: Mapping[str, float], title: str = "Feature importance (gain)") -> None:
    """Draw the most important features, as PNG."""
    from matplotlib.figure import Figure as Canvas

    best = sorted(importance.items(), key=lambda item: item[1])[-SHOWN:]
    canvas = Canvas(figsize=(7, 1 + 0.25 * len(best)), layout="constrained")
    axes = canvas.subplots()
    axes.barh([name for name, _ in best], [value for _, value in best])
    axes.set(title=title)
    canvas.savefig(path, dpi=100)
