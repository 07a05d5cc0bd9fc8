"""`gongxu lab terms`: how well terms are found in texts that people marked, and the weights learned from them."""

from pathlib import Path
from typing import Annotated

import typer

from knowledge_graph.commands.output import Bar, console, print_rows

app = typer.Typer(
    help="Judge the term extractor on marked texts; fit its weights.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("evaluate")
def evaluate_command(
    file: Annotated[Path, typer.Argument(help="CSV with columns title, text, entities (term/type;term/type …).")],
    json_out: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
    half: Annotated[
        bool, typer.Option("--held-out", help="Report on every second text only: those not used for tuning.")
    ] = False,
) -> None:
    """Compare term extraction with TF-IDF, TextRank and jieba.analyse on human-marked terms.

    Example:
      gongxu lab terms evaluate ../shared/data/lexicon/scicn_terms_dev.csv --json terms.json

    """
    import json

    from data.errors import InputError
    from eval.reading.term_evaluation import evaluate_terms, read_marked_texts

    texts = read_marked_texts(file)
    with Bar() as bar:
        result = evaluate_terms(texts, held_out=half, progress=bar.show)
    names = ("exact_precision", "exact_recall", "exact_f1", "overlap_precision", "overlap_recall", "overlap_f1")
    rows = [(method, *(f"{figures[name]:.3f}" for name in names)) for method, figures in result.items()]
    headers = ("方法", "精确P", "精确R", "精确F1", "重叠P", "重叠R", "重叠F1")
    print_rows(console(), f"术语抽取（{file.name}）", headers, rows)
    if json_out is not None:
        try:
            json_out.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write {json_out}: {error.strerror}; give a file that can be written") from error


@app.command("fit")
def fit_command(
    file: Annotated[Path, typer.Argument(help="CSV with columns text, entities (term/type;term/type …).")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; default: the weights of the package.", show_default=False)
    ] = None,
) -> None:
    """Fit the weights of the term extractor on human-marked terms; graphs built afterwards use them.

    Learns from every second text and reports on the others.

    Examples:
      gongxu lab terms fit ../shared/data/lexicon/scicn_terms_dev.csv

      gongxu lab terms fit marked.csv --out weights.json

    """
    from importlib import resources

    from eval.reading.term_evaluation import read_marked_texts
    from eval.reading.term_training import fit_term_weights, held_out_figures, write_weights
    from knowledge_graph.terms.keyphrases import WEIGHTS_FILE

    texts = read_marked_texts(file)
    with Bar() as bar:
        weights = fit_term_weights(texts, bar.show)
    target = out or Path(str(resources.files("knowledge_graph") / WEIGHTS_FILE))
    write_weights(weights, target)
    figures = held_out_figures(texts, weights)
    rows = [
        (name, *(f"{figures[f'{measure}_{part}']:.3f}" for part in ("precision", "recall", "f1")))
        for name, measure in (("精确", "exact"), ("重叠", "overlap"))
    ]
    print_rows(console(), f"未参与训练的 {len(texts) // 2} 篇文本", ("匹配", "P", "R", "F1"), rows)
    typer.echo(f"已写入 {target}（{len(weights.weights)} 个权重，阈值 {weights.threshold}）")


@app.command("concepts")
def concepts_command(
    file: Annotated[Path, typer.Argument(help="CSV with columns demand_term, achievement_term, relation (S H R F U).")],
    json_out: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Print each wrong or missed pair.")] = False,
) -> None:
    """Measure which pairs of terms are called the same or a kind of each other, against pairs that people judged.

    Besides the whole check, by the forms of words alone: what it reaches on words that our lists do not hold.

    Example:
      gongxu lab terms concepts ../shared/data/concepts/term_pairs.csv

    """
    import json

    from eval.reading.likeness_evaluation import measure, read_judged_pairs

    pairs = read_judged_pairs(file)
    result = {"all": measure(pairs), "forms": measure(pairs, lists=False)}
    for name, figures in result.items():
        typer.echo(f"{name}: " + ", ".join(f"{measure_} {value:g}" for measure_, value in figures.items()))
    if errors:
        for pair in pairs:
            if pair.called_alike() != pair.alike:
                typer.echo(f"{pair.one}\t{pair.other}\t{pair.relation}\t{pair.likeness()}")
    if json_out is not None:
        json_out.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
