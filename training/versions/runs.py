"""MLflow runs: written here first, then pushed; a server that cannot be reached costs nothing but a later `gongxu sync`."""

import json
import logging
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from pydantic import BaseModel

from data.errors import GongxuError
from data.locks import in_turn
from data.settings import Settings
from training.versions.provenance import provenance
from training.versions.relocation import artifact_root, settle

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "gongxu"
PENDING = "pending_runs"
RECORD = "run.json"
ARTIFACTS = "artifacts"
RECORD_TAG = "gongxu.record"
REACH_TIMEOUT = 5.0  # seconds after which a tracking server counts as unreachable
LOGGED = "mlflow.loggedArtifacts"
MAX_DIGEST = 36  # characters of a dataset's digest that MLflow takes
MAX_PARAM = 6000  # characters of one parameter that MLflow's stores take
RunKind = Literal["build", "train", "evaluate", "encoder", "reranker", "promotion", "monitor"]


class TrackingError(GongxuError):
    """The tracking server cannot be reached or refuses what it is sent."""


class RunRecord(BaseModel):
    """One finished run as it waits to be pushed: everything but its artifacts, which lie beside it."""

    record_id: str
    kind: RunKind
    name: str
    started_at: datetime
    ended_at: datetime
    params: dict[str, str] = {}
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}
    # What it learned from: name, digest, sizes; empty if nothing.
    dataset: tuple[str, str, dict[str, int]] | None = None


@dataclass
class RunDraft:
    """A run being written: fill it, put files into `artifacts`, it is recorded when its block ends."""

    kind: RunKind
    name: str
    artifacts: Path
    record_id: str = field(default_factory=lambda: uuid4().hex)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    params: dict[str, object] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    dataset: tuple[str, str, dict[str, int]] | None = None
    tables: list[str] = field(default_factory=list)
    # After the block: MLflow's run id, empty while the run waits for `gongxu sync`; then `unreached` says why.
    run_id: str = ""
    unreached: str = ""

    def write_json(self, name: str, content: object) -> None:
        """Add a JSON artifact."""
        text = json.dumps(content, ensure_ascii=False, indent=1, default=str)
        (self.artifacts / name).write_text(text, encoding="utf-8")

    def write_table(self, name: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Add a table that MLflow shows as one; without rows there is none."""
        if not rows:
            return
        columns = list(rows[0])
        self.write_json(name, {"columns": columns, "data": [[row[column] for column in columns] for row in rows]})
        self.tables.append(name)

    def write_text(self, name: str, content: str) -> None:
        """Add a text artifact."""
        (self.artifacts / name).write_text(content, encoding="utf-8")


@contextmanager
def recorded_run(settings: Settings, kind: RunKind, name: str, *, push_now: bool = True) -> Iterator[RunDraft]:
    """Yield a run to fill; at the end of the block it is kept on disk, then pushed to MLflow if that can be reached.

    Runs kept from before go first; with `push_now` off this one waits for the next. What the block raises leaves no run
    behind. Tags common to all runs (git commit, versions, machine) are added here.
    """
    directory = settings.home / PENDING / f".new-{uuid4().hex}"
    (directory / ARTIFACTS).mkdir(parents=True)
    draft = RunDraft(kind, name, directory / ARTIFACTS)
    try:
        yield draft
        facts = provenance()
        draft.write_json("environment.json", facts.environment)
        record = RunRecord(
            record_id=draft.record_id,
            kind=kind,
            name=name,
            started_at=draft.started_at,
            ended_at=datetime.now(UTC),
            params={key: str(value)[:MAX_PARAM] for key, value in draft.params.items()},
            metrics={key: float(value) for key, value in draft.metrics.items() if value == value},  # noqa: PLR0124 (NaN)
            dataset=draft.dataset,
            tags={**facts.tags, **draft.tags, **_tables(draft), RECORD_TAG: draft.record_id, "gongxu.kind": kind},
        )
        (directory / RECORD).write_text(record.model_dump_json(indent=1), encoding="utf-8")
        kept = directory.with_name(f"{record.started_at:%Y%m%d-%H%M%S-%f}-{record.record_id}")
        directory.rename(kept)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if push_now:
        draft.unreached = push_pending(settings, draft)


def pending(settings: Settings) -> list[Path]:
    """Return the folders of runs that MLflow does not hold yet, oldest first."""
    return sorted(path.parent for path in (settings.home / PENDING).glob(f"[!.]*/{RECORD}"))


def push_pending(settings: Settings, draft: RunDraft | None = None) -> str:
    """Push all runs that wait, telling `draft` its id; return why MLflow does not have them, empty if it has."""
    try:
        with pushing(settings):
            for directory in pending(settings):
                run_id = push(settings, directory)
                if draft is not None and directory.name.endswith(draft.record_id):
                    draft.run_id = run_id
    except TrackingError as error:
        return str(error)
    return ""


def pushing(settings: Settings) -> AbstractContextManager[None]:
    """Return a context manager in which no other process pushes this home's runs; it waits for its turn."""
    return in_turn(settings.home / PENDING / ".lock")


def push(settings: Settings, directory: Path) -> str:
    """Send one kept run to MLflow, remove its folder, and return MLflow's run id; sending twice makes one run.

    Raises:
        TrackingError: the server cannot be reached or refuses the run; the folder stays.

    """
    record = RunRecord.model_validate_json((directory / RECORD).read_text(encoding="utf-8"))
    with tracking(settings) as client:
        experiment = experiment_id(settings, client)
        found = client.search_runs([experiment], f"tags.`{RECORD_TAG}` = '{record.record_id}'", max_results=1)
        run_id = found[0].info.run_id if found else _create(client, experiment, record)
        _fill(client, run_id, record)
        _log_dataset(client, run_id, record)
        client.log_artifacts(run_id, str(directory / ARTIFACTS))
        client.set_terminated(run_id, "FINISHED", end_time=_milliseconds(record.ended_at))
    shutil.rmtree(directory)
    return str(run_id)


@contextmanager
def tracking(settings: Settings) -> Iterator["MlflowClient"]:
    """Yield a client of the tracking server and registry; whatever fails there is one TrackingError.

    Raises:
        TrackingError: the server cannot be reached or refuses what is asked.

    """
    uri = settings.mlflow_uri
    require_reachable(uri)
    # A server that hangs shall not hold a training up for the minutes that MLflow would go on trying.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    settings.home.mkdir(parents=True, exist_ok=True)
    settle(settings)
    import requests
    import sqlalchemy as sa
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    quieten()
    try:
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (MlflowException, requests.RequestException, sa.exc.SQLAlchemyError, OSError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise TrackingError(f"MLflow at {shown(uri)} failed: {first[0]}") from error


def quieten() -> None:
    """Let MLflow, once imported, report problems only: it announces each step of creating its own database."""
    for noisy in ("alembic", "mlflow"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def require_reachable(uri: str) -> None:
    """Raise TrackingError unless a tracking server answers at `uri` within seconds; a database needs no server."""
    if not uri.startswith(("http://", "https://")):
        return
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=REACH_TIMEOUT):  # noqa: S310 (http only)
            return
    except urllib.error.HTTPError as error:
        if error.code < 500:  # it wants credentials or knows no such page: it is there
            return
        reason = f"status {error.code}"
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "reason", error))
    raise TrackingError(f"MLflow at {shown(uri)} cannot be reached ({reason}); run `gongxu sync` when it is back")


