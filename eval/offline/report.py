"""What an evaluation found, as one HTML page with its plots inside: nothing is fetched, everything is escaped."""

import io
from html import escape

from eval.offline.findings import Findings

HEADLINES = {
    "score": "score",
    "qwk": "QWK",
    "auc2": "AUC ≥2",
    "auc3": "AUC ≥3",
    "ndcg10": "NDCG@10",
    "mrr": "MRR",
    "map": "MAP",
    "precision5": "P@5",
    "recall10": "R@10",
    "mae": "MAE",
}
SLICED = ("score", "auc2", "auc3", "ndcg10")
WAYS = {
    "demand": "需求（训练中是否出现）",
    "achievement": "成果（训练中是否出现）",
    "text": "需求文本长短",
    "field": "技术领域",
    "region": "省份代码",
    "firm_size": "企业规模",
}
LISTS = {"holder_gini": "单位曝光 Gini", "diversity": "多样性", "novelty": "新颖度（bit）"}
MISSING = "–"
STYLE = """
body{font:15px/1.6 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;max-width:72rem;margin:2rem auto;
padding:0 1rem;color:#1c2733}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid #d8dee6}
h3{font-size:1rem}table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .6rem;border-bottom:1px solid #e6eaf0;text-align:right}th:first-child,td:first-child{text-align:left}
small{color:#5b6b7d}.best{font-weight:600}.plots{display:flex;flex-wrap:wrap;gap:1rem}.wide{overflow-x:auto}
"""


def html_report(found: Findings) -> str:
    """Return the page for what `eval.findings.findings` returned (or what a JSON file of it holds)."""
    parts = [
        f"<h1>{escape(str(found['title']))}</h1>",
        f"<p>{found['rows']:,} 条评分，{found['demands']:,} 条需求，{found['achievements']:,} 项成果；等级分布 "
        + "，".join(f"{escape(level)}: {count:,}" for level, count in found["levels"].items())
        + "。方括号内为按需求重抽样的 95% 区间。</p>",
    ]
    for split, systems in found["splits"].items():
        parts.append(f"<h2>{escape(split)}</h2>")
        parts.append(
            _table("系统", HEADLINES, {name: {k: _cell(v) for k, v in row.items()} for name, row in systems.items()})
        )
        parts.append(f'<div class="plots">{_intervals(systems)}{_curves(found["calibration"].get(split, {}))}</div>')
        parts += _calibration(found["calibration"].get(split, {}))
        parts += _lifts(found["lifts"].get(split, {}))
        parts += _slices(found["slices"].get(split, {}))
        lists = found["lists"].get(split, {})
        if lists:
            rows = {name: {key: _number(value) for key, value in row.items()} for name, row in lists.items()}
            parts += ["<h3>列表（每条需求的前十项）</h3>", _table("系统", LISTS, rows)]
    if found.get("log"):
        parts += _log(found["log"])
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(str(found['title']))}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _number(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3f}"


def _cell(figure: dict[str, float | None]) -> str:
    return f"{_number(figure['value'])} <small>[{_number(figure['low'])}, {_number(figure['high'])}]</small>"


def _table(first: str, columns: dict[str, str], rows: dict[str, dict[str, str]]) -> str:
    """Return a table of cells that are HTML already; row names and titles are escaped."""
    head = "".join(f"<th>{escape(title)}</th>" for title in columns.values())
    lines = {name: "".join(f"<td>{row.get(key, MISSING)}</td>" for key in columns) for name, row in rows.items()}
    body = "".join(f"<tr><td>{escape(name)}</td>{cells}</tr>" for name, cells in lines.items())
    return f'<div class="wide"><table><tr><th>{escape(first)}</th>{head}</tr>{body}</table></div>'


def _calibration(kinds: Findings) -> list[str]:
    if not kinds:
        return []
    columns = {"ece": "ECE", "brier": "Brier", "aurc": "AURC"}
    rows = {
        {"raw": "模型概率", "calibrated": "校准后"}[kind]: {key: _number(curve[key]) for key in columns}
        for kind, curve in kinds.items()
    }
    return ["<h3>“较强匹配”概率的校准与弃答</h3>", _table("概率", columns, rows)]


