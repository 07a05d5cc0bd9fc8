"""`gongxu build` and `gongxu train`: parse arguments, show progress, print what was made."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from training.pipeline import Built

STEPS = {
    "records": "读取记录",
    "encoder": "加载并适应文本编码器",
    "text space": "统计词语与主题",
    "views": "计算文本向量与参照",
    "indexes": "建立索引",
    "bundle": "写入模型包",
    "outcomes": "汇总结果事件",
    "features": "计算特征",
    "history": "计算历史特征",
    "ranker": "训练排序模型",
    "calibration": "校准概率",
    "mlflow": "登记到 MLflow",
}


def build_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the bundle's manifest summary as JSON.")] = False,
) -> None:
    """Build a bundle from the store's records: text space, vectors, indexes. Run it after an import.

    Examples:
      gongxu build

    """
    from data.progress import steps
    from data.settings import settings
    from data.store import Store
    from models.threads import limit_threads
    from training.pipeline import build

    limit_threads(settings().threads)
    with Store.open(settings().store_url) as store, steps(STEPS) as progress:
        built = build(settings(), store, progress)
    _report(built, as_json)


def train_command(
    trees: Annotated[int, typer.Option(help="Trees per grade.", min=1, max=2000)] = 150,
    seed: Annotated[int, typer.Option(help="Seed of folds and ranker.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the bundle's manifest summary as JSON.")] = False,
) -> None:
    """Train the ranker on the store's judgements and outcome events and publish it as a new bundle.

    Examples:
      gongxu train

      gongxu train --trees 300

    """
    from data.progress import steps
    from data.settings import settings
    from data.store import Store
    from models.ranker import RankerParameters
    from models.threads import limit_threads
    from training.pipeline import train

    limit_threads(settings().threads)
    with Store.open(settings().store_url) as store, steps(STEPS) as progress:
        built = train(settings(), store, RankerParameters(trees=trees, seed=seed), progress)
    _report(built, as_json)


def _report(built: "Built", as_json: bool) -> None:
    manifest = built.manifest
    facts = {
        "bundle": manifest.version,
        "directory": str(built.directory),
        "achievements": manifest.achievements,
        "demands": manifest.demands,
        "features": len(manifest.feature_names),
        "training_pairs": manifest.training_pairs,
        "mlflow_run_id": manifest.mlflow_run_id,
    }
    if as_json:
        import json

        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    typer.echo(f"模型包 {manifest.version}：成果 {manifest.achievements:,} 项，需求 {manifest.demands:,} 项。")
    if manifest.training_pairs:
        typer.echo(f"排序模型由 {manifest.training_pairs:,} 对结果训练，MLflow 运行编号 {manifest.mlflow_run_id}。")
    else:
        typer.echo("尚无排序模型；有评分或结果事件后运行 gongxu train。")
