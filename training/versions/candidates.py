"""Trained versions as this home knows them: one small folder each, beside the bundle and whether MLflow answers or not."""

import shutil
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from data.errors import BundleError, NotFoundError
from data.settings import Settings
from eval.online.experiments import running_experiment
from eval.online.versions import CANDIDATES, FACTS, Candidate
from matcher.bundle import BUILT, CHALLENGER, CURRENT, POINTERS, PREVIOUS, all_bundles, pointed
from matcher.history.outcome_history import History
from matcher.ranking.scorer import Scorer

HISTORY = "history"
ALIASES = {CURRENT: "champion", CHALLENGER: "challenger", PREVIOUS: "previous"}


def folder_of(settings: Settings, version: str) -> Path:
    """Return the folder of a candidate."""
    return settings.home / CANDIDATES / version


def save(settings: Settings, candidate: Candidate) -> None:
    """Write what is known of a candidate, in one step."""
    directory = folder_of(settings, candidate.version)
    directory.mkdir(parents=True, exist_ok=True)
    waiting = directory / f".{FACTS}"
    waiting.write_text(candidate.model_dump_json(indent=1), encoding="utf-8")
    waiting.replace(directory / FACTS)


def load(settings: Settings, version: str) -> Candidate:
    """Return what is known of a candidate.

    Raises:
        NotFoundError: no training of this home made it.
        BundleError: its facts are damaged.

    """
    path = folder_of(settings, version) / FACTS
    try:
        return Candidate.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = [candidate.version for candidate in all_candidates(settings)][:3]
        hint = f"known ones: {', '.join(known)}" if known else "run `gongxu train` first"
        raise NotFoundError(f"no trained version {version!r} here; {hint}", tuple(known)) from error
    except ValidationError as error:
        raise BundleError(f"{path} is damaged ({error.errors()[0]['msg']}); train again") from error


def all_candidates(settings: Settings) -> list[Candidate]:
    """Return all trained versions whose bundle still exists, newest first."""
    found = []
    for path in sorted((settings.home / CANDIDATES).glob(f"*/{FACTS}"), reverse=True):
        if (settings.bundles / path.parent.name / "manifest.json").is_file():
            found.append(Candidate.model_validate_json(path.read_text(encoding="utf-8")))
    return found


def find(settings: Settings, wanted: str) -> Candidate:
    """Return the candidate that a bundle version, an MLflow run id (or its beginning) or a model version number names.

    An empty name means the latest one.

    Raises:
        NotFoundError: there is none.

    """
    known = all_candidates(settings)
    if not wanted:
        if not known:
            raise NotFoundError("no trained version here; run `gongxu train` first")
        return known[0]
    for candidate in known:
        if wanted in (candidate.version, candidate.model_version, candidate.run_id):
            return candidate
    beginning = [candidate for candidate in known if len(wanted) >= 6 and candidate.run_id.startswith(wanted)]
    if len(beginning) == 1:
        return beginning[0]
    return load(settings, wanted)


def without_held_out(settings: Settings, version: str, scorer: Scorer) -> Scorer:
    """Return a candidate's scorer with the history that knows no held-out outcome, as versions are compared by.

    Raises:
        NotFoundError: that history was not kept.

    """
    directory = folder_of(settings, version) / HISTORY
    if not directory.is_dir():
        raise NotFoundError(f"{directory} is missing, without which version {version} cannot be compared; train again")
    return replace(scorer, history=History.load(directory))


def aliases_of(settings: Settings, version: str) -> list[str]:
    """Return which of champion, challenger and previous a version is."""
    return [alias for pointer, alias in ALIASES.items() if pointed(settings.bundles, pointer) == version]


def prune(settings: Settings) -> list[str]:
    """Remove all bundles but those in use and the newest `keep_bundles`; return the versions removed.

    In use are those that a pointer names and those that a running experiment serves.
    """
    used = {pointed(settings.bundles, pointer) for pointer in POINTERS} - {""}
    if (experiment := running_experiment(settings.home)) is not None:
        used |= {experiment.champion, experiment.challenger}
    manifests = all_bundles(settings.bundles)
    kept = used | {manifest.version for manifest in manifests[: settings.keep_bundles]}
    removed = [manifest.version for manifest in manifests if manifest.version not in kept]
    if pointed(settings.bundles, BUILT) == "" and pointed(settings.bundles, CURRENT) == "":
        return []  # nothing says what is in use: better keep all
    for version in removed:
        shutil.rmtree(settings.bundles / version)
        shutil.rmtree(folder_of(settings, version), ignore_errors=True)
    return removed
