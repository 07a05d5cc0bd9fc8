"""From a fitted scorer to a candidate: judged on held-out demands, put in a bundle, recorded in MLflow."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from data.settings import Settings
from data.store.store import Store
from eval.online.analysis import ANALYSIS, Analysis, slice_label
from eval.online.versions import PREDICTIONS, Candidate, Figure
from matcher.bundle import CHALLENGER, Manifest, link_files, new_bundle, new_version, publish, set_pointer
from matcher.collection.rows import PairIndices
from matcher.engine import Engine
from matcher.features.table import NEARNESS_COLUMNS, FeatureTable
from matcher.history.axes import HistoryAxes
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.out_of_fold import history_of
from matcher.model import RECORD_FOLDERS, SCORER_FOLDER, MatchingModel
from matcher.ranking.scorer import Scorer, Scores
from models.ranking.ordinal import RankerParameters
from training.candidate.analysis import feature_weights, learning_curve, worst_pairs
from training.candidate.first_stage import fit_first_stages
from training.candidate.model_card import model_card
from training.candidate.naming import run_name
from training.candidate.plots import plot_curve, plot_importance, plot_reliability, plot_slices
from training.comparison.pairs import (
    HeldOut,
    PairTable,
    Records,
    calibration_error,
    figures,
    reliability,
    save_predictions,
)
from training.comparison.reference import Rates
from training.comparison.sample_answers import ask, reference_of, sample_demands
from training.comparison.slices import slice_figures, slices_of
from training.versions import candidates
from training.versions.candidates import HISTORY
from training.versions.registry import bundle_facts, publish_candidate, write_model
from training.versions.runs import RunDraft, recorded_run

HEADLINE = ("ndcg10", "auc2", "score", "recall10")  # of the figures; the others are in the table figures.json
EASY_PAIRS = 20  # held-out pairs below which no figure is worth printing


@dataclass(frozen=True)
class FittedScorer:
    """A scorer that learned from the pairs `learned`, over a base bundle's records; `table` holds all pairs' features."""

    model: MatchingModel
    base: Path
    manifest: Manifest
    scorer: Scorer
    pairs: GradedPairs
    table: FeatureTable
    learned: NDArray[np.intp]
    held_out: NDArray[np.intp]
    parameters: RankerParameters
    started: float


@dataclass(frozen=True)
class BuiltBundle:
    """A bundle and what went into it; `unreached` says why MLflow does not have the run yet, empty if it has."""

    directory: Path
    manifest: Manifest
    unreached: str = ""


def finish(
    settings: Settings, store: Store, fitted: FittedScorer, progress: Callable[[str], None] = lambda _: None
) -> BuiltBundle:
    """Make a candidate of a fitted scorer: a sealed bundle that nothing serves yet, its figures, its run in MLflow."""
    progress("held out")
    scored, part = _held_out(fitted)
    scores = Scores.none() if part is None else part.scores(fitted.scorer)
    served = served_scorer(fitted)
    records = stored_records(store, scored)
    engine = Engine(replace(fitted.model, scorer=served))
    progress("first stage")
    served = replace(served, first_stages=fit_first_stages(engine, served, store))
    engine = Engine(replace(fitted.model, scorer=served))
    answers = ask(engine, sample_demands(list(store.demands())))
    known = Records({key: store.demand(key) for key in set(answers.demand_ids)}, {})
    created_at = datetime.now(UTC)
    version = new_version(settings.bundles, created_at)
    slices = slice_figures(scored, scores, slices_of(scored, records, settings.slices))
    candidate = Candidate(
        version=version,
        created_at=created_at,
        base=fitted.manifest.version,
        watermark=fitted.manifest.watermark,
        data_digest=store.digest(),
        parameters={key: str(value) for key, value in asdict(fitted.parameters).items()},
        pairs=len(fitted.learned),
        held_out_share=settings.held_out_share,
        held_out_pairs=len(scored),
        held_out_demands=len(set(scored.demand_ids)),
        figures={name: Figure.of(value) for name, value in figures(scored, scores).items()},
        slices={name: {m: Figure.of(value) for m, value in found.items()} for name, found in slices.items()},
        calibration_error=_finite(calibration_error(scored, scores)),
        latency_ms=_finite(answers.latency),
        unanswered=answers.unanswered_share if answers.asked else None,
        bytes=0,
        seconds=round(monotonic() - fitted.started, 1),
    )
    progress("analysis")
    analysis = _analyse(settings, fitted, part, scored, scores, records)
    before = next((one for one in candidates.all_candidates(settings) if one.version != version), None)
    progress("mlflow")
    example = (fitted.model.demands.base.cards.ids[0], fitted.model.achievements.base.cards.ids[0])
    with new_bundle(settings.bundles) as directory:
        link_files(fitted.base, directory, RECORD_FOLDERS)
        served.save(directory / SCORER_FOLDER)
        reference_of(engine, answers, known, Rates.of(fitted.pairs)).save(directory)
        name = run_name(
            version,
            candidate.parameters,
            candidate.pairs,
            before.parameters if before else {},
            before.pairs if before else 0,
        )
        with recorded_run(settings, "train", name) as run:
            run.started_at = created_at - timedelta(seconds=candidate.seconds)  # of the training, not of its record
            candidate = candidate.model_copy(update={"record_id": run.record_id})
            _fill(run, settings, fitted, candidate, scored, scores)
            _fill_analysis(run, analysis)
            write_model(run.artifacts, settings.bundles / version, example)
        trained = fitted.manifest.model_copy(
            update={
                "version": version,
                "created_at": created_at,
                "feature_names": served.ranker.feature_names_,
                "training_pairs": len(fitted.learned),
                "mlflow_run_id": run.run_id,
                "files": {},
            }
        )
        progress("bundle")
        published = publish(directory, trained, serve=False)
    _keep(settings, candidate, fitted.scorer, scored, scores)
    (candidates.folder_of(settings, version) / ANALYSIS).write_text(analysis.model_dump_json(), encoding="utf-8")
    size, _ = bundle_facts(published)
    candidate = candidate.model_copy(update={"run_id": run.run_id, "bytes": size})
    candidates.save(settings, candidate)
    set_pointer(settings.bundles, CHALLENGER, version)
    _, unreached = publish_candidate(settings, candidate)
    return BuiltBundle(published, trained, run.unreached or unreached)


def served_scorer(fitted: FittedScorer) -> Scorer:
    """Return the scorer with the held-out outcomes in its history: it was not taught by them, but it may tell of them."""
    if not len(fitted.held_out):
        return fitted.scorer
    rows, grades = fitted.pairs.known_as_of()
    batch = fitted.pairs.batch(fitted.model.demands.base, fitted.model.achievements.base)
    nearness = fitted.table.select(NEARNESS_COLUMNS)
    axes = HistoryAxes(fitted.scorer.history.demand_axes, fitted.scorer.history.achievement_axes)
    history = history_of(fitted.pairs, batch, rows, grades, nearness, fitted.parameters.seed, axes=axes)
    return replace(fitted.scorer, history=history)


def comparable_rows(pairs: GradedPairs, held_out: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the held-out rows to compare versions on: each pair that lists showed once, each judgement.

    A shown pair so young that a contact is more likely still to come than not is left out.
    """
    rows, _ = pairs.known_as_of()
    rows = np.asarray(np.intersect1d(rows, held_out), dtype=np.intp)
    if pairs.certain is None:
        return rows
    settled = (pairs.grade[rows] >= 2) | (pairs.certain[rows, 1] >= 0.5)
    return np.asarray(rows[settled], dtype=np.intp)


