"""`gongxu evaluate`: parses arguments, runs the offline evaluation, prints and writes the table."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from eval.ablation import Ablation
    from eval.offline import Table as Figures

STEPS = {
    "texts": "统计词语与主题",
    "views": "计算文本向量与参照",
    "graph": "构建知识图谱",
    "features": "计算特征",
    "indexes": "建立索引",
    "search": "检索",
}
TITLES = {"score": "score", "qwk": "QWK", "auc2": "AUC ≥2", "auc3": "AUC ≥3", "ndcg10": "NDCG@10"}


def evaluate(
    dataset: Annotated[Path, typer.Option(help="Folder with demands.csv, achievements.csv, judgements.csv.")],
    test: Annotated[
        Path | None, typer.Option(help="Fit on all of --dataset and report on this folder (same layout).")
    ] = None,
    out: Annotated[Path | None, typer.Option("--json", help="Write the figures to this JSON file.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only this split: random, dedup, grouped.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only this system; repeatable.")] = None,
    without: Annotated[
        str | None, typer.Option("--ablate", help="Ranker with and without these features: graph, attributes, topics.")
    ] = None,
) -> None:
    """Evaluate on expert judgements: random, popularity, BM25, encoder and ranker, with 95% intervals.

    Splits: random (leaky, only to stand beside published figures), dedup (equal pairs in one fold), grouped (test
    demands are new). With --test: warm (demands with judgements in --dataset) and cold ones. docs/evaluation.md tells
    the details.

    Examples:
      gongxu evaluate --dataset ../shared/data/bdci2019 --json figures.json

      gongxu evaluate --dataset judged/2024 --test judged/2025 --json figures.json

      gongxu evaluate --dataset ../shared/data/bdci2019 --ablate graph

    """
    from data.errors import InputError
    from data.judged import load_judged
    from data.progress import steps
    from data.settings import settings
    from data.splits import SPLITS
    from eval.ablation import GROUPS, ablate
    from eval.offline import cross_validate, joined, train_and_test
    from eval.systems import SYSTEMS, all_systems, build_corpus
    from models.threads import limit_threads

    _require_known("--split", split or (), SPLITS)
    _require_known("--system", system or (), SYSTEMS)
    _require_known("--ablate", [without] if without else (), GROUPS)
    if without and test:
        raise InputError("--ablate works on the folds of --dataset; leave --test out")
    if out is not None and not out.resolve().parent.is_dir():
        raise InputError(f"the folder of --json {out} does not exist")
    threads = settings().threads
    limit_threads(threads)
    parts = load_judged(dataset, *([test] if test else []))
    for folder, part in zip((dataset, test), parts, strict=False):
        if not len(part):
            raise InputError(f"{folder} holds no judgements; at least 1 is needed")
    with steps(STEPS) as progress:
        corpus = build_corpus(joined(*parts) if test else parts[0], settings(), progress)
        if without:
            progress(f"ranker with and without {without}")
            _report_ablation(ablate(corpus, without, threads=threads), without, out)
            return
        systems = all_systems(corpus, threads=threads)
        chosen = {name: systems[name] for name in SYSTEMS if not system or name in system}
        if test:
            figures = train_and_test(corpus, chosen, len(parts[0]), progress)
        else:
            figures = cross_validate(corpus, chosen, split or SPLITS, progress)
    _report(figures, out)


def _require_known(option: str, given: "Iterable[str]", known: "Collection[str]") -> None:
    from data.errors import InputError

    for name in given:
        if name not in known:
            raise InputError(f"{option} {name!r} is unknown; known: {', '.join(known)}")


def _report(figures: "Figures", out: Path | None) -> None:
    from eval.offline import as_json

    show_figures(figures)
    _write({"splits": as_json(figures)}, out)


def _report_ablation(ablation: "dict[str, Ablation]", group: str, out: Path | None) -> None:
    from dataclasses import asdict

    show_ablation(ablation, group)
    _write({"ablation": {group: {name: asdict(figure) for name, figure in ablation.items()}}}, out)


def _write(content: object, out: Path | None) -> None:
    if out is not None:
        out.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
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
    with steps(STEPS) as progress:
        table = retrieval_recall(build_corpus(pairs, settings(), progress), relevant, sample, progress)
    show_recall(table, f"{dataset.name}: {min(len(relevant), sample)} demands, {len(pairs.achievements)} achievements")
    _write({name: {metric: asdict(value) for metric, value in row.items()} for name, row in table.items()}, out)


def show_ablation(ablation: "dict[str, Ablation]", group: str) -> None:
    """Print what a group of features brings: each metric with it, without it, and the difference with its interval."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"grouped: ranker with and without {group}")
    for column in ("metric", "with", "without", "difference"):
        table.add_column(column, justify="right")
    for name, figure in ablation.items():
        lift = f"{figure.lift.value:+.4f} [{figure.lift.low:+.4f}, {figure.lift.high:+.4f}]"
        table.add_row(TITLES[name], f"{figure.complete.value:.4f}", f"{figure.without.value:.4f}", lift)
    Console().print(table)


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
