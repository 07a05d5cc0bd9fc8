"""The comparison of ways to learn an order, on a tiny simulated folder, all the way through."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from data.simulator import SimulationPlan, simulate
from gongxu import app
from training.studies.ranker import BASELINE


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own
def test_every_way_is_measured_on_the_same_new_demands(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GONGXU_THREADS", "1")
    simulate(SimulationPlan(achievements=60, demands=30, events=1_500, seed=3), tmp_path / "sim")
    out = tmp_path / "orders.json"
    result = CliRunner().invoke(
        app,
        ["lab", "compare-rankers", str(tmp_path / "sim"), "--trees", "10", "--without", "context", "--json", str(out)],
    )
    assert result.exit_code == 0, result.output
    orders = json.loads(out.read_text(encoding="utf-8"))
    assert set(orders) == {
        BASELINE,
        "ordinal",
        "ordinal_position_10",
        "without context",
    }
    assert orders[BASELINE]["lift"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    for order in orders.values():
        assert 0 <= order["ndcg"]["low"] <= order["ndcg"]["value"] <= order["ndcg"]["high"] <= 1
        difference = order["ndcg"]["value"] - orders[BASELINE]["ndcg"]["value"]
        assert order["lift"]["difference"]["value"] == pytest.approx(difference)
        assert 0 <= order["known_ndcg"]["low"] <= order["known_ndcg"]["high"] <= 1
        assert order["microseconds"] > 0
    assert orders["ordinal_position_10"]["trees"] < orders[BASELINE]["trees"]
    assert np.isfinite(orders["ordinal"]["lift"]["p_value"])
    left_out = orders["without context"]
    assert left_out["lift"]["difference"]["value"] or left_out["known_lift"]["difference"]["value"]
    refused = CliRunner().invoke(app, ["lab", "compare-rankers", str(tmp_path / "sim"), "--without", "trees"])
    assert "parts: graph, attributes, context, history, kernel" in str(refused.exception)
    assert not (tmp_path / "home").exists() or not list((tmp_path / "home").glob("store*"))
