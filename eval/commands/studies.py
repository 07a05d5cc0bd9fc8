"""`gongxu lab study`: what questions bring, whether completeness tells of answers, and where the answer threshold lies."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eval.metrics.bootstrap import Estimate

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Studies of the answers.")
STEPS = {
    "texts": "统计词语与主题",
    "views": "计算文本向量与参照",
    "graph": "构建知识图谱",
    "features": "计算特征",
    "indexes": "建立索引",
}
POLICY_NAMES = {
    "none": "不提问",
    "random": "随机一问",
    "chosen": "选中的一问",
    "best": "事后最好的一问",
    "random - none": "随机 − 不提问",
    "chosen - none": "选中 − 不提问",
    "chosen - random": "选中 − 随机",
}
ITEM_NAMES = {
    "all": "全部",
    "known": "有结果的需求",
    "new": "没有结果的需求",
    "never shown": "有结果的需求中从未展示的",
}
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this JSON file.")]


@app.command()
def questions(
    folder: Annotated[Path, typer.Argument(help="Folder that `gongxu lab simulate` wrote.")],
    sample: Annotated[int, typer.Option(help="Demands to ask about, half of them vague.", min=10)] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the sample.", min=0)] = 0,
    out: Json = None,
) -> None:
    """NDCG@10 after one question, chosen or random or none, answered by the simulator's truth; 95% intervals.

    The ranker is fitted on the experts' judgements of one demand in ten; only other demands are asked about.

    Examples:
      gongxu lab study questions sim --sample 200 --json questions.json

    """
    from collections import Counter

    from data.progress import steps
    from data.settings import settings
    from eval.studies.questions import estimates, study_questions
    from models.threads import limit_threads

    limit_threads(settings().threads)
    with steps(STEPS) as progress:
        asked = study_questions(folder, settings(), sample, seed, progress)
    table = estimates(asked)
    for part, row in table.items():
        typer.echo(f"{part}（{sum(part in ('all', 'vague' if one.vague else 'other') for one in asked)} 条需求）")
        for name, value in row.items():
            typer.echo(f"  {POLICY_NAMES[name]}: {_interval(value, signed=' - ' in name)}")
    kinds = Counter(one.kind or "-" for one in asked)
    clear = sum(one.clear for one in asked) / len(asked)
    typer.echo(f"选中的问题：{dict(kinds.most_common())}；其中 {clear:.0%} 得到了明确回答。")
    _write({"estimates": {p: {n: asdict(v) for n, v in r.items()} for p, r in table.items()}, "kinds": kinds}, out)


@app.command()
def completeness(
    folder: Annotated[
        Path | None, typer.Argument(help="A simulated folder; by default the store's own demands.")
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Use the weights from now on (in GONGXU_HOME).")] = False,
    out: Json = None,
) -> None:
    """Fit what the parts of a demand weigh on whether demands were answered; figures are out of five folds.

    Examples:
      gongxu lab study completeness sim --json completeness.json

      gongxu lab study completeness --save

    """
    import tempfile

    from data.files.importer import import_paths
    from data.settings import settings
    from data.store.store import Store
    from eval.studies.completeness import answered_demands, fit_completeness
    from knowledge_graph.graph import KnowledgeGraph
    from matcher.clarification.completeness import PART_NAMES, completeness_path
    from models.threads import limit_threads

    limit_threads(settings().threads)
    with tempfile.TemporaryDirectory() as scratch:
        url = settings().store_url if folder is None else f"sqlite:///{Path(scratch) / 'store.db'}"
        with Store.open(url) as store:
            if folder is not None:
                import_paths(store, [folder], rejects=Path(scratch) / "rejects")
            demands, achievements = list(store.demands()), list(store.achievements())
            answered = answered_demands(store.events())
    graph = KnowledgeGraph.build(achievements, demands)
    fitted = fit_completeness(demands, answered, graph, "the store" if folder is None else f"simulated: {folder.name}")
    typer.echo(f"{fitted.demands} 条有过展示的需求，{fitted.weights.base_rate:.0%} 得到过回应。")
    typer.echo(
        f"  AUC {_interval(fitted.auc)}，Brier {_interval(fitted.brier)}（只用平均值：{fitted.brier_of_base_rate:.3f}）"
    )
    for predicted, seen, number in fitted.reliability:
        typer.echo(f"  预测 {predicted:.0%} → 实际 {seen:.0%}（{number} 条）")
    for name, value in sorted(fitted.weights.parts.items(), key=lambda item: -item[1]):
        typer.echo(f"  {PART_NAMES[name]}: {value:+.3f}")
    if save:
        completeness_path(settings()).write_text(fitted.weights.model_dump_json(indent=1), encoding="utf-8")
        typer.echo(f"已写入 {completeness_path(settings())}")
    _write(asdict(fitted) | {"weights": fitted.weights.model_dump()}, out)


@app.command()
def scored(
    folder: Annotated[
        Path, typer.Argument(help="The folder that `gongxu lab simulate` wrote and the bundle was built from.")
    ],
    size: Annotated[list[int] | None, typer.Option(help="Candidates to score; repeatable.", min=10)] = None,
    sample: Annotated[int, typer.Option(help="Demands to ask for.", min=10)] = 400,
    out: Json = None,
) -> None:
    """How many candidates the ranker has to score: true relevance of ten answers, by the current bundle; 95% intervals.

    Examples:
      gongxu lab study scored sim

      gongxu lab study scored sim --size 60 --size 100 --sample 1000 --json scored.json

    """
    from data.settings import settings
    from data.store.store import Store
    from eval.studies.first_stage import study_scored
    from matcher.bundle import current_bundle
    from matcher.model import MatchingModel
    from models.threads import limit_threads

    limit_threads(settings().threads)
    model = MatchingModel.load(current_bundle(settings().bundles), threads=settings().threads)
    with Store.open(settings().store_url, create=False) as store:
        found = study_scored(model, store, folder, size or [60, 80, 100], sample)
    for name, one in found.items():
        typer.echo(f"{name}: 真实相关度 {_interval(one.relevance)}，与 fused 相差 {_interval(one.lift, signed=True)}")
    _write({name: asdict(one) for name, one in found.items()}, out)


@app.command()
def calibration(
    folder: Annotated[
        Path, typer.Argument(help="The folder that `gongxu lab simulate` wrote and the bundle was built from.")
    ],
    sample: Annotated[int, typer.Option(help="Demands to ask for.", min=10)] = 400,
    out: Json = None,
) -> None:
    """Compare what probabilities in lists say with what is true, by the current bundle; 95% intervals.

    Examples:
      gongxu lab study calibration sim

      gongxu lab study calibration sim --sample 1000 --json calibration.json

    """
    from data.settings import settings
    from data.store.store import Store
    from eval.studies.shown_probability import study_shown
    from matcher.bundle import current_bundle
    from matcher.model import MatchingModel
    from models.threads import limit_threads

    limit_threads(settings().threads)
    model = MatchingModel.load(current_bundle(settings().bundles), threads=settings().threads)
    with Store.open(settings().store_url, create=False) as store:
        found = study_shown(model, store, folder, sample)
    for name, one in found.items():
        typer.echo(
            f"{ITEM_NAMES[name]}（{one.items:,} 项）：显示 {_interval(one.probability)}，真实 {_interval(one.good)}，"
            f"期望校准误差 {_interval(one.error)}"
        )
    _write({name: asdict(one) for name, one in found.items()}, out)


@app.command()
def threshold(
    dataset: Annotated[Path, typer.Argument(help="Folder with demands.csv, achievements.csv, judgements.csv.")],
    risk: Annotated[float, typer.Option(help="Share of answers without a good match on top, at most.")] = 0.4,
    confidence: Annotated[float, typer.Option(help="Confidence that the risk stays below.")] = 0.8,
    out: Json = None,
) -> None:
    """Risk against coverage of answering, on judgements that the ranker did not see.

    What a bundle answers by, `gongxu train` calibrates in the same way at the risk GONGXU_ANSWER_RISK.

    Each half of the demands is answered by the threshold of the other half. Risk: none of the first three is a good
    match (level 3 or 4).

    Examples:
      gongxu lab study threshold ../shared/data/bdci2019 --json threshold.json

      gongxu lab study threshold judged/2025 --risk 0.3

    """
    from data.errors import InputError
    from data.files.judged import load_judged
    from data.progress import steps
    from data.settings import settings
    from eval.offline.systems import build_corpus
    from eval.studies.answering import (
        area_under_risk,
        cross_fitted,
        out_of_fold_confidences,
        risk_coverage,
    )
    from models.threads import limit_threads

    for name, share in (("--risk", risk), ("--confidence", confidence)):
        if not 0 < share < 1:
            raise InputError(f"{name} is {share:g}; it must lie between 0 and 1")
    limit_threads(settings().threads)
    (pairs,) = load_judged(dataset)
    with steps(STEPS) as progress:
        demands = out_of_fold_confidences(build_corpus(pairs, settings(), progress), progress=progress)
    area, chance = area_under_risk(demands)
    curve = risk_coverage(demands)
    typer.echo(f"{len(demands)} 条需求；其中 {demands.possible.mean():.0%} 的候选里有好的匹配。")
    typer.echo(f"平均风险（AURC）{area:.3f}，随机次序 {chance:.3f}")
    for point in curve:
        typer.echo(f"  回答 {point.coverage.value:4.0%}  门槛 {point.threshold:.3f}  风险 {_interval(point.risk)}")
    point = cross_fitted(demands, risk, confidence)
    typer.echo(f"门槛 {point.threshold:.3f}（风险上限 {risk:.0%}，置信度 {confidence:.0%}）；两半互相校准时：")
    typer.echo(f"  回答 {_interval(point.coverage)}，风险 {_interval(point.risk)}")
    _write({"aurc": area, "chance": chance, "curve": [asdict(p) for p in curve], "chosen": asdict(point)}, out)


def _interval(value: "Estimate", *, signed: bool = False) -> str:
    form = "+.4f" if signed else ".4f"
    return f"{value.value:{form}} [{value.low:{form}}, {value.high:{form}}]"


def _write(content: object, out: Path | None) -> None:
    if out is not None:
        out.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        typer.echo(f"已写入 {out}")
