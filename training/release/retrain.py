"""The whole loop unattended: import, build, train, evaluate, gate, promote or explain; once at a time, resumed, repeatable."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from data.cluster.workers import THIS_PROCESS, Workers
from data.errors import BundleError
from data.files.importer import import_paths
from data.locks import exclusive
from data.settings import Settings
from data.store.store import Store
from eval.online.versions import Decision
from matcher.bundle import CURRENT, FORMAT_VERSION, latest_build, pointed, read_manifest
from models.ranking.ordinal import RankerParameters
from training.pipeline import build, train
from training.release.promotion import promote
from training.versions import candidates
from training.versions.provenance import package_version
from training.versions.runs import push_pending

STATE = "retrain.json"
LOCK = "retrain.lock"
Progress = Callable[[str], None]


class RetrainState(BaseModel):
    """How far a retraining has come; what it was made from is in `key`."""

    key: str = ""
    built: str = ""
    candidate: str = ""
    finished: bool = False


class Retrained(BaseModel):
    """What a retraining came to."""

    status: Literal["nothing new", "promoted", "refused"]
    imported: int = 0
    rejected: int = 0
    resumed: bool = False
    built: str = ""
    candidate: str = ""
    decision: Decision | None = None
    removed: list[str] = []
    # Why MLflow does not have all runs yet; empty if it has.
    unreached: str = ""


def retrain(
    settings: Settings,
    store: Store,
    paths: Sequence[Path] = (),
    parameters: RankerParameters | None = None,
    *,
    again: bool = False,
    tune_minutes: float = 0.0,
    progress: Progress = lambda _: None,
    workers: Workers = THIS_PROCESS,
) -> Retrained:
    """Import what lies in `paths`, then make a new version of the store as it is and serve it if the gate agrees.

    With `tune_minutes` above 0 the ranker's parameters are searched for that long; `workers` take part in the build.
    Nothing is done if store, parameters and code are those of the last time, unless `again`. A run that was broken off
    goes on after its last finished step, as long as nothing changed since.

    Raises:
        BusyError: another one is running.
        GongxuError: a step failed; the next call takes it up again.

    """
    parameters = parameters or settings.ranker
    with exclusive(settings.home / LOCK, "retraining"):
        imported = rejected = 0
        if paths:
            progress("import")
            summary = import_paths(store, list(paths), rejects=settings.home / "rejects", apart=settings.threads > 1)
            imported = sum(file.inserted + file.updated for file in summary.files)
            rejected = sum(file.rejected for file in summary.files)
        progress("digest")
        key = state_key(settings, store, parameters)
        state = load_state(settings)
        if state.key == key and state.finished and not again:
            return Retrained(status="nothing new", imported=imported, rejected=rejected)
        resumed = state.key == key and not state.finished and bool(state.built)
        if not resumed:
            state = RetrainState(key=key)
        if not (state.built and (settings.bundles / state.built).is_dir()):
            built = _usable_build(settings, store) or build(settings, store, progress, workers).manifest.version
            state = _save(settings, state.model_copy(update={"built": built, "candidate": ""}))
        if not (state.candidate and candidates.folder_of(settings, state.candidate).is_dir()):
            made = train(settings, store, parameters, progress, tune_minutes)
            state = _save(settings, state.model_copy(update={"candidate": made.manifest.version}))
        decision = None
        if state.candidate != pointed(settings.bundles, CURRENT):  # else it was promoted just before it was broken off
            decision = promote(settings, store, state.candidate, progress=progress)
        _save(settings, state.model_copy(update={"finished": True}))
        served = pointed(settings.bundles, CURRENT) == state.candidate
        return Retrained(
            status="promoted" if served else "refused",
            imported=imported,
            rejected=rejected,
            resumed=resumed,
            built=state.built,
            candidate=state.candidate,
            decision=decision,
            removed=candidates.prune(settings),
            unreached=push_pending(settings),
        )


def state_key(settings: Settings, store: Store, parameters: RankerParameters) -> str:
    """Return a digest of all that a retraining is made from: store, parameters, encoder, code."""
    facts = {
        "store": store.digest(),
        "parameters": asdict(parameters),
        "encoder": [settings.encoder, settings.encoder_adapt],
        "held_out_share": settings.held_out_share,
        "gongxu": package_version("gongxu"),
        "format": FORMAT_VERSION,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def load_state(settings: Settings) -> RetrainState:
    """Return how far the last retraining came; an unreadable state counts as none."""
    try:
        return RetrainState.model_validate_json((settings.home / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return RetrainState()


def _usable_build(settings: Settings, store: Store) -> str:
    """Return the latest build's version if it holds the store's records as they are, else nothing."""
    try:
        directory = latest_build(settings.bundles)
        manifest = read_manifest(directory)
    except BundleError:
        return ""
    return manifest.version if manifest.watermark == store.watermark() else ""


def _save(settings: Settings, state: RetrainState) -> RetrainState:
    waiting = settings.home / f".{STATE}"
    waiting.write_text(state.model_dump_json(), encoding="utf-8")
    waiting.replace(settings.home / STATE)
    return state
