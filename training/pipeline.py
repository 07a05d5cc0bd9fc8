"""The two steps that make a bundle: build (records to model) and train (outcomes to scorer)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from data.cluster.workers import THIS_PROCESS, Workers
from data.errors import InputError
from data.kinds.registry import load_kinds
from data.locks import exclusive
from data.settings import Settings
from data.store.store import Store
from matcher.bundle import (
    BUILT,
    CURRENT,
    Manifest,
    has_ranker,
    latest_build,
    new_bundle,
    new_version,
    pointed,
    publish,
    set_pointer,
    verify,
)
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import ViewRows
from matcher.engine import Engine
from matcher.features.table import FeatureTable
from matcher.history.graded_pairs import GradedPairs
from matcher.kinds.index import KindIndex
from matcher.kinds.teaching import fit_rankers
from matcher.learning.fit import Examples, fit_scorer
from matcher.model import KINDS_FOLDER, MatchingModel
from matcher.renewal import renewed
from matcher.texts.encoding import contextual_encoder, store_encoder
from models.ranking.ordinal import RankerParameters
from training.candidate.asking import asking
from training.candidate.make import BuiltBundle, FittedScorer, finish
from training.candidate.tuning import STUDIES_FILE, tune
from training.outcomes.graded_pairs import graded_pairs
from training.outcomes.holdout import split_pairs
from training.renewal import reading_digest, renewable
from training.versions.registry import bundle_facts
from training.versions.runs import recorded_run

Progress = Callable[[str], None]
MIN_PAIRS = 50
LOCK = "making.lock"
WORK = ("build or training", "构建或训练")


def build(
    settings: Settings,
    store: Store,
    progress: Progress = lambda _: None,
    workers: Workers = THIS_PROCESS,
    *,
    full: bool = False,
) -> BuiltBundle:
    """Build a bundle from all records of the store; it has no ranker yet and is what the next training starts from.

    Where few records changed since the latest build only these are read (`training.renewal`), unless `full`.
    It is served at once unless that would replace a bundle with a ranker by one without. Its run goes to MLflow with the
    next one that is pushed. `workers` do what concerns single records; the bundle's files are the same wherever they run.

    Raises:
        InputError: the store lacks achievements or demands.
        BusyError: another build or training of this home is running.
        ClusterError: the workers could not do their part; nothing was published.

    """
    with exclusive(settings.home / LOCK, *WORK):
        return _build(settings, store, progress, workers, full=full)


def _build(settings: Settings, store: Store, progress: Progress, workers: Workers, *, full: bool) -> BuiltBundle:
    started, watermark = monotonic(), store.watermark()
    progress("records")
    achievements, demands = list(store.achievements()), list(store.demands())
    contextual = contextual_encoder(settings, workers)
    reading = reading_digest(settings, contextual)
    latest = None if full else renewable(settings, store, achievements, demands, reading)
    if latest is None:
        progress("encoder")
        encoder = store_encoder(settings, demands, achievements)
        model = MatchingModel.build(achievements, demands, encoder, progress, contextual, workers)
    else:
        encoder = latest.model.space.encoder
        model = renewed(latest.model, achievements, demands, latest.kept, contextual, progress)
    progress("kinds")
    kinds = load_kinds(settings.kinds)
    others = KindIndex.build(
        model.record_encoder, kinds, (one for kind in kinds.in_common_table() for one in store.kinds.all(kind.name))
    )
    outcomes = {name: store.kind_outcomes.pairs(name) for name in others.records}
    others = replace(others, rankers=fit_rankers(Engine(model), others, demands, outcomes))
    created_at, elapsed = datetime.now(UTC), monotonic() - started
    version = new_version(settings.bundles, created_at)
    manifest = Manifest(
        version=version,
        created_at=created_at,
        watermark=watermark,
        achievements=len(achievements),
        demands=len(demands),
        encoder_digest=encoder.digest,
        fitted=version if latest is None else latest.manifest.fitted,
        changed=0 if latest is None else latest.changed,
        reading=reading,
    )
    progress("bundle")
    current = pointed(settings.bundles, CURRENT)
    serve = not current or not has_ranker(settings.bundles / current)
    with new_bundle(settings.bundles) as directory:
        model.save_records(directory, None if latest is None else latest.directory)
        others.save(directory / KINDS_FOLDER)
        published = publish(directory, manifest, serve=serve)
    set_pointer(settings.bundles, BUILT, version)
    size, _ = bundle_facts(published)
    with recorded_run(settings, "build", f"build {version}", push_now=False) as run:
        run.started_at = created_at - timedelta(seconds=elapsed)  # of the build, not of its record
        run.params = {
            "bundle": version,
            "watermark": watermark,
            "data_digest": store.digest(),
            "encoder": settings.encoder,
            "encoder_digest": encoder.digest,
            "contextual_encoder_digest": contextual.digest if contextual else "none",
            "encoder_adapt": settings.encoder_adapt,
            "fitted": manifest.fitted,
        }
        run.metrics = {"achievements": len(achievements), "demands": len(demands), "bytes": size}
        run.metrics["changed_since_fit"] = manifest.changed
        run.metrics["seconds"] = monotonic() - started
        run.tags = {"gongxu.bundle": version}
    return BuiltBundle(published, manifest)


def outcome_table(model: MatchingModel, pairs: GradedPairs) -> FeatureTable:
    """Return the label-free features of graded pairs over a model's records; of a pair shown often they are made once."""
    unique, place = np.unique(np.stack([pairs.d, pairs.a]), axis=1, return_inverse=True)
    d, a = map(ViewRows, unique)
    table = model.label_free_table(PairBatch(model.demands.base, model.achievements.base, d, a))
    return FeatureTable(table.values[place.ravel()], table.names)


