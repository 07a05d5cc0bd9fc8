"""The documented example, run as it is on a small store."""

import runpy
from pathlib import Path

import pytest

from matcher.bundle import CURRENT, pointed
from models.ranking.ordinal import RankerParameters
from tests.training.conftest import copy_home

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "retraining.py"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # MLflow's own
def test_the_example_trains_compares_promotes_and_rolls_back(platform, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GONGXU_THREADS", "1")
    settings = copy_home(platform.settings, tmp_path / "home")
    before = pointed(settings.bundles, CURRENT)
    script = runpy.run_path(str(EXAMPLE))
    small = {"few trees": RankerParameters(trees=5), "more trees": RankerParameters(trees=15)}
    served = script["main"](settings.home, small)
    assert len(served) == 3
    assert served[0] == served[2] != served[1]
    assert before not in served
    assert pointed(settings.bundles, CURRENT) == served[0]
    shown = capsys.readouterr().out
    assert "trees 5" in shown
    assert "trees 15" in shown
    assert "served:" in shown
