"""`gongxu lab compare-rankers`: ways to learn an order, compared with the truth of a simulated platform."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eval.metrics.bootstrap import Estimate
    from training.studies.ranker import Order

STEPS = {
    "import": "导入模拟平台",
    "records": "读取记录",
    "encoder": "加载并适应文本编码器",
    "text space": "统计词语与主题",
    "views": "计算文本向量与参照",
    "indexes": "建立索引",
    "graph": "构建知识图谱",
    "bundle": "写入模型包",
    "history": "计算历史特征",
    "calibration": "估计预期等级的离散程度",
    "features": "计算特征",
}


def compare_rankers(
    folder: Annotated[Path, typer.Argument(help="Folder that `gongxu lab simulate` wrote.")],
    trees: Annotated[list[int] | None, typer.Option(help="Numbers of trees to compare; repeatable.")] = None,
    log_only: Annotated[
        bool, typer.Option("--log-only", help="Learn from the log alone, not from judgements.")
    ] = False,
    without: Annotated[
        list[str] | None, typer.Option(help="A part to leave out: graph, history, kernel …; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--json", help="Write the figures to this JSON file.")] = None,
) -> None:
    """Compare ways to learn an order on a simulated log: true NDCG@10 on new and known demands, trees, latency.

    ordinal: positions ignored; ordinal_position (the default of `gongxu train`): their effect taken out; without …: the
    default that does not know a part. The store is not touched.

    Examples:
      gongxu lab compare-rankers sim

      gongxu lab compare-rankers sim --trees 50 --trees 300 --log-only --json rankers.json

      gongxu lab compare-rankers sim --without graph --without kernel

    """
    import json
    from dataclasses import asdict

    from data.errors import InputError
    from data.progress import steps
    from data.settings import settings
    from models.threads import limit_threads
    from training.studies.ranker import study

    if out is not None and not out.resolve().parent.is_dir():
        raise InputError(f"the folder of --json {out} does not exist")
    limit_threads(settings().threads)
    with steps(STEPS) as progress:
        numbers, parts = tuple(trees or (50, 150, 300)), tuple(without or ())
        orders = study(folder, settings(), numbers, parts, judgements=not log_only, progress=progress)
    show(orders)
    if out is not None:
        figures = {name: asdict(order) for name, order in orders.items()}
        out.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
        typer.echo(f"已写入 {out}")


def show(orders: "dict[str, Order]") -> None:
    """Print one row per way to order."""
    from data.terminal import Table
    from data.terminal import console as terminal

    table = Table(title="true NDCG@10")
    for column in (
        "order",
        "new demands",
        "less default",
        "known demands",
        "less default",
        "trees",
        "µs / 200 rows",
        "fit s",
    ):
        table.add_column(column, justify="left" if column == "order" else "right")
    for name, order in orders.items():
        table.add_row(
            name,
            _interval(order.ndcg, ".3f"),
            _interval(order.lift.difference, "+.3f"),
            _interval(order.known_ndcg, ".3f"),
            _interval(order.known_lift.difference, "+.3f"),
            f"{order.trees}",
            f"{order.microseconds:,.0f}",
            f"{order.seconds:.0f}",
        )
    terminal().print(table)


def _interval(found: "Estimate", form: str) -> str:
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]"
