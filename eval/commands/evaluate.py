"""What `gongxu evaluate` reads, prints and writes, and `gongxu recall`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from data.files.judged import JudgedPairs
    from eval.offline.stored import ShownLog
    from eval.studies.ablation import Ablation

STEPS = {
    "texts": "统计词语与主题",
    "views": "计算文本向量与参照",
    "graph": "构建知识图谱",
    "features": "计算特征",
    "indexes": "建立索引",
    "search": "检索",
    "outcomes": "汇总结果事件",
}
TITLES = {"score": "score", "qwk": "QWK", "auc2": "AUC ≥2", "auc3": "AUC ≥3", "ndcg10": "NDCG@10"}


def rows_to_judge(dataset: Path | None, test: Path | None) -> "tuple[JudgedPairs, int, ShownLog | None]":
    """Return the judged rows, how many of them are there to learn from, and of the store the log of shown lists."""
    from data.settings import settings
    from data.store.store import Store
    from eval.offline.cross_validation import joined
    from eval.offline.stored import shown_log, stored_pairs

    if dataset is None:
        _require_no_test(test)
        with Store.open(settings().store_url, create=False) as store:
            pairs = stored_pairs(store)
            return pairs, len(pairs), shown_log(store, pairs)
    learned, judged = judged_parts(dataset, test)
    return (joined(learned, judged) if test else learned), len(learned), None


def judged_parts(dataset: Path | None, test: Path | None) -> "tuple[JudgedPairs, JudgedPairs]":
    """Return the judged rows to learn from and those to be judged by, over the same records; without --test both are one.

    Without a folder the store's records and judgements are taken.

    Raises:
        InputError: a folder, or the store, holds no judgement, or --test is given without --dataset.

    """
    from data.errors import InputError
    from data.files.judged import load_judged
    from data.settings import settings
    from data.store.store import Store
    from eval.offline.stored import stored_pairs

    if dataset is None:
        _require_no_test(test)
        with Store.open(settings().store_url, create=False) as store:
            pairs = stored_pairs(store)
        return pairs, pairs
    parts = load_judged(dataset, *([test] if test else []))
    for folder, part in zip((dataset, test), parts, strict=False):
        if not len(part):
            raise InputError(f"{folder} holds no judgements; at least 1 is needed")
    return parts[0], parts[-1]


def _require_no_test(test: Path | None) -> None:
    from data.errors import InputError

    if test:
        raise InputError("--test needs --dataset, the folder to learn from")


def require_known(option: str, given: "Iterable[str]", known: "Collection[str]") -> None:
    """Raise InputError if a given name is not among the known ones."""
    from data.errors import InputError

    for name in given:
        if name not in known:
            raise InputError(f"{option} {name!r} is unknown; known: {', '.join(known)}")


def write_ablations(found: "dict[str, dict[str, Ablation]]", out: Path | None) -> None:
    """Write what parts bring, by their names, to a JSON file, if one is named."""
    from dataclasses import asdict

    figures = {name: {metric: asdict(figure) for metric, figure in one.items()} for name, one in found.items()}
    write_json({"ablation": figures}, out)


def write_json(content: object, out: Path | None) -> None:
    """Write what was found to a JSON file, if one is named, and say so."""
    if out is not None:
        out.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        typer.echo(f"已写入 {out}")


def recall(
    dataset: Annotated[Path, typer.Option(help="Folder of judged pairs, or one that `gongxu lab simulate` wrote.")],
    out: Annotated[Path | None, typer.Option("--json", help="Write the figures to this JSON file.")] = None,
    sample: Annotated[int, typer.Option(help="Demands at most.", min=1)] = 1000,
) -> None:
    """Recall@100 and @300 of the candidate channels, alone and fused, with 95% intervals.

    Relevant is what an expert graded 3 or 4, or, in a simulated folder, what its truth/relevance.csv grades 4.

    Examples:
      gongxu lab recall --dataset ../shared/data/bdci2019

      gongxu lab recall --dataset sim --json recall.json

    """
    from dataclasses import asdict

    from data.files.judged import load_judged
    from data.progress import steps
    from data.settings import settings
    from eval.offline.recall import judged_relevant, retrieval_recall, show_recall, true_relevant
    from eval.offline.systems import build_corpus
    from models.threads import limit_threads

    limit_threads(settings().threads)
    (pairs,) = load_judged(dataset)
    truth = dataset / "truth" / "relevance.csv"
    relevant = true_relevant(pairs, truth) if truth.is_file() else judged_relevant(pairs)
    with steps(STEPS) as progress:
        table = retrieval_recall(build_corpus(pairs, settings(), progress), relevant, sample, progress)
    show_recall(table, f"{dataset.name}: {min(len(relevant), sample)} demands, {len(pairs.achievements)} achievements")
    write_json({name: {metric: asdict(value) for metric, value in row.items()} for name, row in table.items()}, out)


def show_ablation(ablation: "dict[str, Ablation]", part: str, titles: "Mapping[str, str]" = TITLES) -> None:
    """Print what a part brings: each metric with it, without it, and the difference with its interval."""
    from data.terminal import Table
    from data.terminal import console as terminal

    table = Table(title=f"with and without {part}")
    for column in ("metric", "with", "without", "difference"):
        table.add_column(column, justify="right")
    for name, title in titles.items():
        figure = ablation[name]
        lift = f"{figure.lift.value:+.4f} [{figure.lift.low:+.4f}, {figure.lift.high:+.4f}]"
        table.add_row(title, f"{figure.complete.value:.4f}", f"{figure.without.value:.4f}", lift)
    terminal().print(table)


def show_figures(figures: "dict[str, dict[str, dict[str, dict[str, float | None]]]]") -> None:
    """Print one table per split: systems by metrics, each with its 95% interval."""
    from data.terminal import Table
    from data.terminal import console as terminal

    console = terminal()
    for split, systems in figures.items():
        table = Table(title=split)
        table.add_column("system")
        for title in TITLES.values():
            table.add_column(title, justify="right")
        for name, metrics in systems.items():
            table.add_row(name, *(_cell(metrics[metric]) for metric in TITLES))
        console.print(table)


def _cell(figure: "dict[str, float | None]") -> str:
    value, low, high = (figure[key] for key in ("value", "low", "high"))
    return "–" if value is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
