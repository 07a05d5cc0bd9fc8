"""The whole way through the command line: simulate, import, build, train, recommend, evaluate."""

import csv
import json
from pathlib import Path

import pytest

from tests.e2e.conftest import run_in
from tests.some import some


class Way:
    """A home that went all the way, with what each command said."""

    def __init__(self, base: Path) -> None:
        self.simulated = base / "sim"
        self.run = run_in(base / "home")
        sizes = ("--achievements", 80, "--demands", 30, "--events", 1200)
        self.said = {
            "simulate": self.run("simulate", "--out", self.simulated, *sizes, "--json"),
            "import": self.run("import", self.simulated, "--json"),
            "build": self.run("build", "--json"),
            "train": self.run("train", "--trees", 20, "--json"),
        }

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.simulated / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def way(tmp_path_factory) -> Way:
    return Way(tmp_path_factory.mktemp("way"))


def recommended(way, *words):
    done = way.run("recommend", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_step_succeeds_and_reports_as_json(way):
    for name, done in way.said.items():
        assert done.returncode == 0, (name, done.stderr)
        json.loads(done.stdout)
    assert json.loads(way.said["import"].stdout)["store"]["achievements"] == 80
    built, trained = (json.loads(way.said[name].stdout) for name in ("build", "train"))
    assert (built["achievements"], built["demands"], built["features"], built["training_pairs"]) == (80, 30, 0, 0)
    assert trained["features"] > 100
    assert trained["training_pairs"] >= 50
    assert trained["mlflow_run_id"]
    assert Path(trained["directory"]).name == trained["bundle"] > built["bundle"]


def test_achievements_for_a_stored_demand(way):
    demand = way.rows("demands")[0]["需求编号"]
    answer = recommended(way, "--demand", demand, "--top", 5, "--explain")
    assert answer["subject_id"] == demand
    assert set(answer) == {"subject_id", "items", "answered", "verdict", "message", "degraded", "bundle_version"}
    assert not answer["degraded"]
    assert answer["bundle_version"] == json.loads(way.said["train"].stdout)["bundle"]
    ids = {row["成果编号"]: row for row in way.rows("achievements")}
    for rank, match in enumerate(answer["items"], start=1):
        assert match["rank"] == rank
        assert match["title"] == ids[match["id"]]["成果名称"]
        assert 0 < match["probability"] < 1
    assert answer["answered"] == answer["verdict"]["answered"] == (not answer["message"])
    assert answer["items"] or not answer["answered"]


def test_achievements_for_a_text(way):
    """The text of an achievement itself: nothing fits better."""
    row = next(row for row in way.rows("achievements") if row["状态"] == "发布")
    answer = recommended(way, "--text", f"需要：{row['成果名称']}。{row['成果简介']}", "--top", 3)
    assert answer["subject_id"] is None
    if answer["answered"]:
        assert row["成果编号"] in [match["id"] for match in answer["items"]]


def test_demands_for_an_achievement(way):
    achievement = way.rows("achievements")[0]["成果编号"]
    answer = recommended(way, "--achievement", achievement, "--top", 4)
    assert answer["subject_id"] == achievement
    known = {row["需求编号"] for row in way.rows("demands")}
    assert {match["id"] for match in answer["items"]} <= known


def test_filters_reach_the_engine(way):
    demand = way.rows("demands")[0]["需求编号"]
    everything = recommended(way, "--demand", demand, "--top", 200)
    answer = recommended(way, "--demand", demand, "--top", 200, "--region", "330000", "--trl", 5)
    assert len(answer["items"]) < len(everything["items"])
    rows = {row["成果编号"]: row for row in way.rows("achievements")}
    for match in some(answer["items"]):
        assert rows[match["id"]]["地区代码"].startswith("33")
        assert int(rows[match["id"]]["技术成熟度"]) >= 5


def test_the_printed_answer_names_titles_and_reasons(way):
    for row in some(way.rows("demands")[:8]):
        done = way.run("recommend", "--demand", row["需求编号"], "--top", 2, "--explain")
        assert done.returncode == 0
        if "没有足够好的匹配" not in done.stdout:
            break
    titles = [achievement["成果名称"] for achievement in way.rows("achievements")]
    flat = "".join(done.stdout.split())
    assert sum("".join(title.split()) in flat for title in titles) == 2
    assert "(+" in flat or "(-" in flat


SYSTEM_NAMES = {"random", "popularity", "bm25", "encoder", "ranker"}
METRIC_NAMES = {"score", "mae", "qwk", "auc2", "auc3", "ndcg10", "mrr", "map", "precision5", "recall10"}
PARTS = {"title", "rows", "demands", "achievements", "levels", "splits", "lifts", "slices", "calibration", "lists"}


def check_shape(figures, splits, systems):
    assert set(figures) == PARTS
    assert set(figures["splits"]) == splits
    for by_system in figures["splits"].values():
        assert set(by_system) == systems
        for by_metric in by_system.values():
            assert set(by_metric) == METRIC_NAMES
            for figure in by_metric.values():
                assert set(figure) == {"value", "low", "high"}
                assert figure["value"] is None or figure["low"] <= figure["value"] <= figure["high"]


def test_evaluate_writes_the_documented_keys(judged, tmp_path):
    out = tmp_path / "figures.json"
    run = run_in(tmp_path / "home")
    done = run("evaluate", "--dataset", judged[0], "--split", "dedup", "--split", "grouped", "--json", out)
    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text(encoding="utf-8"))
    check_shape(figures, {"dedup", "grouped"}, SYSTEM_NAMES)
    for split in ("dedup", "grouped"):
        by_system = figures["splits"][split]
        assert by_system["ranker"]["auc2"]["value"] > by_system["random"]["auc2"]["value"] + 0.2
        assert by_system["bm25"]["ndcg10"]["value"] > by_system["random"]["ndcg10"]["value"]
        assert split in done.stdout
    value = by_system["ranker"]["auc2"]["value"]
    assert f"{value:.3f} [" in done.stdout


def test_evaluate_on_another_folder_tells_warm_from_cold(judged, tmp_path):
    out = tmp_path / "figures.json"
    words = ("--system", "random", "--system", "ranker", "--json", out)
    done = run_in(tmp_path / "home")("evaluate", "--dataset", judged[0], "--test", judged[1], *words)
    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text(encoding="utf-8"))
    check_shape(figures, {"warm", "cold"}, {"random", "ranker"})
    for split in ("warm", "cold"):
        ranker, chance = (figures["splits"][split][name]["auc2"]["value"] for name in ("ranker", "random"))
        assert ranker > max(0.75, chance + 0.15)  # a tenth of the levels is random


def test_the_overview_names_every_command(tmp_path):
    done = run_in(tmp_path / "home")("--help")
    assert done.returncode == 0
    for command in ("simulate", "import", "build", "train", "recommend", "evaluate", "serve"):
        assert command in done.stdout


def test_a_command_s_help_has_examples(tmp_path):
    done = run_in(tmp_path / "home")("recommend", "--help")
    assert done.returncode == 0
    assert 'gongxu recommend --text "需要一种' in done.stdout
