"""`gongxu build` goes on from the latest build where little changed, and reads everything where it must."""

import json
import shutil

import pytest
from typer import Typer
from typer.testing import CliRunner

from data.store.store import Store
from matcher.bundle import latest_build, read_manifest
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.texts.encoding import contextual_encoder
from training.commands.train import build_command
from training.pipeline import build
from training.renewal import reading_digest, renewable

TEXT = "。新增一套污泥低温干化中试装置，处理量每天30吨，含水率低于35%"


@pytest.fixture
def home(platform, tmp_path):
    """Settings of a copy of the platform, its store, and what its latest build says of itself."""
    shutil.copytree(platform.settings.home, tmp_path / "home")
    settings = platform.settings.model_copy(update={"home": tmp_path / "home"})
    with Store.open(settings.store_url) as store:
        yield settings, store, read_manifest(latest_build(settings.bundles))


def edit(store, count):
    records = list(store.achievements())[:count]
    store.upsert_achievements([one.model_copy(update={"content": one.content + TEXT}) for one in records])
    return records[0].record_id


def test_few_changes_are_read_alone_and_the_next_build_counts_on(home):
    settings, store, first = home
    assert first.changed == 0
    edited = edit(store, 2)
    second = build(settings, store)
    assert (second.manifest.fitted, second.manifest.changed) == (first.fitted, 2)
    store.delete_demand(list(store.demands())[3].record_id)
    third = build(settings, store)
    assert (third.manifest.fitted, third.manifest.changed) == (first.fitted, 3)
    assert third.manifest.demands == first.demands - 1
    engine = Engine(MatchingModel.load(third.directory))
    assert engine.recommend_demands(store.achievement(edited)).items


def taken_over(settings, store, reading=None):
    """Return the build that the next one goes on from, None if it reads everything."""
    known = read_manifest(latest_build(settings.bundles)).reading
    return renewable(settings, store, list(store.achievements()), list(store.demands()), reading or known)


def test_many_changes_read_everything(home):
    settings, store, _ = home
    assert taken_over(settings, store).manifest.version == latest_build(settings.bundles).name
    edit(store, 12)
    assert taken_over(settings, store) is None


def test_another_way_to_read_reads_everything(home):
    settings, store, first = home
    other = reading_digest(settings.model_copy(update={"contextual_encoder": "none"}), None)
    assert other != reading_digest(settings, contextual_encoder(settings)) == first.reading
    assert taken_over(settings, store, other) is None
    built = build(settings, store, full=True)
    assert built.manifest.fitted == built.manifest.version != first.fitted


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what MLflow calls
def test_the_command_says_what_it_took_over(home, monkeypatch):
    settings, store, first = home
    edit(store, 1)
    monkeypatch.setenv("GONGXU_HOME", str(settings.home))
    app = Typer()
    app.command()(build_command)
    said = CliRunner().invoke(app, ["--json"])
    assert said.exit_code == 0, said.output
    facts = json.loads(said.stdout)
    assert (facts["fitted"], facts["changed_since_fit"]) == (first.fitted, 1)
    shown = CliRunner().invoke(app, [])
    assert f"沿用 {first.fitted} 的词表、主题与术语，此后有 1 条记录变化" in shown.output
    assert read_manifest(settings.bundles / facts["bundle"]).changed == 1
