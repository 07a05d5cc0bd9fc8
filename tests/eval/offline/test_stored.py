"""Evaluation of a store: its judgements, and what its log of shown lists tells."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from data.errors import InputError
from data.files.importer import import_paths
from data.records import Achievement, Demand
from data.settings import Settings, settings
from data.simulator import SimulationPlan, simulate
from data.simulator.outcomes import examination
from data.store.store import Store
from eval.offline.report import html_report
from eval.offline.stored import MIN_CLICKS, ShownLog, log_findings, shown_log, stored_pairs
from eval.offline.systems import build_corpus
from gongxu import app


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home whose store holds a tiny simulated platform; nothing is built."""
    folder = tmp_path_factory.mktemp("stored")
    simulate(SimulationPlan(achievements=60, demands=25, events=900, seed=7), folder / "sim")
    with Store.open(f"sqlite:///{folder / 'store.db'}") as opened:
        import_paths(opened, [folder / "sim"], rejects=folder / "rejects")
    return folder


@pytest.fixture
def own_settings():
    """Let the test's variables be read, and nobody after it see them."""
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def store(home):
    with Store.open(f"sqlite:///{home / 'store.db'}") as opened:
        yield opened


@pytest.fixture(scope="module")
def pairs(store):
    return stored_pairs(store)


@pytest.fixture(scope="module")
def log(store, pairs):
    return shown_log(store, pairs)


def test_every_judgement_of_the_simulated_file_is_there(home, pairs):
    lines = (home / "sim" / "judgements.csv").read_text(encoding="utf-8").splitlines()[1:]
    ids = zip(pairs.demand_rows.tolist(), pairs.achievement_rows.tolist(), pairs.levels.tolist(), strict=True)
    found = [f"{pairs.demands[d].demand_id},{pairs.achievements[a].achievement_id},{level}" for d, a, level in ids]
    assert sorted(found) == sorted(lines)


def test_the_log_holds_each_shown_item_once_and_knows_what_was_clicked(home, log):
    events = [json.loads(line) for line in (home / "sim" / "events.jsonl").read_text().splitlines()]
    shown = {(e["request_id"], e["achievement_id"]) for e in events if e["kind"] == "impression"}
    clicked = {(e["request_id"], e["achievement_id"]) for e in events if e["kind"] == "click"}
    assert len(log.d) == len(shown)
    assert int(log.clicked.sum()) == len(clicked & shown)
    assert set(log.position.tolist()) == set(range(1, 11))


def test_a_log_is_worth_what_it_earned_and_a_better_order_more(home, pairs):
    """Lists in arbitrary order, clicks where a look meets a text near the demand's: the encoder's order is the better."""
    random = np.random.default_rng(0)
    corpus = build_corpus(pairs, Settings(home=home, threads=1))
    request = np.repeat(np.arange(600), 10)
    d = np.repeat(random.integers(0, len(pairs.demands), 600), 10)
    a = np.concatenate([random.permutation(len(pairs.achievements))[:10] for _ in range(600)])
    position = np.tile(np.arange(1, 11), 600)
    near = np.einsum("nd,nd->n", corpus.demands.texts.full.vectors[d], corpus.achievements.texts.full.vectors[a])
    clicked = random.random(6000) < examination(position) * (near > np.quantile(near, 0.8))
    found = log_findings(corpus, ShownLog(d, a, request, position, clicked))
    assert [place["position"] for place in found["positions"]] == list(range(1, 11))
    assert found["positions"][0]["examination"] == 1.0
    shown, turned, encoder = (found["orders"][name] for name in ("shown", "reversed", "encoder"))
    assert shown["ips"]["value"] == pytest.approx(clicked.mean(), abs=1e-6)
    assert shown["snips"]["value"] == pytest.approx(clicked.mean(), abs=1e-6)
    assert encoder["doubly_robust"]["low"] > shown["doubly_robust"]["value"]
    assert turned["effective"] < shown["effective"] == 6000
    json.dumps(found, allow_nan=False)
    head = {name: {} for name in ("splits", "lifts", "slices", "calibration", "lists", "levels")}
    page = html_report({"title": "t", "rows": 1, "demands": 1, "achievements": 1, "log": found} | head)
    assert "离线策略评估" in page


def test_a_handful_of_clicks_is_no_log(log):
    assert log.clicked.sum() < MIN_CLICKS
    assert log_findings(None, log) == {}


def test_a_store_without_judgements_says_what_to_do(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as empty:
        empty.upsert_demands([Demand(demand_id="D", title="污泥干化")])
        empty.upsert_achievements([Achievement(achievement_id="A", title="污泥干化")])
        with pytest.raises(InputError, match="no expert judgements of its records; import some"):
            stored_pairs(empty)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own
def test_evaluate_without_a_dataset_evaluates_the_store(home, tmp_path, monkeypatch, own_settings):
    monkeypatch.setenv("GONGXU_HOME", str(home))
    monkeypatch.setenv("GONGXU_THREADS", "1")
    out, report = tmp_path / "figures.json", tmp_path / "report.html"
    words = ["evaluate", "--split", "grouped", "--system", "encoder", "--system", "bm25"]
    result = CliRunner().invoke(app, [*words, "--json", str(out), "--report", str(report)])
    assert result.exit_code == 0, result.output
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert set(figures["splits"]["grouped"]) == {"encoder", "bm25"}
    assert figures["log"] == {}
    assert np.isfinite(figures["splits"]["grouped"]["encoder"]["auc2"]["value"])
    assert "<svg" in report.read_text(encoding="utf-8")


def test_a_report_in_a_folder_that_is_not_there_is_refused_before_work(tmp_path):
    result = CliRunner().invoke(app, ["evaluate", "--report", str(tmp_path / "no" / "r.html")])
    assert isinstance(result.exception, InputError)
    assert "the folder of --report" in str(result.exception)
    result = CliRunner().invoke(app, ["evaluate", "--test", str(tmp_path)])
    assert "--test needs --dataset" in str(result.exception)
