"""MLflow away, and back: nothing is lost, nothing doubled, against a real tracking server."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from training.versions import candidates
from training.versions.registry import sync
from training.versions.runs import EXPERIMENT, TrackingError, pending, record_run, recorded_run, shown

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # MLflow's own


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Run a real tracking server; yield its address."""
    base, port = tmp_path_factory.mktemp("server"), free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{base / 'mlflow.db'}",
        "--artifacts-destination",
        str(base / "files"),
    ]
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=base, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=2):
                    break
            except OSError:
                time.sleep(0.3)
        else:
            pytest.fail((base / "log").read_text())
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # with its workers, which a polite signal leaves waiting
        process.wait(30)


def test_a_server_that_is_away_costs_nothing_and_gets_all_later(copied, server):
    from mlflow import MlflowClient

    away = copied.settings.model_copy(update={"mlflow_tracking_uri": f"http://127.0.0.1:{free_port()}"})
    for candidate in candidates.all_candidates(away):  # as if they had been trained while it was away
        with recorded_run(away, "train", f"train {candidate.version}") as run:
            run.params["bundle"] = candidate.version
            (run.artifacts / "model").mkdir()
            run.write_json("model/note.json", {"bundle": candidate.version})
        assert run.run_id == ""
        assert "cannot be reached" in run.unreached
        assert "gongxu sync" in run.unreached
        changes = {"record_id": run.record_id, "run_id": "", "model_version": ""}
        candidates.save(away, candidate.model_copy(update=changes))
    assert len(pending(away)) == 2
    with pytest.raises(TrackingError, match="cannot be reached"):
        sync(away)

    back = away.model_copy(update={"mlflow_tracking_uri": server})
    done = sync(back)
    assert sorted(done.pushed) == [f"train {copied.first}", f"train {copied.second}"]
    assert not pending(back)
    client = MlflowClient(server, server)
    versions = {found.tags["bundle"]: found for found in client.search_model_versions("name='gongxu'")}
    assert set(versions) == {copied.first, copied.second}
    assert client.get_model_version_by_alias("gongxu", "champion").tags["bundle"] == copied.first
    assert client.get_model_version_by_alias("gongxu", "challenger").tags["bundle"] == copied.second
    again = sync(back)
    assert (again.pushed, again.registered) == ([], [])
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert len(client.search_runs([experiment.experiment_id])) == 2
    artifact = client.download_artifacts(candidates.load(back, copied.first).run_id, "model/note.json")
    assert copied.first in Path(artifact).read_text(encoding="utf-8")


def test_a_run_reaches_the_server_at_once_when_it_is_there(copied, server):
    from mlflow import MlflowClient

    settings = copied.settings.model_copy(update={"mlflow_tracking_uri": server})
    run_id = record_run(settings, "one", {"a": 1}, {"figure": 0.5, "missing": float("nan")}, {"x.json": {"污": 1}})
    run = MlflowClient(server).get_run(run_id)
    assert run.data.metrics == {"figure": 0.5}
    assert run.info.status == "FINISHED"
    assert run.data.tags["gongxu.kind"] == "train"


def test_mlflow_s_own_variable_names_the_server(monkeypatch):
    from data.settings import Settings

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert Settings().mlflow_uri == "http://tracking:5000"
    monkeypatch.setenv("GONGXU_MLFLOW_TRACKING_URI", "http://other:5000")
    assert Settings().mlflow_uri == "http://other:5000"


def test_a_password_in_the_address_is_not_shown():
    assert shown("https://user:secret@host:5000/x") == "https://host:5000/x"
