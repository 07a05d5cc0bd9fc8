"""The file that overrides parameters, slices and margins: what it may hold, and what wins over it."""

import pytest

from data.errors import SettingsError
from data.learning import LEARNING_FILE, GateMargins, MonitorLimits, RankerParameters, TuningRanges
from data.settings import Settings, settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home whose settings are read again; returns a function that writes its file."""
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path))
    settings.cache_clear()
    yield lambda text: (tmp_path / LEARNING_FILE).write_text(text, encoding="utf-8")
    settings.cache_clear()


def test_without_a_file_the_defaults_hold(home):
    assert settings().ranker == RankerParameters()
    assert settings().gate == GateMargins()


def test_the_file_overrides_single_values_and_keeps_the_rest(home):
    home("[ranker]\ntrees = 300\n[gate]\nmetric = 'auc2'\nslice_margin = 0.05\n[slices]\nshort_text = 80\n")
    assert settings().ranker == RankerParameters(trees=300)
    assert settings().gate == GateMargins(metric="auc2", slice_margin=0.05)
    assert (settings().slices.short_text, settings().slices.min_demands) == (80, 20)


def test_variables_win_over_the_file_and_arguments_over_both(home, monkeypatch):
    home("[gate]\ngain = 0.1\nslice_margin = 0.05\n[report_slices]\nmin_rows = 9\n")
    monkeypatch.setenv("GONGXU_GATE_GAIN", "-0.005")
    monkeypatch.setenv("GONGXU_REPORT_SLICES_MIN_ROWS", "12")
    assert settings().gate == GateMargins(gain=-0.005, slice_margin=0.05)
    assert settings().report_slices.min_rows == 12
    assert Settings(gate=GateMargins(gain=0.2)).gate.gain == 0.2


def test_a_home_given_as_an_argument_brings_its_own_file(home, tmp_path):
    home("[ranker]\ntrees = 300\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / LEARNING_FILE).write_text("[ranker]\ntrees = 9\n", encoding="utf-8")
    assert Settings(home=other).ranker.trees == 9


def test_ranges_of_the_search_and_limits_of_the_monitor_are_overridden_alike(home, monkeypatch):
    home("[tuning]\ntrees = [20, 80]\nfolds = 5\n[monitor]\npsi = 0.1\nrate_low = 0.5\n")
    monkeypatch.setenv("GONGXU_TUNING_LEARNING_RATE", "[0.05, 0.1]")
    monkeypatch.setenv("GONGXU_MONITOR_DAYS", "7")
    assert settings().tuning == TuningRanges(trees=(20, 80), learning_rate=(0.05, 0.1), folds=5)
    assert settings().monitor == MonitorLimits(days=7, psi=0.1, rate_low=0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[tuning]\ntrees = [80, 20]\n",
            r"learning.toml \[tuning\] trees = \[80, 20\] cannot be used: .*below its beginning 80",
        ),
        (
            "[tuning]\ntrees = [80, 9000]\n",
            r"learning.toml \[tuning\] trees.1 = 9000 cannot be used: .*less than or equal",
        ),
        ("[monitor]\npsy = 0.1\n", r"\[monitor\] names 'psy'; known: days, psi, drifted_gain"),
        ("[rankers]\ntrees = 3\n", r"learning.toml holds 'rankers'; known sections: \[ranker\]"),
        ("trees = 3\n", "learning.toml holds 'trees'"),
        ("[ranker]\ntreees = 3\n", r"\[ranker\] names 'treees'; known: trees, learning_rate"),
        ("[gate]\nslice_margin = 7\n", r"learning.toml \[gate\] slice_margin = 7 cannot be used: .*less than or equal"),
        ("[gate\n", "learning.toml cannot be read"),
    ],
)
def test_what_the_file_may_not_hold_is_named(home, text, message):
    home(text)
    with pytest.raises(SettingsError, match=message):
        settings()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("GONGXU_RANKER_TREES", "0", "GONGXU_RANKER_TREES='0' cannot be used"),
        ("GONGXU_RANKER_TREEES", "3", "unknown setting GONGXU_RANKER_TREEES; known settings: .*GONGXU_RANKER_TREES"),
        ("GONGXU_GATE", "{}", "unknown setting GONGXU_GATE;"),
    ],
)
def test_variables_are_checked_alike(home, monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=message):
        settings()
