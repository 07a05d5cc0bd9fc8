"""`gongxu lab rewrite`: parses arguments, measures rewriting on held-out demands and lets it serve if the gain is sure."""

from typing import Annotated

import typer


def rewrite(
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure what rewriting demands by GONGXU_CHAT gains, and allow it if that is sure. Exit code 1: it is not.

    Lists for demands that no ranker learns from, with and without the candidates that the rewritings propose.
    GONGXU_REWRITE=true then has a server use them.

    Example:
      GONGXU_CHAT=http://127.0.0.1:8000/v1#qwen3-32b gongxu lab rewrite

    """
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from data.errors import SettingsError
    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from matcher.loading import load_engine
    from matcher.rewriting.gate import FILE
    from models.remote.chat import open_chat
    from models.threads import limit_threads
    from training.studies.rewrite import study

    chosen = settings()
    limit_threads(chosen.threads)
    chat = open_chat(chosen)
    if chat is None:
        raise SettingsError("GONGXU_CHAT is empty; set it to http://HOST/v1#MODEL")
    with steps({"bundle": "载入模型包"}) as step, Store.open(chosen.store_url) as store:
        step("bundle")
        engine = load_engine(chosen, store)
        found = study(chosen, engine, store, chat, step)
    kept = found.gate(chat, engine.model.version, datetime.now(UTC))
    path = chosen.home / FILE
    if kept is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(kept.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"used": kept is not None}, ensure_ascii=False))
    else:
        typer.echo(
            f"留出需求 {found.demands} 条，平均改写 {found.rewritings:.1f} 条；前十有变化的占 {found.changed:.0%}"
        )
        for name, title in (("ndcg10", "NDCG@10"), ("recall50", "召回@50")):
            gain = found.gain[name]
            typer.echo(
                f"{title} {found.without[name].value:.3f}：{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
            )
        typer.echo(f"新进前十的有 {found.unjudged:.0%} 没有评分，指标不计")
        typer.echo("增益可靠，可以启用：GONGXU_REWRITE=true" if kept else "增益不可靠，不启用；此前的许可已撤下")
    if kept is None:
        raise typer.Exit(1)
