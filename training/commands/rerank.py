"""`gongxu lab rerank`: parses arguments, fits a reranker's weight and lets it serve if the gain is sure."""

from typing import Annotated

import typer

STEPS = {"bundle": "载入模型包", "scores": "两个模型分别打分", "fit": "拟合权重、计算增益"}


def rerank(
    seconds: Annotated[float, typer.Option(help="Seconds that the reranker may take for one demand.", min=0.1)] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure what the reranker of GONGXU_RERANK gains, and have it used if that is sure. Exit code 1: it is not.

    On judged pairs of demands that no ranker learns from; each half is measured with the weight fitted on the other.

    Example:
      GONGXU_RERANK=http://127.0.0.1:8080#bge-reranker-v2-m3 gongxu lab rerank

    """
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from data.errors import SettingsError
    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from matcher.loading import load_engine
    from matcher.reranking.weight import FILE
    from models.rerank.base import open_reranker
    from models.threads import limit_threads
    from training.studies.rerank import held_out_scores, study

    chosen = settings()
    limit_threads(chosen.threads)
    reranker = open_reranker(chosen)
    if reranker is None:
        raise SettingsError("GONGXU_RERANK is empty; give an endpoint with its model, or a CrossEncoder's directory")
    with steps(STEPS) as step, Store.open(chosen.store_url) as store:
        step("bundle")
        engine = load_engine(chosen, store)
        pairs = held_out_scores(chosen, engine, store, reranker, seconds, step)
        step("fit")
        found = study(pairs)
    kept = found.weight_file(reranker.identity, engine.model.version, datetime.now(UTC))
    path = chosen.home / FILE
    if kept is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(kept.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"used": kept is not None}, ensure_ascii=False))
    else:
        gain = found.gain
        typer.echo(f"留出需求 {found.demands} 条，评分 {found.pairs} 对；排序模型 NDCG@10 {found.without:.3f}")
        typer.echo(f"加入重排（权重 {found.weight:.3f}）：{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")
        typer.echo("增益可靠，已启用" if kept else "增益不可靠，不启用；此前的权重已撤下")
    if kept is None:
        raise typer.Exit(1)
