"""The monitor: quiet where nothing changed, loud where demands, answers or outcomes did."""

import json
from datetime import UTC, date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from data.learning import MonitorLimits
from data.records import Demand, EventKind
from data.settings import settings as environment
from data.store.store import Store
from eval.online.monitor_report import REPORT, last_report
from matcher.history.graded_pairs import GradedPairs, OutcomeLog
from training.commands.upkeep import monitor_command
from training.comparison.reference import Histogram, Rates
from training.release.monitor import monitor

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def last_day(store):
    return max(event.occurred_at for event in store.events() if event.occurred_at)


def finding(report, name):
    return next(found for found in report.findings if found.name == name)


@pytest.fixture
def store(copied):
    with Store.open(copied.settings.store_url) as store:
        yield store


def test_the_traffic_of_training_is_no_alarm(copied, store):
    report = monitor(copied.settings, store, days=800, until=last_day(store))
    assert report.version == copied.first
    assert report.events > 1000
    assert report.demands >= 20
    assert not report.alarm, [found.message for found in report.findings]
    assert {found.name for found in report.findings} >= {"traffic", "feature drift", "score drift", "unanswered"}
    assert len(report.features) > 10
    assert sum(one.share for one in report.features.values()) == pytest.approx(1.0)
    assert report.drifted == {n: round(one.index, 4) for n, one in report.features.items() if one.index > one.limit}


def test_the_command_leaves_its_report_for_the_dashboard(copied, store, monkeypatch):
    home = copied.settings.home
    assert last_report(home) is None
    (home / REPORT).write_text("")  # as a redirection leaves it while the command runs
    assert last_report(home) is None
    monkeypatch.setenv("GONGXU_HOME", str(home))
    environment.cache_clear()
    try:
        app = Typer()
        app.command()(monitor_command)
        done = CliRunner().invoke(app, ["--days", "7", "--until", "2031-01-01", "--json"])
    finally:
        environment.cache_clear()
    assert done.exit_code == 1, done.output  # nothing happened in that week
    kept = last_report(home)
    assert json.loads(done.stdout.splitlines()[-1]) == json.loads((home / REPORT).read_text())
    assert (kept.alarm, kept.version, kept.events) == (True, copied.first, 0)
    assert [path.name for path in home.glob(".monitor*")] == []


def test_demands_of_another_kind_are_drift(copied, store):
    until = last_day(store) + timedelta(days=400)
    store.upsert_demands(
        Demand(
            demand_id=f"N{i}",
            title=f"剧本杀门店会员小程序{i}",
            content="想找人做一个剧本杀门店的会员管理小程序，要有拼车、储值和点评",
            published_at=until.date() - timedelta(days=2),
        )
        for i in range(60)
    )
    report = monitor(copied.settings, store, days=30, until=until)
    assert report.demands >= 20
    drift = finding(report, "feature drift")
    assert drift.alarm, [found.message for found in report.findings]
    assert len(report.drifted) > 10
    assert report.alarm


def test_silence_is_an_alarm(copied, store):
    report = monitor(copied.settings, store, days=7, until=last_day(store) + timedelta(days=900))
    assert finding(report, "traffic").alarm
    assert "没有任何事件" in finding(report, "traffic").message


def shown_pairs(n, clicked, seed=0):
    random = np.random.default_rng(seed)
    position = random.integers(1, 11, n)
    grade = (random.random(n) < clicked / position).astype(np.int64)
    log = OutcomeLog(
        judged=np.zeros(n, dtype=np.bool_),
        request=np.arange(n),
        position=position,
        shown_at=np.full(n, 1.7e9),
        reason=np.full(n, -1, dtype=np.int8),
        change_row=np.arange(n),
        change_at=np.full(n, 1.7e9),
        change_grade=grade,
    )
    demands = random.integers(0, 100, n)
    return GradedPairs(demands, np.arange(n), grade, np.where(grade > 0, 1.0, 0.5), log, np.ones((n, 4)))


@pytest.mark.parametrize(("clicked", "alarm"), [(0.3, False), (0.12, True), (0.7, True)])
def test_outcome_rates_are_held_against_those_of_their_positions(clicked, alarm):
    from training.release.monitor import _rates

    reference = Rates.of(shown_pairs(20_000, 0.3))
    now = shown_pairs(4_000, clicked, seed=1)
    found = {one.name: one for one in _rates(MonitorLimits(), reference, now, np.arange(len(now)))}
    assert found["click rate"].alarm is alarm, found["click rate"].message
    assert not found["contact rate"].alarm  # none is expected: nothing is said


@given(st.integers(0, 100), st.integers(30, 400))
def test_an_index_is_zero_for_equal_values_and_grows_with_a_shift(seed, n):
    random = np.random.default_rng(seed)
    values = random.standard_normal(n)
    known = Histogram.of(values)
    assert known.psi(values, n, n) == 0
    near, far = known.psi(values + 0.5, n, n), known.psi(values + 3.0, n, n)
    assert far > near >= 0
    assert sum(known.shares) == pytest.approx(1)


def test_missing_values_are_a_bin_of_their_own():
    values = np.r_[np.arange(90.0), np.full(10, np.nan)]
    known = Histogram.of(values)
    assert known.shares[-1] == pytest.approx(0.1)
    assert known.psi(np.full(100, np.nan), 100, 100) > 1


def test_the_simulated_days_are_dated(store):
    assert last_day(store).tzinfo == UTC
    assert last_day(store).date() > date(2020, 1, 1)
    assert any(event.kind is EventKind.CLICK for event in store.events())
