"""Build and train over a real store: what is published, what is refused."""

import shutil
import warnings

import pytest

from data.errors import BundleError, InputError
from data.learning import LEARNING_FILE
from data.records import Achievement, Demand, OutcomeEvent
from data.settings import Settings
from data.store.store import Store
from matcher.bundle import current_bundle, read_manifest, set_current, verify
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.features.table import FEATURES
from matcher.model import MatchingModel
from training.pipeline import MIN_PAIRS, build, train
from training.release.promotion import promote
from training.versions import candidates


@pytest.fixture
def home(tmp_path):
    settings = Settings(home=tmp_path / "home", threads=1)
    with Store.open(settings.store_url) as store:
        yield settings, store


def fill(store, n=12):
    store.upsert_demands(Demand(demand_id=f"D{i}", title=f"需要污泥干化设备第{i}种") for i in range(n))
    store.upsert_achievements(
        Achievement(achievement_id=f"A{i}", title=f"{'污泥' if i % 2 else '电池'}干燥技术{i}") for i in range(n)
    )


def judge(store, n, level):
    store.append_events(
        OutcomeEvent(
            event_id=f"E{i}", demand_id=f"D{i // 12}", achievement_id=f"A{i % 12}", kind="judgement", level=level(i)
        )
        for i in range(n)
    )


def test_a_trained_bundle_says_what_it_is(platform):
    built, trained = verify(platform.built), verify(platform.trained)
    assert current_bundle(platform.settings.bundles) == platform.trained
    assert built.version < trained.version
    assert (built.achievements, built.demands) == (trained.achievements, trained.demands) == (80, 30)
    assert built.feature_names == ()
    assert trained.feature_names == FEATURES
    assert trained.training_pairs >= MIN_PAIRS
    with Store.open(platform.settings.store_url) as store:
        assert trained.watermark == built.watermark == store.watermark()
    assert trained.mlflow_run_id


def test_everything_lies_under_the_home(platform):
    names = {path.name for path in platform.settings.home.iterdir()}
    assert {"store.db", "bundles", "mlflow.db", "mlartifacts"} <= names


def test_the_run_is_in_mlflow(platform):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from mlflow import MlflowClient

        client = MlflowClient(platform.settings.mlflow_uri)
        manifest = read_manifest(platform.trained)
        run = client.get_run(manifest.mlflow_run_id)
        artifacts = [file.path for file in client.list_artifacts(manifest.mlflow_run_id)]
    assert run.info.status == "FINISHED"
    assert run.data.params["bundle"] == manifest.version
    assert run.data.params["trees"] == "60"
    assert run.data.metrics["pairs"] == manifest.training_pairs
    assert sum(run.data.metrics[f"pairs_grade_{grade}"] for grade in range(5)) == manifest.training_pairs
    assert {"feature_importance.json", "feature_importance.png", "model_card.md", "environment.json", "model"} <= {
        *artifacts
    }
    assert run.data.tags["gongxu.bundle"] == manifest.version
    assert len(run.data.params["data_digest"]) == 64


def test_training_does_not_change_what_the_build_made(platform):
    before = {path.relative_to(platform.built) for path in platform.built.rglob("*") if path.is_file()}
    after = {path.relative_to(platform.trained) for path in platform.trained.rglob("*") if path.is_file()}
    assert {path.as_posix().split("/")[0] for path in after - before} == {"scorer", "reference.json"}
    assert before <= after


def test_an_empty_store_cannot_be_built(home):
    settings, store = home
    with pytest.raises(InputError, match="the store holds no achievements; import some with `gongxu import`"):
        build(settings, store)
    store.upsert_achievements([Achievement(achievement_id="A", title="污泥干化")])
    with pytest.raises(InputError, match="the store holds no demands"):
        build(settings, store)
    assert not settings.bundles.exists() or not list(settings.bundles.iterdir())


