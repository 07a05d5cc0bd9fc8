"""`gongxu lab load` floods a server on a copy of a home and leaves the home as it was."""

import math

import pytest

from data.errors import InputError
from data.store.store import Store
from eval.bench.servers import evidence, shards
from eval.bench.servers.evidence import bench_evidence
from eval.bench.servers.load import LoadResult
from eval.bench.servers.serve import Plan, bench_serve
from eval.bench.servers.shards import bench_shards
from serving.access.credentials import add_key
from serving.access.roles import Role
from tests.e2e.servers import copy_of


def test_a_server_under_load_is_measured_and_the_home_untouched(platform, tmp_path):
    home = copy_of(platform, tmp_path / "home")
    chosen = platform.settings.model_copy(update={"home": home})
    with Store.open(chosen.store_url) as store:
        before = store.counts()
    plan = Plan(workers=1, rate=4, seconds=1, clients=4, swaps=1, soak_minutes=0.1)
    rows = {(row.stage, row.metric): row for part in bench_serve(chosen, plan) for row in part}
    with Store.open(chosen.store_url) as store:
        assert store.counts() == before
    assert sorted(path.name for path in home.glob("gongxu-bench-*")) == []
    failed = {stage: row.value for (stage, metric), row in rows.items() if metric == "failed"}
    assert set(failed.values()) == {0.0}
    assert len(failed) == 9
    calm = "4/s, explain none"
    assert 0 < rows[calm, "p50"].value <= rows[calm, "p99"].value
    assert 0 < rows[calm, "CPU of the server, each"].value < 10_000
    assert rows["1 workers, at start", "start to ready"].value > 0
    # Nothing piles up: what is held after six seconds of load is about what was held after half a one.
    soak = "soak 0.1 min at 4/s"
    assert rows[soak, "own memory at the end"].value < 1.2 * rows[soak, "own memory after a tenth"].value + 20


def test_the_cost_of_evidence_is_measured_beside_a_server_without(platform, monkeypatch):
    monkeypatch.setattr(evidence, "MODES", ("off", "all"))
    (off,), (each, low, high) = bench_evidence(platform.settings, Plan(seconds=2))
    assert each.stage == "evidence all"
    assert each.ratio == pytest.approx(each.value / off.value)
    assert 0 < low.value <= each.ratio <= high.value


def test_servers_that_ask_shards_answer_as_one_process_does(platform, monkeypatch):
    monkeypatch.setattr(shards, "SAME", 25)
    found = [row for rows in bench_shards(platform.settings, Plan(seconds=1)) for row in rows]
    rows = {(row.stage, row.metric): row for row in found}
    assert rows["lists", "equal in ids, order and scores"].value == rows["lists", "asked"].value > 60
    cut = rows["3 shards, free text", "p50"]
    assert cut.ratio == pytest.approx(cut.value / rows["one process, free text", "p50"].value)
    assert not any(row.value for row in found if row.metric == "failed")
    assert all(rows[f"shard {number}", "memory"].value > 0 for number in range(3))


def test_a_home_with_keys_is_refused(platform, tmp_path):
    chosen = platform.settings.model_copy(update={"home": copy_of(platform, tmp_path / "home")})
    with Store.open(chosen.store_url) as store:
        add_key(store, "somebody", Role.BACKEND)
    with pytest.raises(InputError, match="API keys"):
        next(bench_serve(chosen, Plan()))


def test_quantiles_and_rates():
    load = LoadResult(duration=2.0, seconds=[0.001, 0.002, 0.003])
    load.statuses.update([200, 200, 200, 503, 429, 0, 500])
    assert (load.rate, load.failures, load.quantile(0.5)) == (1.5, 2, 2.0)
    assert math.isnan(LoadResult().quantile(0.5))
