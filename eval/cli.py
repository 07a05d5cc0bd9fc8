"""`gongxu evaluate`: parses arguments, runs the offline evaluation, prints and writes the table."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eval.offline import Table as Figures

TITLES = {"score": "score", "qwk": "QWK", "auc2": "AUC ≥2", "auc3": "AUC ≥3", "ndcg10": "NDCG@10"}


def evaluate(
    dataset: Annotated[Path, typer.Option(help="Folder with demands.csv, achievements.csv, judgements.csv.")],
    test: Annotated[
        Path | None, typer.Option(help="Fit on all of --dataset and report on this folder (same layout).")
    ] = None,
    out: Annotated[Path | None, typer.Option("--json", help="Write the figures to this JSON file.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only this split: random, dedup, grouped.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only this system; repeatable.")] = None,
) -> None:
    """Evaluate on expert judgements: random, popularity, BM25, encoder and ranker, with 95% intervals.

    Splits: random (leaky, only to stand beside published figures), dedup (equal pairs in one fold), grouped (test demands
    are new). With --test: warm (demands with judgements in --dataset) and cold ones. docs/evaluation.md tells the details.

    Examples:
      gongxu evaluate --dataset ../shared/data/bdci2019 --json figures.json

      gongxu evaluate --dataset judged/2024 --test judged/2025 --json figures.json

    """
    from data.errors import InputError
    from data.judged import load_judged
    from data.progress import steps
    from data.settings import settings
    from data.splits import SPLITS
    from eval.offline import as_json, cross_validate, joined, train_and_test
    from eval.systems import SYSTEMS, all_systems, build_corpus
    from models.threads import limit_threads

    for given, known, option in ((split, SPLITS, "--split"), (system, SYSTEMS, "--system")):
        unknown = [name for name in given or () if name not in known]
        if unknown:
            raise InputError(f"{option} {unknown[0]!r} is unknown; known: {', '.join(known)}")
    if out is not None and not out.resolve().parent.is_dir():
        raise InputError(f"the folder of --json {out} does not exist")
    limit_threads(settings().threads)
    parts = load_judged(dataset, *([test] if test else []))
    for folder, part in zip((dataset, test), parts, strict=False):
        if not len(part):
            raise InputError(f"{folder} holds no judgements; at least 1 is needed")
    pairs = parts[0] if test is None else joined(*parts)
    with steps(
        {"texts": "统计词语与主题", "views": "计算文本向量与参照", "graph": "构建知识图谱", "features": "计算特征"}
    ) as progress:
        corpus = build_corpus(pairs, settings(), progress)
        systems = all_systems(corpus, threads=settings().threads)
        chosen = {name: systems[name] for name in SYSTEMS if not system or name in system}
        if test is None:
            figures = cross_validate(corpus, chosen, split or SPLITS, progress)
        else:
            figures = train_and_test(corpus, chosen, len(parts[0]), progress)
    show_figures(figures)
    if out is not None:
        out.write_text(json.dumps({"splits": as_json(figures)}, ensure_ascii=False, indent=1), encoding="utf-8")
        typer.echo(f"已写入 {out}")


def recall(
    dataset: Annotated[Path, typer.Option(help="Folder of judged pairs, or one that `gongxu simulate` wrote.")],
    out: Annotated[Path | None, typer.Option("--json", help="Write the figures to this JSON file.")] = None,
    sample: Annotated[int, typer.Option(help="Demands at most.", min=1)] = 1000,
) -> None:
    """Recall@100 and @300 of the candidate channels, alone and fused, with 95% intervals.

    Relevant is what an expert graded 3 or 4, or, in a simulated folder, what its truth/relevance.csv grades 4.

    Examples:
      gongxu recall --dataset ../shared/data/bdci2019

      gongxu recall --dataset sim --json recall.json

    """
    from dataclasses import asdict

    from data.judged import load_judged
    from data.progress import steps
    from data.settings import settings
    from eval.retrieval import judged_relevant, retrieval_recall, show_recall, true_relevant
    from eval.systems import build_corpus
    from models.threads import limit_threads

    limit_threads(settings().threads)
    (pairs,) = load_judged(dataset)
    truth = dataset / "truth" / "relevance.csv"
    relevant = true_relevant(pairs, truth) if truth.is_file() else judged_relevant(pairs)
    with steps({"texts": "统计词语与主题", "views": "计算文本向量与参照", "search": "检索"}) as progress:
        table = retrieval_recall(build_corpus(pairs, settings(), progress), relevant, sample, progress)
    show_recall(table, f"{dataset.name}: {min(len(relevant), sample)} demands, {len(pairs.achievements)} achievements")
    if out is not None:
        figures = {name: {metric: asdict(value) for metric, value in row.items()} for name, row in table.items()}
        out.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def show_figures(figures: "Figures") -> None:
    """Print one table per split: systems by metrics, each with its 95% interval."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for split, systems in figures.items():
        table = Table(title=split)
        table.add_column("system")
        for title in TITLES.values():
            table.add_column(title, justify="right")
        for name, metrics in systems.items():
            cells = [f"{metrics[m].value:.3f} [{metrics[m].low:.3f}, {metrics[m].high:.3f}]" for m in TITLES]
            table.add_row(name, *cells)
        console.print(table)
