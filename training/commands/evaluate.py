"""`gongxu evaluate`: parses arguments, evaluates, prints and writes the tables, and records the figures in MLflow."""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

FOLDER = "evaluations"
MAX_DEPTH = 6
OWN_SYSTEMS = ("gongxu", "ranker")


def recorded(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command as an MLflow run: with the arguments of the command line, its figures recorded once it is done.

    Without `--json` the figures are kept in GONGXU_HOME/evaluations.
    """

    @functools.wraps(command)
    def run_and_record(**arguments: Any) -> None:
        from data.dates import CHINA_STANDARD_TIME
        from data.settings import settings
        from training.versions.provenance import folder_digest
        from training.versions.runs import recorded_run

        home = settings().home
        if arguments.get("out") is None:
            kept = home / FOLDER
            kept.mkdir(parents=True, exist_ok=True)
            arguments["out"] = kept / f"{datetime.now(CHINA_STANDARD_TIME):%Y%m%d-%H%M%S}.json"
        started_at = datetime.now(UTC)
        command(**arguments)
        figures = json.loads(Path(arguments["out"]).read_text(encoding="utf-8"))
        folders = [path for path in (arguments.get("dataset"), arguments.get("test")) if isinstance(path, Path)]
        with recorded_run(settings(), "evaluate", evaluation_name(folders, arguments)) as run:
            run.started_at = started_at
            run.params = {key: value for key, value in arguments.items() if value not in (None, False, [], ())}
            run.params["data_digest"] = folder_digest(*folders)
            rows = figure_rows(figures)
            run.metrics = headline(rows)
            run.write_table("figures_table.json", rows)
            run.write_json("figures.json", figures)
        if run.unreached:
            typer.echo(f"运行记录已存于本地：{run.unreached}", err=True)

    return run_and_record


@recorded
def evaluate(
    dataset: Annotated[
        Path | None,
        typer.Option(help="Folder with demands, achievements and judgements; without it the store is evaluated."),
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Fit on all of --dataset and report on this folder (same layout).")
    ] = None,
    out: Annotated[Path | None, typer.Option("--json", help="Write all figures to this JSON file.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report with plots to this file.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only this split: random, dedup, grouped.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only this system; repeatable.")] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--ablate", help="With and without a part: graph, context, history, kernel …; repeatable."),
    ] = None,
    served: Annotated[
        bool, typer.Option("--served", help="Score whole lists of the real engine for demands it has no outcomes of.")
    ] = False,
    levels: Annotated[
        Path | None,
        typer.Option(help="With --served: levels of the items of whole lists (demand_id, achievement_id, level)."),
    ] = None,
    judge: Annotated[
        bool,
        typer.Option("--judge", help="With --served: the lists also by levels of the model of GONGXU_CHAT, apart."),
    ] = False,
    judge_sample: Annotated[
        int, typer.Option(help="Levels of people that the model gives again, for the agreement.", min=0)
    ] = 200,
    graded: Annotated[
        Path | None, typer.Option(help="Instead: score the text pairs of this table (query, title, label_0_2).")
    ] = None,
) -> None:
    """Evaluate on expert judgements: random, popularity, BM25, encoder and ranker, with 95% intervals.

    --served scores what users get: the engine is asked over the whole collection, with a model that learned nothing of the
    asked demands. Without it judged pairs are ordered, by splits: random (leaky, only to compare with published figures),
    dedup (equal pairs in one fold), grouped (test demands are new). With --test: warm (demands with judgements in --dataset)
    and cold ones. Of the store also the log of shown lists is evaluated. docs/evaluation.md tells the details.

    Examples:
      gongxu evaluate --served --dataset ../shared/data/bdci2019 --levels ../shared/data/bdci2019_pool/levels.csv

      gongxu evaluate --report report.html --json figures.json

      gongxu evaluate --dataset ../shared/data/bdci2019 --json figures.json

      gongxu evaluate --dataset judged/2024 --test judged/2025 --json figures.json

      gongxu evaluate --dataset ../shared/data/bdci2019 --ablate graph

      gongxu evaluate --served --dataset ../shared/data/bdci2019 --ablate context --ablate preselection

      gongxu evaluate --served --judge --judge-sample 300

      gongxu evaluate --graded ../shared/data/kinds/matching/qbqtc_query_title.csv

    """
    from data.errors import InputError
    from data.settings import settings
    from models.threads import limit_threads

    if levels is not None and not served:
        raise InputError("--levels is read with --served only; add it")
    if judge and (not served or without):
        raise InputError("--judge works with --served, without --ablate")
    if graded is not None and (dataset or test or served or without):
        raise InputError("--graded is an evaluation of its own; leave the other sources out")
    for option, path in (("--json", out), ("--report", report)):
        if path is not None and not path.resolve().parent.is_dir():
            raise InputError(f"the folder of {option} {path} does not exist")
    limit_threads(settings().threads)
    if graded is not None:
        _graded(graded, out)
    elif served:
        _served(dataset, test, levels, without or [], out, judge_sample if judge else None)
    else:
        _pairs(dataset, test, split, system, without or [], out, report)


def _served(
    dataset: Path | None,
    test: Path | None,
    levels: Path | None,
    without: Sequence[str],
    out: Path | None,
    judge_sample: int | None,
) -> None:
    from dataclasses import replace

    from data.progress import steps
    from data.settings import settings
    from data.store.store import Store
    from eval.commands.evaluate import (
        STEPS,
        judged_parts,
        require_known,
        show_ablation,
        write_ablations,
        write_json,
    )
    from eval.judging.command import judged_lists, required_judge
    from eval.judging.show import show_judged
    from eval.offline.parts import PARTS
    from eval.served.evaluation import evaluate_served, served_by
    from eval.served.exposed import shown_by_demand
    from eval.served.show import TITLES, show_served
    from eval.served.task import served_task
    from eval.studies.ablation import served_ablation
    from matcher.model import MatchingModel
    from matcher.texts.encoding import contextual_encoder, store_encoder
    from training.outcomes.graded_pairs import graded_pairs
    from training.studies.fold import fold_fitter

    require_known("--ablate", without, PARTS)
    chat = None if judge_sample is None else required_judge(settings())
    learned, judged = judged_parts(dataset, test)
    task = served_task(learned, judged, levels)
    with steps(STEPS) as progress:
        progress("texts")
        encoder = store_encoder(settings(), task.demands, task.achievements)
        contextual = contextual_encoder(settings())
        model = MatchingModel.build(task.achievements, task.demands, encoder, progress, contextual)
        log = None
        if dataset is None:
            progress("outcomes")
            with Store.open(settings().store_url, create=False) as store:
                cards = model.demands.base.cards, model.achievements.base.cards
                log = graded_pairs(store.events(), *cards, now=datetime.now(UTC))
            if levels is None:
                task = replace(task, shown=shown_by_demand(model, log.showings, task.text_of))
        progress("features")
        fit = fold_fitter(settings(), task, model, settings().ranker, log=log)
        if without:
            complete = served_by(task, model, fit, progress)
            found = {}
            for name in without:
                progress(f"without {name}")
                poorer = fold_fitter(settings(), task, model, settings().ranker, PARTS[name], log)
                found[name] = served_ablation(complete, served_by(task, model, poorer, progress))
                show_ablation(found[name], name, TITLES)  # at once: the next part takes minutes
            write_ablations(found, out)
            return
        result = evaluate_served(task, model, fit, progress)
        by_model = None if chat is None else judged_lists(settings(), result, chat, judge_sample or 0, progress)
    show_served(result)
    if by_model is not None:
        show_judged(by_model)
    write_json(result.as_json() | ({"judged": by_model.as_json()} if by_model else {}), out)


def _graded(graded: Path, out: Path | None) -> None:
    from data.progress import steps
    from data.settings import settings
    from eval.commands.evaluate import STEPS, write_json
    from eval.offline.graded import graded_figures, load_graded, show_graded

    with steps(STEPS) as progress:
        figures = graded_figures(load_graded(graded), settings(), progress)
    show_graded(figures, graded.name)
    write_json({"graded": figures}, out)


def _pairs(
    dataset: Path | None,
    test: Path | None,
    split: list[str] | None,
    system: list[str] | None,
    without: Sequence[str],
    out: Path | None,
    report: Path | None,
) -> None:
    from data.errors import InputError
    from data.progress import steps
    from data.settings import settings
    from data.splits import SPLITS
    from eval.commands.evaluate import (
        STEPS,
        require_known,
        rows_to_judge,
        show_ablation,
        show_figures,
        write_ablations,
        write_json,
    )
    from eval.offline.cross_validation import cross_validated, predict_test
    from eval.offline.findings import findings
    from eval.offline.stored import log_findings
    from eval.offline.systems import SYSTEMS, all_systems, build_corpus
    from eval.studies.ablation import JUDGED_PARTS, ablations

    require_known("--split", split or (), SPLITS)
    require_known("--system", system or (), SYSTEMS)
    require_known("--ablate", without, JUDGED_PARTS)
    if without and test:
        raise InputError("--ablate works on the folds of --dataset; leave --test out")
    threads = settings().threads
    pairs, n_train, log = rows_to_judge(dataset, test)
    with steps(STEPS) as progress:
        corpus = build_corpus(pairs, settings(), progress)
        if without:
            parts = {}
            for kind in split or ("grouped",):
                progress(f"ranker with and without its parts, {kind}")
                for name, found_of_part in ablations(corpus, without, kind, threads, settings().ranker):
                    parts[f"{name}, {kind}"] = found_of_part
                    show_ablation(found_of_part, f"{name}, {kind}")
            write_ablations(parts, out)
            return
        systems = all_systems(corpus, settings().ranker, threads)
        chosen = {name: systems[name] for name in systems if name in (system or SYSTEMS)}
        if test:
            predicted = predict_test(corpus, chosen, n_train, progress)
        else:
            predicted = cross_validated(corpus, chosen, split or SPLITS, progress)
        names = " → ".join(folder.resolve().name for folder in (dataset, test) if folder) or "数据库"
        found = findings(corpus, predicted, f"评估：{names}", settings().report_slices, progress)
        if log is not None:
            found["log"] = log_findings(corpus, log)
    show_figures(found["splits"])
    write_json(found, out)
    if report is not None:
        from eval.offline.report import html_report

        report.write_text(html_report(found), encoding="utf-8")
        typer.echo(f"已写入 {report}")


def evaluation_name(folders: Sequence[Path], arguments: Mapping[str, Any]) -> str:
    """Return a run's name: what was evaluated, and in which way where that is not the usual one."""
    ways = [f"without {name}" for name in arguments.get("without") or ()]
    ways += [name for name in ("served", "graded") if arguments.get(name)]
    data = " → ".join(path.resolve().name for path in folders) or "store"
    return ", ".join((f"evaluate {data}", *ways))


def figure_rows(figures: Any, path: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return the numbers of nested figures as rows: where they lie, metric, value, ends of its interval if any."""
    if not isinstance(figures, dict) or len(path) > MAX_DEPTH:
        return []
    found: list[dict[str, Any]] = []
    for key, value in figures.items():
        ends = value if isinstance(value, dict) and "value" in value else {"value": value}
        if isinstance(ends["value"], int | float) and not isinstance(ends["value"], bool):
            row = {"of": "/".join(path), "metric": str(key), "value": float(ends["value"])}
            found.append(row | {"low": ends.get("low"), "high": ends.get("high")})
        elif ends is not value:
            found += figure_rows(value, (*path, str(key)))
    return found


def headline(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the few figures that runs are compared by: of our own system, under names that MLflow takes."""
    from training.candidate.make import HEADLINE, metric_name

    ours = [row for row in rows if row["of"].rpartition("/")[2] in OWN_SYSTEMS and row["metric"] in HEADLINE]
    return {"/".join(map(metric_name, (*row["of"].split("/"), row["metric"]))): row["value"] for row in ours}