def test_two_records_are_enough_to_build_and_to_ask(home):
    settings, store = home
    store.upsert_achievements([Achievement(achievement_id="A", title="污泥干化设备")])
    store.upsert_demands([Demand(demand_id="D", title="污泥怎么干化")])
    built = build(settings, store)
    answer = Engine(MatchingModel.load(built.directory)).recommend_achievements(store.demand("D"))
    assert [match.id for match in answer.items] == ["A"]


def test_records_that_say_nothing_do_not_stop_a_build(home):
    settings, store = home
    fill(store)
    store.upsert_achievements(
        [Achievement(achievement_id="N", title="无"), Achievement(achievement_id="M", title="。")]
    )
    store.upsert_demands([Demand(demand_id="N", title="详见附件")])
    built = build(settings, store)
    assert (built.manifest.achievements, built.manifest.demands) == (14, 13)


def test_training_needs_a_bundle_first(home):
    with pytest.raises(BundleError, match="run `gongxu import` and `gongxu build` first"):
        train(*home)


@pytest.mark.parametrize("n", [0, MIN_PAIRS - 1])
def test_too_few_outcomes_are_counted(home, n):
    settings, store = home
    fill(store)
    built = build(settings, store)
    judge(store, n, level=lambda i: 1 + i % 4)
    with pytest.raises(InputError, match=rf"^{n} outcomes concern records of the bundle, training needs at least 50"):
        train(settings, store)
    assert current_bundle(settings.bundles) == built.directory


def test_outcomes_of_one_grade_are_refused_and_the_old_bundle_stays(home):
    settings, store = home
    fill(store)
    built = build(settings, store)
    judge(store, 80, level=lambda _: 2)
    with pytest.raises(InputError, match="at least 2 different grades"):
        train(settings, store)
    assert current_bundle(settings.bundles) == built.directory
    assert len([path for path in settings.bundles.iterdir() if path.is_dir()]) == 1


def test_a_damaged_base_is_not_trained_on(home, platform):
    settings, store = home
    shutil.copytree(platform.built.parent, settings.bundles)
    damaged = current_bundle(settings.bundles) / "viewer" / "text" / "words.trie"
    damaged.write_bytes(b"x")
    with pytest.raises(BundleError, match=r"words\.trie"):
        train(settings, store)


@pytest.fixture(scope="module")
def steered(platform, tmp_path_factory):
    """A home whose learning file says other things than the product, and two versions trained on one build in it."""
    settings = Settings(home=tmp_path_factory.mktemp("steered"), threads=1)
    shutil.copytree(platform.built.parent, settings.bundles)
    (settings.home / LEARNING_FILE).write_text(
        "[ranker]\ntrees = 7\n[slices]\nmin_demands = 1\nshort_text = 100000\n[gate]\nbundle_mb = 0.001\n",
        encoding="utf-8",
    )
    settings = Settings(home=settings.home, threads=1)
    with (
        Store.open(platform.settings.store_url) as store,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own
        versions = []
        for _ in range(2):
            set_current(settings.bundles, platform.built.name)
            versions.append(train(settings, store).manifest.version)
    return settings, versions


def test_the_same_store_gives_the_same_scores(platform, steered):
    settings, versions = steered
    with Store.open(platform.settings.store_url) as store:
        demand = next(store.demands())
    first, second = (
        Engine(MatchingModel.load(settings.bundles / version)).recommend_achievements(demand, filters=Filters.none())
        for version in versions
    )
    assert len(first.items) > 3
    assert [(m.id, m.score) for m in first.items] == [(m.id, m.score) for m in second.items]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own
def test_the_learning_file_of_a_home_steers_training_and_gate(platform, steered):
    settings, (version, _) = steered
    candidate = candidates.load(settings, version)
    with Store.open(platform.settings.store_url) as store:
        decision = promote(settings, store, version)
    assert candidate.parameters["trees"] == "7"
    assert "short texts" in candidate.slices
    assert "short texts" not in candidates.load(platform.settings, platform.trained.name).slices
    assert {check.name: (check.passed, check.limit) for check in decision.checks}["size"] == (False, 0.001)