def train(
    settings: Settings,
    store: Store,
    parameters: RankerParameters | None = None,
    progress: Progress = lambda _: None,
    tune_minutes: float = 0.0,
) -> BuiltBundle:
    """Fit a scorer on the store's outcomes over the latest build's records and seal both as a candidate bundle.

    The candidate is served once `training.promotion` promotes it. It did not learn from the demands held out
    (`training.holdout`), by which it is judged. With `tune_minutes` above 0 its parameters are searched for that long
    first (`training.tuning`).

    Raises:
        BundleError: nothing was built yet, or the current bundle is damaged.
        InputError: fewer than `MIN_PAIRS` outcomes concern records of the bundle, or all have one grade.
        BusyError: another build or training of this home is running.

    """
    with exclusive(settings.home / LOCK, *WORK):
        return _train(settings, store, parameters or settings.ranker, progress, tune_minutes)


def _train(
    settings: Settings, store: Store, chosen: RankerParameters, progress: Progress, tune_minutes: float
) -> BuiltBundle:
    started = monotonic()
    base = latest_build(settings.bundles)
    manifest = verify(base)
    model = MatchingModel.load(base, threads=settings.threads, verified=manifest)
    progress("outcomes")
    demands, achievements = model.demands.base, model.achievements.base
    pairs = graded_pairs(store.events(), demands.cards, achievements.cards, now=datetime.now(UTC))
    if len(pairs) < MIN_PAIRS:
        raise InputError(
            f"{len(pairs)} outcomes concern records of the bundle, training needs at least {MIN_PAIRS}; "
            "import judgements or events, or build again if records were imported since"
        )
    progress("features")
    table = outcome_table(model, pairs)
    learned, held_out = split_pairs(demands.cards, pairs.d, settings.held_out_share)

    def choose(examples: Examples, group: NDArray[np.int64]) -> RankerParameters:
        studies = settings.home / STUDIES_FILE
        tuned = tune(examples, group, tune_minutes, studies, chosen, settings.threads, settings.tuning)
        progress(f"试过 {tuned.trials} 组参数：对数损失 {tuned.loss:.4f}，默认参数 {tuned.default_loss:.4f}")
        return tuned.parameters

    scorer = fit_scorer(
        demands,
        achievements,
        pairs.take(learned),
        FeatureTable(table.values[learned], table.names),
        parameters=chosen,
        threads=settings.threads,
        choose=choose if tune_minutes > 0 else None,
        answer_risk=settings.answer_risk,
        ask=asking(model, store),
        progress=progress,
    )
    fitted = FittedScorer(
        model, base, manifest, scorer, pairs, table, learned, held_out, scorer.ranker.parameters, started
    )
    return finish(settings, store, fitted, progress)