def held_out_pairs(model: MatchingModel, pairs: GradedPairs, rows: NDArray[np.intp]) -> HeldOut:
    """Return the given rows by their ids."""
    demands, achievements = model.demands.base.cards.ids, model.achievements.base.cards.ids
    return HeldOut(
        [demands[row] for row in pairs.d[rows].tolist()],
        [achievements[row] for row in pairs.a[rows].tolist()],
        pairs.grade[rows],
        pairs.judged[rows],
    )


def _held_out(fitted: FittedScorer) -> tuple[HeldOut, PairTable | None]:
    """Return the held-out outcomes and their features; None without any."""
    rows = comparable_rows(fitted.pairs, fitted.held_out)
    model = fitted.model
    part = PairTable(
        rows,
        FeatureTable(fitted.table.values[rows], fitted.table.names),
        fitted.pairs.batch(model.demands.base, model.achievements.base).take(PairIndices(rows)),
    )
    return held_out_pairs(fitted.model, fitted.pairs, rows), part if len(rows) else None


def _analyse(
    settings: Settings,
    fitted: FittedScorer,
    part: PairTable | None,
    held: HeldOut,
    scores: Scores,
    records: Records,
) -> Analysis:
    """Return where the scorer goes wrong on held-out outcomes; empty where there are too few of them."""
    if part is None or len(held) < EASY_PAIRS:
        return Analysis()
    learned = fitted.learned
    pairs, table = fitted.pairs.take(learned), FeatureTable(fitted.table.values[learned], fitted.table.names)
    group = fitted.model.demands.base.cards.identity_groups()[pairs.d]
    return Analysis(
        worst=worst_pairs(Engine(replace(fitted.model, scorer=fitted.scorer)), held, scores, records),
        curve=learning_curve(pairs, table, group, part, held, fitted.parameters, settings.threads),
        weights=feature_weights(fitted.scorer, part),
    )