def shown(uri: str) -> str:
    """Return a tracking URI without what may be a password in it."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def experiment_id(settings: Settings, client: "MlflowClient") -> str:
    """Return the id of gongxu's MLflow experiment, created if need be; artifacts lie in GONGXU_HOME without a server."""
    known = client.get_experiment_by_name(EXPERIMENT)
    if known is not None:
        return str(known.experiment_id)
    folder = artifact_root(settings) if settings.mlflow_is_local else None
    return str(client.create_experiment(EXPERIMENT, artifact_location=folder))


def record_run(
    settings: Settings,
    name: str,
    parameters: Mapping[str, object],
    figures: Mapping[str, float],
    texts: Mapping[str, Any],
    kind: RunKind = "train",
    started_at: datetime | None = None,
) -> str:
    """Record one finished run and return MLflow's id of it, empty while it waits to be pushed.

    `figures` become metrics; `texts` become JSON artifacts under their names; it ends now, and began at `started_at`.
    """
    with recorded_run(settings, kind, name) as run:
        run.started_at = started_at or run.started_at
        run.params.update(parameters)
        run.metrics.update(figures)
        for file, content in texts.items():
            run.write_json(file, content)
    return run.run_id


def _tables(draft: RunDraft) -> dict[str, str]:
    """Return the tag by which MLflow knows which artifacts are tables."""
    return {LOGGED: json.dumps([{"path": name, "type": "table"} for name in draft.tables])} if draft.tables else {}


def _log_dataset(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    """Enter what a run learned from in MLflow's list of datasets."""
    if record.dataset is None:
        return
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name, digest, sizes = record.dataset
    source = json.dumps({"store": name})
    held = Dataset(name, digest[:MAX_DIGEST], "gongxu", source, profile=json.dumps(sizes))
    client.log_inputs(run_id, [DatasetInput(held, [InputTag("mlflow.data.context", "training")])])


def _create(client: "MlflowClient", experiment: str, record: RunRecord) -> str:
    started = _milliseconds(record.started_at)
    run = client.create_run(experiment, start_time=started, tags=record.tags, run_name=record.name)
    return str(run.info.run_id)


def _fill(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    """Send parameters and metrics in MLflow's batches of at most 100 and 1,000."""
    from mlflow.entities import Metric, Param

    params = [Param(key, value) for key, value in record.params.items()]
    moment = _milliseconds(record.ended_at)
    metrics = [Metric(key, value, moment, 0) for key, value in record.metrics.items()]
    for start in range(0, max(len(params), 1), 100):
        client.log_batch(run_id, params=params[start : start + 100])
    for start in range(0, len(metrics), 1000):
        client.log_batch(run_id, metrics=metrics[start : start + 1000])


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
