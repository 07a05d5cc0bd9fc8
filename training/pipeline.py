"""The two steps that make a bundle: build (records to model) and train (outcomes to scorer)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data.errors import InputError
from data.settings import Settings
from data.store import Store
from matcher.bundle import Manifest, current_bundle, link_files, new_bundle, new_version, publish, verify
from matcher.encoding import store_encoder
from matcher.features import label_free_table
from matcher.model import RECORD_FOLDERS, SCORER_FOLDER, MatchingModel
from matcher.scorer import fit_scorer
from models.ranker import RankerParameters
from training.pairs import graded_pairs
from training.tracking import record_run

Progress = Callable[[str], None]
MIN_PAIRS = 50


@dataclass(frozen=True)
class Built:
    """A published bundle and what went into it."""

    directory: Path
    manifest: Manifest


def build(settings: Settings, store: Store, progress: Progress = lambda _: None) -> Built:
    """Build a bundle from all records of the store and make it current; it has no ranker yet.

    Raises:
        InputError: the store lacks achievements or demands.

    """
    watermark = store.watermark()
    progress("records")
    achievements, demands = list(store.achievements()), list(store.demands())
    progress("encoder")
    encoder = store_encoder(settings, demands, achievements)
    model = MatchingModel.build(achievements, demands, encoder, progress)
    created_at = datetime.now(UTC)
    manifest = Manifest(
        version=new_version(settings.bundles, created_at),
        created_at=created_at,
        watermark=watermark,
        achievements=len(achievements),
        demands=len(demands),
        encoder_digest=encoder.digest,
    )
    progress("bundle")
    with new_bundle(settings.bundles) as directory:
        model.save_records(directory)
        published = publish(directory, manifest)
    return Built(published, manifest)


def train(
    settings: Settings,
    store: Store,
    parameters: RankerParameters | None = None,
    progress: Progress = lambda _: None,
) -> Built:
    """Fit a scorer on the store's outcomes over the current bundle's records and publish both as a new bundle.

    Raises:
        BundleError: nothing was built yet, or the current bundle is damaged.
        InputError: fewer than `MIN_PAIRS` outcomes concern records of the bundle, or all have one grade.

    """
    parameters = parameters or RankerParameters()
    base = current_bundle(settings.bundles)
    manifest = verify(base)
    model = MatchingModel.load(base, threads=settings.threads, verified=manifest)
    progress("outcomes")
    demands, achievements = model.demands.base, model.achievements.base
    pairs = graded_pairs(store.events(), demands.cards, achievements.cards)
    if len(pairs) < MIN_PAIRS:
        raise InputError(
            f"{len(pairs)} outcomes concern records of the bundle, training needs at least {MIN_PAIRS}; "
            "import judgements or events, or build again if records were imported since"
        )
    progress("features")
    signals = model.graph.pair_signals(pairs.d, pairs.a) if model.graph else None
    table = label_free_table(model.space, demands, achievements, pairs.d, pairs.a, signals)
    scorer = fit_scorer(
        demands, achievements, pairs, table, parameters=parameters, threads=settings.threads, progress=progress
    )
    created_at = datetime.now(UTC)
    version = new_version(settings.bundles, created_at)
    progress("mlflow")
    grades = {f"pairs_grade_{grade}": float((pairs.grade == grade).sum()) for grade in range(5)}
    run_id = record_run(
        settings,
        f"train {version}",
        {**vars(parameters), "bundle": version, "base": manifest.version, "watermark": manifest.watermark},
        {"pairs": float(len(pairs)), **grades},
        {"feature_importance.json": scorer.ranker.importance()},
    )
    trained = manifest.model_copy(
        update={
            "version": version,
            "created_at": created_at,
            "feature_names": scorer.ranker.feature_names_,
            "training_pairs": len(pairs),
            "mlflow_run_id": run_id,
            "files": {},
        }
    )
    progress("bundle")
    with new_bundle(settings.bundles) as directory:
        link_files(base, directory, RECORD_FOLDERS)
        scorer.save(directory / SCORER_FOLDER)
        published = publish(directory, trained)
    return Built(published, trained)
