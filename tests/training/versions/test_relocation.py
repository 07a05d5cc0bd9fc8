"""A copied home writes its runs and their artifacts into itself, and finds those it was copied with."""

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from mlflow import MlflowClient

from data.settings import Settings
from training.versions.relocation import settle
from training.versions.runs import record_run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


def recorded(home, name):
    run_id = record_run(Settings(home=home), name, {"a": 1}, {"m": 0.5}, {"facts.json": {"said": name}})
    assert run_id
    return run_id


def files(folder):
    return {path.relative_to(folder): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_everything_of_a_copy_stays_in_the_copy(tmp_path):
    first, second = tmp_path / "甲 a", tmp_path / "sub" / "b"
    old = recorded(first, "old")
    second.parent.mkdir()
    shutil.copytree(first, second)
    before = files(first)
    new = recorded(second, "new")
    assert files(first) == before
    client = MlflowClient(Settings(home=second).mlflow_uri)
    for run_id in (old, new):
        folder = Path(unquote(urlsplit(client.get_run(run_id).info.artifact_uri).path))
        assert second.resolve() in folder.parents
        assert (folder / "facts.json").is_file()
    assert settle(Settings(home=second)) == 0
    assert settle(Settings(home=first)) == 0


def test_a_moved_home_goes_on(tmp_path):
    old = recorded(tmp_path / "a", "old")
    (tmp_path / "a").rename(tmp_path / "b")
    recorded(tmp_path / "b", "new")
    assert not (tmp_path / "a").exists()
    client = MlflowClient(Settings(home=tmp_path / "b").mlflow_uri)
    assert "/b/mlartifacts/" in client.get_run(old).info.artifact_uri
