"""MLflow's model registry: a version per trained bundle, aliases as the pointers of this home say."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from data.settings import Settings
from eval.online.versions import Candidate
from matcher.bundle import pointed, read_manifest
from training.scoring_model import COLUMNS, POINTER
from training.versions import candidates
from training.versions.candidates import ALIASES
from training.versions.provenance import package_version
from training.versions.runs import (
    RECORD_TAG,
    RunRecord,
    TrackingError,
    experiment_id,
    pending,
    push,
    pushing,
    quieten,
    tracking,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL = "gongxu"
MODEL_PATH = "model"  # of the model among a run's artifacts
BUNDLE_TAG = "bundle"


@dataclass
class Synced:
    """What `sync` did: runs pushed, model versions registered, aliases that now say what the pointers say."""

    pushed: list[str] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)


def write_model(artifacts: Path, bundle: Path, example: tuple[str, str]) -> None:
    """Write the MLflow model of a bundle among a run's artifacts: signature, input example, and where the bundle lies.

    Args:
        artifacts: folder of the run's artifacts.
        bundle: folder that the bundle will be published as.
        example: ids of a demand and an achievement that it holds.

    """
    import json
    import tempfile
    import warnings

    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about its own types and libraries, on being imported
        import mlflow.pyfunc
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, DataType, Schema

    quieten()
    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, name) for name in COLUMNS]),
        outputs=Schema([ColSpec(DataType.double, "probability"), ColSpec(DataType.long, "level")]),
    )
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        data.mkdir()
        pointer = {"version": bundle.name, "directory": str(bundle.resolve())}
        (data / POINTER).write_text(json.dumps(pointer, indent=1), encoding="utf-8")
        mlflow.pyfunc.save_model(
            artifacts / MODEL_PATH,
            loader_module="training.scoring_model",
            data_path=str(data),
            signature=signature,
            input_example=pd.DataFrame([dict(zip(COLUMNS, example, strict=True))]),
            pip_requirements=[f"gongxu=={package_version('gongxu') or '0'}"],
        )


def sync(settings: Settings) -> Synced:
    """Push every run that waits, register what was trained meanwhile, and set the aliases.

    Raises:
        TrackingError: the server cannot be reached or refuses; what was done until then stays done.

    """
    done = Synced()
    with pushing(settings):
        for directory in pending(settings):
            record = RunRecord.model_validate_json((directory / "run.json").read_text(encoding="utf-8"))
            _remember_run(settings, record.record_id, push(settings, directory))
            done.pushed.append(record.name)
    with tracking(settings) as client:
        for candidate in reversed(candidates.all_candidates(settings)):
            if not candidate.model_version and candidate.record_id:
                run_id = candidate.run_id or _run_of(settings, client, candidate.record_id)
                if run_id:
                    register(settings, client, candidate.model_copy(update={"run_id": run_id}))
                    done.registered.append(candidate.version)
        done.aliases = set_aliases(settings, client)
    return done


def register(settings: Settings, client: "MlflowClient", candidate: Candidate) -> Candidate:
    """Make a candidate whose run MLflow holds a version of the registered model; return it with its number."""
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(MODEL)
    except MlflowException:
        client.create_registered_model(MODEL, description="Ranker of gongxu 供需: probability and level of pairs.")
    known = client.search_model_versions(f"name='{MODEL}' and run_id='{candidate.run_id}'")
    if known:
        number = str(known[0].version)
    else:
        source = f"{client.get_run(candidate.run_id).info.artifact_uri}/{MODEL_PATH}"
        made = client.create_model_version(
            MODEL, source, candidate.run_id, tags={BUNDLE_TAG: candidate.version}, description=_headline(candidate)
        )
        number = str(made.version)
    registered = candidate.model_copy(update={"model_version": number})
    candidates.save(settings, registered)
    return registered


def set_aliases(settings: Settings, client: "MlflowClient") -> dict[str, str]:
    """Let champion, challenger and previous name the versions that the pointers of this home name; return them.

    An alias whose bundle MLflow does not know is removed.
    """
    from mlflow.exceptions import MlflowException

    known = {candidate.version: candidate.model_version for candidate in candidates.all_candidates(settings)}
    try:
        now = {alias: str(number) for alias, number in client.get_registered_model(MODEL).aliases.items()}
    except MlflowException:
        return {}
    wanted = {alias: known.get(pointed(settings.bundles, pointer), "") for pointer, alias in ALIASES.items()}
    for alias, number in wanted.items():
        if number and now.get(alias) != number:
            client.set_registered_model_alias(MODEL, alias, number)
        elif not number and alias in now:
            client.delete_registered_model_alias(MODEL, alias)
    return {alias: number for alias, number in wanted.items() if number}


def publish_candidate(settings: Settings, candidate: Candidate) -> tuple[Candidate, str]:
    """Register a candidate and set the aliases, if MLflow can be reached; return it and why not, empty if it could."""
    if not candidate.run_id:
        return candidate, ""
    try:
        with tracking(settings) as client:
            registered = candidate if candidate.model_version else register(settings, client, candidate)
            set_aliases(settings, client)
    except TrackingError as error:
        return candidate, str(error)
    return registered, ""


def refresh_aliases(settings: Settings) -> str:
    """Set the aliases if MLflow can be reached; return why not, empty if it could."""
    try:
        with tracking(settings) as client:
            set_aliases(settings, client)
    except TrackingError as error:
        return str(error)
    return ""


def tag_decision(settings: Settings, candidate: Candidate, tags: dict[str, str]) -> str:
    """Note a decision on the registered version; return why not, empty if it was."""
    if not candidate.model_version:
        return ""
    try:
        with tracking(settings) as client:
            for key, value in tags.items():
                client.set_model_version_tag(MODEL, candidate.model_version, key, value)
    except TrackingError as error:
        return str(error)
    return ""


def bundle_facts(directory: Path) -> tuple[int, str]:
    """Return the bytes of a bundle's files and the SHA-256 of its manifest."""
    manifest = read_manifest(directory)
    return sum(entry.bytes for entry in manifest.files.values()), (directory / "manifest.sha256").read_text("utf-8")


def _remember_run(settings: Settings, record_id: str, run_id: str) -> None:
    for candidate in candidates.all_candidates(settings):
        if candidate.record_id == record_id:
            candidates.save(settings, candidate.model_copy(update={"run_id": run_id}))


def _run_of(settings: Settings, client: "MlflowClient", record_id: str) -> str:
    found = client.search_runs([experiment_id(settings, client)], f"tags.`{RECORD_TAG}` = '{record_id}'", max_results=1)
    return str(found[0].info.run_id) if found else ""


def _headline(candidate: Candidate) -> str:
    figures = ", ".join(
        f"{name} {figure.value:.3f}" for name, figure in candidate.figures.items() if figure.value is not None
    )
    return f"Bundle {candidate.version}; {candidate.pairs:,} pairs; held-out: {figures or 'too few outcomes'}."
