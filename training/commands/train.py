"""`gongxu build` and `gongxu train`: parse arguments, show progress, print what was made."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.output import STEPS, ClusterOption, show_decision

if TYPE_CHECKING:
    from eval.online.versions import Decision
    from training.candidate.make import BuiltBundle


def build_command(
    cluster: ClusterOption = "",
    full: Annotated[
        bool, typer.Option("--full", help="Read all records again and fit vocabularies, topics and terms to them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the bundle's manifest summary as JSON.")] = False,
) -> None:
    """Build a bundle from the store's records: text space, vectors, indexes. Run it after an import.

    Where at most 5% of the records changed since vocabularies, topics and terms were fitted, these stay and only changed
    records are read. It is served at once unless a trained bundle serves: then the next `gongxu train` starts from it.

    Examples:
      gongxu build

      gongxu build --full

      gongxu build --cluster 10.0.0.5:6379

    """
    from dataclasses import replace

    from data.cluster.ray_workers import open_workers
    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from models.threads import limit_threads
    from training.pipeline import build
    from training.versions.runs import push_pending

    limit_threads(settings().threads)
    with Store.open(settings().store_url) as store, steps(STEPS) as progress:
        if cluster:
            progress("cluster")
        with open_workers(cluster, progress.part) as workers:
            built = build(settings(), store, progress, workers, full=full)
        progress("mlflow")
        built = replace(built, unreached=push_pending(settings()))
    _report(built, as_json)


def train_command(
    encoder: Annotated[
        bool, typer.Option("--encoder", help="Fine-tune the text encoder on the outcomes instead of the ranker.")
    ] = False,
    reranker: Annotated[
        Path | None,
        typer.Option("--reranker", help="Fine-tune the cross-encoder of this directory on the outcomes instead."),
    ] = None,
    trees: Annotated[int | None, typer.Option(help="Trees per grade; GONGXU_RANKER_TREES.", min=1, max=2000)] = None,
    tune: Annotated[
        float,
        typer.Option("--tune", help="Search better parameters for so many minutes first; goes on where it stopped."),
    ] = 0.0,
    positions: Annotated[
        bool | None,
        typer.Option(
            "--positions/--no-positions", help="Leave out of the scores what a place in a list alone does to outcomes."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of folds and ranker; GONGXU_RANKER_SEED.", min=0)] = None,
    promotion: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Ask the promotion gate and serve the version if it passes.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the bundle's manifest summary as JSON.")] = False,
) -> None:
    """Train the ranker on the store's judgements and outcome events; it is served if it passes the promotion gate.

    Examples:
      gongxu train

      gongxu train --trees 300 --no-promote

      gongxu train --tune 20

      gongxu train --encoder

      gongxu train --reranker models/small-cross-encoder

    """
    from data.errors import InputError
    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from models.threads import limit_threads
    from training.pipeline import train
    from training.release.promotion import promote

    limit_threads(settings().threads)
    if encoder and reranker is not None:
        raise InputError("--encoder and --reranker are trained one at a time; leave one out")
    if encoder:
        _train_encoder(as_json)
        return
    if reranker is not None:
        _train_reranker(reranker.expanduser(), as_json)
        return
    parameters = settings().ranker.overridden(trees=trees, seed=seed, correct_positions=positions)
    with Store.open(settings().store_url) as store, steps(STEPS) as progress:
        built = train(settings(), store, parameters, progress, tune)
        decision = promote(settings(), store, built.manifest.version, progress=progress) if promotion else None
    _report(built, as_json, decision)


def _train_encoder(as_json: bool) -> None:
    import json

    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from training.encoder.outcome_encoder import train_encoder

    with Store.open(settings().store_url) as store, steps({"tune": "微调编码器"}) as progress:
        progress("tune")
        tuned = train_encoder(settings(), store)
    if as_json:
        facts = {"directory": str(tuned.directory), "before": tuned.before, "after": tuned.after}
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    typer.echo("留出需求上的指标（微调前 → 微调后，括号内为 95% 区间）：")
    for name, after in tuned.after.items():
        before = tuned.before[name]
        typer.echo(f"  {name}: {before['value']:.3f} → {after['value']:.3f} [{after['low']:.3f}, {after['high']:.3f}]")
    typer.echo(f"编码器已写入 {tuned.directory}；若有提升，设 GONGXU_ENCODER={tuned.directory} 后重新 gongxu build。")


def _train_reranker(base: Path, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from training.reranker.finetune import train_reranker

    titles = {"before": "微调前打分", "tune": "微调重排模型", "after": "微调后打分"}
    with Store.open(settings().store_url) as store, steps(titles) as progress:
        tuned = train_reranker(settings(), store, base, step=progress)
    if as_json:
        typer.echo(json.dumps(asdict(tuned) | {"directory": str(tuned.directory)}, ensure_ascii=False))
        return
    typer.echo(
        f"学习 {tuned.train_pairs} 对，在留出需求的 {tuned.test_pairs} 对上（微调前 → 微调后，括号内为 95% 区间）："
    )
    for name, after in tuned.after.items():
        typer.echo(f"  {name}: {tuned.before[name].value:.3f} → {after.value:.3f} [{after.low:.3f}, {after.high:.3f}]")
    gain = tuned.gain
    typer.echo(f"  NDCG@10 之差: {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")
    typer.echo(f"模型已写入 {tuned.directory}；是否启用由 GONGXU_RERANK={tuned.directory} gongxu lab rerank 决定。")


def demo_command(
    achievements: Annotated[int, typer.Option(help="Achievements to simulate.", min=50)] = 5_000,
    demands: Annotated[int, typer.Option(help="Demands to simulate.", min=20)] = 1_000,
    events: Annotated[int, typer.Option(help="Outcome events to simulate.", min=0)] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.", min=0)] = 7,
) -> None:
    """Show everything on a simulated platform: import, build, train, evaluate, recommend. Works in GONGXU_HOME/demo.

    Examples:
      gongxu demo

      gongxu demo --achievements 500 --demands 100 --events 3000

    """
    import shutil

    from data.progress import steps
    from data.settings import settings
    from data.simulator import SimulationPlan
    from eval.commands.evaluate import show_figures
    from eval.offline.cross_validation import as_json as plain_figures
    from matcher.commands.recommend import show
    from models.threads import limit_threads
    from training.demo import demonstrate

    plan = SimulationPlan(achievements=achievements, demands=demands, events=events, seed=seed)
    home = settings().home / "demo"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    limit_threads(settings().threads)
    with steps(STEPS) as progress:
        shown = demonstrate(settings().model_copy(update={"home": home, "database_url": ""}), plan, progress)
    typer.echo("\n一、在未见过的需求上的评估（模拟的专家评分，只说明方法有效，不代表真实平台的质量）")
    show_figures(plain_figures(shown.figures))
    typer.echo("二、三条需求的推荐成果与理由")
    for title, answer in shown.answers:
        typer.echo(f"\n需求：{title}")
        show(answer)
    typer.echo(f"\n模型包：{shown.built.directory}")
    typer.echo(f"试一试：GONGXU_HOME={home} gongxu recommend --text 需要一种低温污泥干化设备 --explain")
    typer.echo(f"启动服务：GONGXU_HOME={home} gongxu serve，然后打开 http://127.0.0.1:8000/docs")


def _report(built: "BuiltBundle", as_json: bool, decision: "Decision | None" = None) -> None:
    manifest = built.manifest
    facts = {
        "bundle": manifest.version,
        "directory": str(built.directory),
        "achievements": manifest.achievements,
        "demands": manifest.demands,
        "fitted": manifest.fitted,
        "changed_since_fit": manifest.changed,
        "features": len(manifest.feature_names),
        "training_pairs": manifest.training_pairs,
        "mlflow_run_id": manifest.mlflow_run_id,
        "mlflow_unreached": built.unreached,
        "decision": decision.model_dump(mode="json") if decision else None,
    }
    if as_json:
        import json

        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    typer.echo(f"模型包 {manifest.version}：成果 {manifest.achievements:,} 项，需求 {manifest.demands:,} 项。")
    if manifest.fitted != manifest.version and not manifest.training_pairs:
        typer.echo(
            f"沿用 {manifest.fitted} 的词表、主题与术语，此后有 {manifest.changed:,} 条记录变化；--full 全部重算。"
        )
    if manifest.training_pairs:
        run = f"，MLflow 运行编号 {manifest.mlflow_run_id}" if manifest.mlflow_run_id else ""
        typer.echo(f"排序模型由 {manifest.training_pairs:,} 对结果训练{run}。")
    else:
        typer.echo("尚无排序模型；有评分或结果事件后运行 gongxu train。")
    if built.unreached:
        typer.echo(f"运行记录已存于本地：{built.unreached}")
    if decision is not None:
        show_decision(decision)
