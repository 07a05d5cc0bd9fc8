"""What MLflow keeps of a run."""

import json
from pathlib import Path

import pytest

from data.settings import Settings
from training.versions.runs import EXPERIMENT, record_run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


def test_a_run_is_kept_whole_and_a_second_one_beside_it(tmp_path):
    from mlflow import MlflowClient

    settings = Settings(home=tmp_path / "home", threads=1)
    texts = {"importance.json": {"污泥": 1.5}}
    first = record_run(settings, "one", {"trees": 3}, {"pairs": 7.0}, texts)
    second = record_run(settings, "two", {"trees": 4}, {"pairs": 8.0}, {})
    client = MlflowClient(settings.mlflow_uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    runs = {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {first, second}
    assert runs[first].data.params["trees"] == "3"
    assert runs[second].data.metrics["pairs"] == 8.0
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    path = client.download_artifacts(first, "importance.json", str(tmp_path))
    assert json.loads(Path(path).read_text(encoding="utf-8")) == texts["importance.json"]
    assert (tmp_path / "home" / "mlartifacts").is_dir()
