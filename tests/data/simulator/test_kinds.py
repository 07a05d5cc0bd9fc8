"""Simulated services, experts and equipment: imported without a reject, taken up as the truth says, same bytes for a seed."""

import csv
import json

import pytest

from data.files.importer import import_paths
from data.kinds.outcome import KindOutcome
from data.settings import settings
from data.simulator.kinds.records import FILES
from data.simulator.plan import SimulationPlan
from data.simulator.simulation import simulate
from data.store.store import Store
from tests.some import some

PLAN = SimulationPlan(achievements=20, demands=300, events=0, seed=3, kinds=80)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    simulate(PLAN, folder)
    return folder


def truth_of(out):
    with (out / "truth" / "kinds.csv").open(encoding="utf-8", newline="") as file:
        return {(row["kind"], row["demand_id"], row["record_id"]): float(row["chance"]) for row in csv.DictReader(file)}


def outcomes_of(out):
    lines = (out / "kind_outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_records_and_outcomes_are_taken_as_they_are(out, tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        for file in some(import_paths(store, [out / name for name in FILES.values()]).files):
            assert (file.inserted, file.rejected) == (80, 0)
        assert store.kinds.counts() == {"equipment": 80, "expert": 80, "service": 80}
        assert store.kinds.get("equipment", "EQ000001").attributes["technical_data"]
        sent = [one for one in outcomes_of(out) if one.pop("record_kind") == "service"]
        store.kind_outcomes.append("service", [KindOutcome.model_validate(one) for one in sent])
        pairs = store.kind_outcomes.pairs("service")
    settings.cache_clear()
    known = {(demand, record) for kind, demand, record in truth_of(out) if kind == "service"}
    assert {(pair.demand_id, pair.record_id) for pair in pairs} == known


def test_pairs_are_taken_up_as_often_as_their_truth_says(out):
    taken = {
        (one["record_kind"], one["demand_id"], one["record_id"]) for one in outcomes_of(out) if one["kind"] == "contact"
    }
    truth = sorted(truth_of(out).items(), key=lambda item: item[1])
    thirds = [truth[len(truth) * part // 3 : len(truth) * (part + 1) // 3] for part in range(3)]
    for third in some(thirds):
        expected = sum(chance for _, chance in third) / len(third)
        assert sum(pair in taken for pair, _ in third) / len(third) == pytest.approx(expected, abs=0.04)
    assert thirds[2][-1][1] > 0.8 > 0.2 > thirds[0][0][1]


def test_the_same_plan_writes_the_same_bytes_and_none_without_kinds(out, tmp_path):
    simulate(PLAN, tmp_path / "again")
    simulate(SimulationPlan(achievements=20, demands=300, events=0, seed=3), tmp_path / "without")
    names = (*FILES.values(), "kind_outcomes.jsonl", "truth/kinds.csv")
    for name in some(names):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()
        assert not (tmp_path / "without" / name).exists()
    assert (tmp_path / "without" / "demands.csv").read_bytes() == (out / "demands.csv").read_bytes()