def _fill_analysis(run: RunDraft, analysis: Analysis) -> None:
    """Add the analysis to a run: tables that MLflow shows, and plots."""
    run.write_table(
        "worst_pairs.json", [one.model_dump() | {"reasons": "；".join(one.reasons)} for one in analysis.worst]
    )
    run.write_table("learning_curve.json", [one.model_dump() for one in analysis.curve])
    run.write_table("shap_summary.json", [one.model_dump() for one in analysis.weights])
    if analysis.curve:
        plot_curve(run.artifacts / "learning_curve.png", analysis.curve)
    if analysis.weights:
        weights = {one.feature: one.weight for one in analysis.weights}
        plot_importance(run.artifacts / "shap_summary.png", weights, "Mean |SHAP|, log-odds")


def stored_records(store: Store, held: HeldOut) -> Records:
    """Return the records of held-out pairs that the store still holds."""
    demands, achievements = set(held.demand_ids), set(held.achievement_ids)
    return Records(
        {record.demand_id: record for record in store.demands() if record.demand_id in demands},
        {record.achievement_id: record for record in store.achievements() if record.achievement_id in achievements},
    )


def _fill(
    run: RunDraft, settings: Settings, fitted: FittedScorer, candidate: Candidate, held: HeldOut, scores: Scores
) -> None:
    """Put everything about a training into its run."""
    importance = fitted.scorer.ranker.importance()
    run.params = {
        **asdict(fitted.parameters),
        "bundle": candidate.version,
        "base": candidate.base,
        "watermark": candidate.watermark,
        "data_digest": candidate.data_digest,
        "held_out_share": candidate.held_out_share,
        "encoder": settings.encoder,
        "encoder_digest": fitted.manifest.encoder_digest,
        "features": len(fitted.scorer.ranker.feature_names_),
    }
    grades = fitted.pairs.grade[fitted.learned]
    run.metrics = {
        "pairs": float(len(fitted.learned)),
        **{f"pairs_grade_{grade}": float((grades == grade).sum()) for grade in range(5)},
        "held_out_pairs": float(candidate.held_out_pairs),
        "held_out_demands": float(candidate.held_out_demands),
        "seconds": candidate.seconds,
        **{name: value for name in HEADLINE if (value := _value(candidate.figures, name)) is not None},
    }
    everything = {"": candidate.figures} | candidate.slices
    run.write_table(
        "figures.json",
        [
            {"slice": slice_label(name), "metric": metric, **figure.model_dump()}
            for name, found in everything.items()
            for metric, figure in found.items()
        ],
    )
    run.dataset = (f"store at {candidate.watermark}", candidate.data_digest, {"pairs": candidate.pairs})
    for name in ("calibration_error", "latency_ms", "unanswered"):
        value = getattr(candidate, name)
        if value is not None:
            run.metrics[name] = value
    run.tags = {"gongxu.bundle": candidate.version}
    run.write_json("feature_importance.json", importance)
    run.write_json("candidate.json", candidate.model_dump(mode="json"))
    run.write_text("model_card.md", model_card(candidate, importance))
    plot_importance(run.artifacts / "feature_importance.png", importance)
    if candidate.held_out_pairs >= EASY_PAIRS:
        plot_reliability(run.artifacts / "reliability.png", reliability(held, scores))
        metric = settings.gate.metric
        plot_slices(run.artifacts / f"slices_{metric}.png", candidate.figures.get(metric), candidate.slices, metric)
        save_predictions(run.artifacts / PREDICTIONS, held, scores)


def _value(found: Mapping[str, Figure], name: str) -> float | None:
    return found[name].value if name in found else None


def metric_name(text: str) -> str:
    """Return a name with only characters that MLflow's metric names may have."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "_-. ") else "_" for sign in text)


def _keep(settings: Settings, candidate: Candidate, scorer: Scorer, held: HeldOut, scores: Scores) -> None:
    """Keep what later comparisons need: the history without held-out outcomes, and what was said of these."""
    folder = candidates.folder_of(settings, candidate.version)
    folder.mkdir(parents=True, exist_ok=True)
    scorer.history.save(folder / HISTORY)
    save_predictions(folder / PREDICTIONS, held, scores)


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