def _lifts(lifts: Findings) -> list[str]:
    if not lifts:
        return []
    rows = {
        f"ranker − {other}": {
            metric: f"{_signed(lift['value'])} <small>[{_signed(lift['low'])}, {_signed(lift['high'])}] "
            f"p={_number(lift['p_value'])}</small>"
            for metric, lift in metrics.items()
        }
        for other, metrics in lifts.items()
    }
    return ["<h3>成对比较</h3>", _table("差", {name: HEADLINES[name] for name in SLICED}, rows)]


def _signed(value: float | None) -> str:
    return MISSING if value is None else f"{value:+.3f}"


def _slices(slices: Findings) -> list[str]:
    parts = []
    for way, by_name in slices.items():
        rows = {
            name: {"rows": f"{row['rows']:,}"} | {metric: _cell(row[metric]) for metric in SLICED}
            for name, row in by_name.items()
        }
        if rows:
            columns = {"rows": "条数"} | {name: HEADLINES[name] for name in SLICED}
            parts += [f"<h3>分组：{escape(WAYS.get(way, way))}</h3>", _table("组", columns, rows)]
    return parts


def _log(log: Findings) -> list[str]:
    """Return what the log of shown lists tells: clicks by position and what other orders would have earned."""
    rows = {
        str(place["position"]): {
            "shown": f"{place['shown']:,}",
            "clicks": _number(place["click_rate"]),
            "examination": _number(place["examination"]),
        }
        for place in log["positions"]
    }
    columns = {"shown": "展示", "clicks": "点击率", "examination": "相对关注度（估计）"}
    parts = ["<h2>展示日志</h2>", _table("位置", columns, rows)]
    if log["orders"]:
        estimators = {"ips": "IPS", "snips": "SNIPS", "doubly_robust": "双重稳健", "effective": "有效样本"}
        orders = {
            name: {key: f"{row[key]:,.0f}" if key == "effective" else _cell(row[key]) for key in estimators}
            for name, row in log["orders"].items()
        }
        parts += ["<h3>离线策略评估：每次展示的点击率，若同一列表换一种排序</h3>", _table("排序", estimators, orders)]
    return parts


def _intervals(systems: Findings) -> str:
    """Return a plot of each system's NDCG@10 and AUC with their intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 0.5 + 0.42 * len(systems)), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, metric in zip(axes, ("ndcg10", "auc2"), strict=True):
        for place, row in enumerate(systems.values()):
            value = row[metric]
            if value["value"] is not None:
                axis.plot([value["low"], value["high"]], [place, place], color="#8aa4bf", linewidth=2)
                axis.plot([value["value"]], [place], "o", color="#1f5f99", markersize=5)
        axis.set_yticks(range(len(systems)), [name.encode("ascii", "replace").decode() for name in systems])
        axis.set_title({"ndcg10": "NDCG@10", "auc2": "AUC (level 2 and more)"}[metric], fontsize=9)
        axis.tick_params(labelsize=8)
        axis.invert_yaxis() if axis is axes[0] else None
    return _svg(figure)


def _curves(kinds: Findings) -> str:
    """Return the plots of reliability and of risk against coverage."""
    from matplotlib.figure import Figure

    if not kinds:
        return ""
    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="#c5ced8", linewidth=1)
    for kind, colour in (("raw", "#c9792b"), ("calibrated", "#1f5f99")):
        if kind in kinds:
            left.plot(kinds[kind]["predicted"], kinds[kind]["observed"], "o-", color=colour, label=kind, markersize=4)
            right.plot(kinds[kind]["coverage"], kinds[kind]["risk"], color=colour, label=kind)
    left.set(xlabel="predicted probability of level 3 and more", ylabel="observed rate")
    right.set(xlabel="share of demands answered", ylabel="share of wrong first items", ylim=(0, None))
    for axis in (left, right):
        axis.legend(fontsize=8)
        axis.tick_params(labelsize=8)
        axis.xaxis.label.set_size(8)
        axis.yaxis.label.set_size(8)
    return _svg(figure)


def _svg(figure: object) -> str:
    """Return the figure as an SVG element without the XML header, which HTML does not know."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    if not isinstance(figure, Figure):
        raise TypeError(f"expected a matplotlib figure, got {type(figure).__name__}")
    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "gongxu"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
