"""The registered model, loaded as any MLflow user would, and the list of versions."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from data.errors import BundleFormatError, InputError, NotFoundError
from data.store.store import Store
from matcher.bundle import MANIFEST
from matcher.engine import Engine
from matcher.model import MatchingModel
from training.scoring_model import ScoringModel
from training.versions import candidates

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # MLflow's own


@pytest.fixture
def pyfunc(two_versions, monkeypatch):
    """Return MLflow set to the registry; it forgets it afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):  # MLflow sets them, and does not take them back
        monkeypatch.setenv(name, two_versions.settings.mlflow_uri)
    mlflow.set_tracking_uri(two_versions.settings.mlflow_uri)
    mlflow.set_registry_uri(two_versions.settings.mlflow_uri)
    yield mlflow.pyfunc
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


def test_the_champion_scores_a_table_of_pairs_as_the_engine_does(two_versions, pyfunc):
    import pandas as pd

    model = MatchingModel.load(two_versions.settings.bundles / two_versions.first)
    demands, achievements = model.demands.base.cards.ids[:3], model.achievements.base.cards.ids[:4]
    table = pd.DataFrame([(d, a) for d in demands for a in achievements], columns=["demand_id", "achievement_id"])
    loaded = pyfunc.load_model("models:/gongxu@champion")
    scored = loaded.predict(table)
    assert list(scored.columns) == ["probability", "level"]
    assert scored["probability"].between(0, 1).all()
    assert scored["level"].isin([1, 2, 3, 4]).all()
    assert scored["probability"].nunique() > 1
    assert [column.name for column in loaded.metadata.signature.inputs] == ["demand_id", "achievement_id"]
    answer = next(answer for answer in _answers(two_versions.settings, model) if answer.items)
    pairs = pd.DataFrame(
        {"demand_id": answer.subject_id, "achievement_id": [found.id for found in answer.items]}, dtype=str
    )
    told = loaded.predict(pairs)["probability"].to_numpy()
    np.testing.assert_allclose(told, [found.probability for found in answer.items], atol=0.05)


@pytest.fixture
def of_0_1_0(two_versions, tmp_path):
    """A model's artifact as gongxu 0.1.0 wrote it, before its files moved into sub-packages."""
    folder = tmp_path / "model"
    (folder / "data").mkdir(parents=True)
    (folder / "MLmodel").write_text(
        "flavors:\n  python_function:\n    data: data\n    loader_module: training.scoring_model\n    python_version: 3.11.7\n"
    )
    (folder / "requirements.txt").write_text("gongxu==0.1.0")
    shutil.copytree(two_versions.settings.bundles / two_versions.first, tmp_path / "old" / two_versions.first)
    pointer = {"version": two_versions.first, "directory": str(tmp_path / "old" / two_versions.first)}
    (folder / "data" / "bundle.json").write_text(json.dumps(pointer))
    return folder


def test_a_model_registered_before_the_move_still_loads(two_versions, of_0_1_0, pyfunc):
    import pandas as pd

    bundle = MatchingModel.load(two_versions.settings.bundles / two_versions.first)
    table = pd.DataFrame(
        {"demand_id": bundle.demands.base.cards.ids[:1], "achievement_id": bundle.achievements.base.cards.ids[:1]}
    )
    expected = pyfunc.load_model("models:/gongxu@champion").predict(table)
    assert pyfunc.load_model(str(of_0_1_0)).predict(table).equals(expected)


def test_a_model_whose_bundle_another_release_wrote_names_the_way_out(two_versions, of_0_1_0, pyfunc):
    manifest = of_0_1_0.parent / "old" / two_versions.first / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format_version": 5}))
    with pytest.raises(
        BundleFormatError, match=r"gongxu==0\.1\.0.*format version 5.*`gongxu build`.*`gongxu train`"
    ) as error:
        pyfunc.load_model(str(of_0_1_0))
    assert "独立环境" in error.value.chinese


def _answers(settings, model):
    engine = Engine(model)
    with Store.open(settings.store_url) as store:
        for demand in list(store.demands()):
            if demand.content:
                yield engine.recommend_achievements(demand)


def test_a_table_that_cannot_be_scored_is_refused_in_words(two_versions):
    import pandas as pd

    model = ScoringModel(MatchingModel.load(two_versions.settings.bundles / two_versions.first))
    with pytest.raises(InputError, match="lacks the column 'achievement_id'"):
        model.predict(pd.DataFrame({"demand_id": ["D"]}))
    with pytest.raises(NotFoundError, match="no demand with id 'D-no'"):
        model.predict(pd.DataFrame({"demand_id": ["D-no"], "achievement_id": ["A-no"]}))


def test_every_run_says_where_it_comes_from(two_versions):
    from mlflow import MlflowClient

    client = MlflowClient(two_versions.settings.mlflow_uri)
    runs = client.search_runs([client.get_experiment_by_name("gongxu").experiment_id])
    by_kind = {}
    for run in runs:
        by_kind.setdefault(run.data.tags["gongxu.kind"], []).append(run)
    assert {"build", "train", "promotion"} <= set(by_kind)
    for kind in ("build", "train"):
        params = by_kind[kind][0].data.params
        assert len(params["data_digest"]) == 64
        assert int(params["watermark"]) > 0
    trained = next(run for run in by_kind["train"] if run.data.tags["gongxu.bundle"] == two_versions.second)
    assert trained.data.params["trees"] == "12"
    assert trained.info.run_name.startswith(f"train {two_versions.second}: ")
    assert trained.info.end_time > trained.info.start_time
    assert [held.dataset.digest for held in trained.inputs.dataset_inputs] == [trained.data.params["data_digest"][:36]]
    tables = {one["path"] for one in json.loads(trained.data.tags["mlflow.loggedArtifacts"])}
    assert "figures.json" in tables
    assert "mlflow.source.git.commit" in trained.data.tags or not (_root() / ".git").exists()
    candidate = candidates.load(two_versions.settings, two_versions.second)
    value = candidate.figures["auc2"].value
    if value is not None:
        assert trained.data.metrics["auc2"] == pytest.approx(value, abs=1e-6)
    card = client.download_artifacts(trained.info.run_id, "model_card.md")
    text = Path(card).read_text(encoding="utf-8")
    assert two_versions.second in text
    assert "Held out" in text or "held out" in text


def _root():
    import training

    return Path(training.__file__).resolve().parents[1]


def test_models_lists_versions_with_aliases(two_versions, monkeypatch, capsys):
    from data.settings import settings
    from training.commands.release import models_command

    monkeypatch.setenv("GONGXU_HOME", str(two_versions.settings.home))
    monkeypatch.setenv("COLUMNS", "200")
    settings.cache_clear()
    try:
        models_command(as_json=True)
        models = json.loads(capsys.readouterr().out)["models"]
        models_command(as_json=False)
        shown = capsys.readouterr().out
    finally:
        settings.cache_clear()
    by_version = {model["version"]: model for model in models}
    assert by_version[two_versions.first]["aliases"] == ["champion"]
    assert by_version[two_versions.second]["aliases"] == ["challenger"]
    assert by_version[two_versions.first]["decision"] == "promoted"
    assert by_version[two_versions.second]["figures"].keys() >= {"ndcg10", "auc2"}
    assert by_version[two_versions.second]["model_version"]
    assert "champion" in shown


def test_a_version_is_found_by_any_of_its_names(two_versions):
    settings = two_versions.settings
    second = candidates.load(settings, two_versions.second)
    for name in ("", second.version, second.run_id, second.run_id[:8], second.model_version):
        assert candidates.find(settings, name).version == second.version
