"""Experiments: assignment, drafting, results with known answers, and the whole of it through a real server."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InputError
from data.records import EventKind, OutcomeEvent
from data.store.store import Store
from eval.online.experiments import Experiment, Mode, require_experiment, results, running_experiment, save_experiment
from matcher.recommendation import Match
from serving.runtime.experiments import served_by_challenger, team_draft
from tests.serving.conftest import quick, running, wait_for
from tests.some import some

START = datetime(2026, 1, 1, tzinfo=UTC)
URL = "/v1/recommendations/achievements"


def experiment(mode, share=0.3, name="e1"):
    return Experiment(name=name, mode=mode, champion="old", challenger="new", share=share, started_at=START)


def match(name, rank=1):
    return Match(
        rank=rank,
        id=name,
        title=name,
        owner="",
        region=None,
        status="发布",
        probability=0.5,
        grade=1,
        score=1.0,
        channels=[],
    )


@given(st.floats(0.05, 0.95))
def test_a_demander_stays_where_it_is_and_shares_come_out(share):
    running_now = experiment(Mode.SPLIT, share)
    names = [f"企业{i}" for i in range(2_000)]
    sides = [served_by_challenger(running_now, name) for name in names]
    assert sides == [served_by_challenger(running_now, name) for name in names]
    assert abs(np.mean(sides) - share) < 0.05
    more = running_now.model_copy(update={"share": min(share + 0.05, 1.0)})
    assert all(served_by_challenger(more, name) for name, side in zip(names, sides, strict=True) if side)


def test_experiments_deal_demanders_out_anew():
    one, other = experiment(Mode.SPLIT, 0.5, "a"), experiment(Mode.SPLIT, 0.5, "b")
    same = [served_by_challenger(one, f"D{i}") == served_by_challenger(other, f"D{i}") for i in range(2_000)]
    assert 0.45 < np.mean(same) < 0.55


@given(
    st.lists(st.integers(0, 30), unique=True, max_size=12),
    st.lists(st.integers(0, 30), unique=True, max_size=12),
    st.integers(1, 12),
    st.text(max_size=5),
)
def test_a_drafted_list_is_fair_and_whole(ours, theirs, top, seed):
    champion, challenger = ([match(f"A{i}") for i in side] for side in (ours, theirs))
    drafted = team_draft(champion, challenger, seed, top)
    ids = [found.id for found, _ in drafted]
    assert len(set(ids)) == len(ids) == min(top, len({*ours, *theirs}))
    assert [found.rank for found, _ in drafted] == list(range(1, len(ids) + 1))
    assert drafted == team_draft(champion, challenger, seed, top)
    if min(len(ours), len(theirs)) >= top and not {*ours} & {*theirs}:
        assert abs(sum(side for _, side in drafted) * 2 - len(drafted)) <= 1
    for wanted, team in ((False, champion), (True, challenger)):
        chosen = [found.id for found, side in drafted if side is wanted]
        order = [found.id for found in team]
        assert [order.index(name) for name in chosen] == sorted(order.index(name) for name in chosen)


def test_lists_that_agree_are_shown_as_they_are():
    items = [match(f"A{i}") for i in range(8)]
    assert [found.id for found, _ in team_draft(items, items, "x", 5)] == [f"A{i}" for i in range(5)]


def impressions(request, demand, items, at):
    for place, (achievement, version) in enumerate(items, start=1):
        yield OutcomeEvent(
            event_id=f"{request}-{place}",
            demand_id=demand,
            achievement_id=achievement,
            kind=EventKind.IMPRESSION,
            occurred_at=at,
            request_id=request,
            position=place,
            bundle_version=version,
        )


def outcome(request, demand, achievement, kind, at):
    return OutcomeEvent(
        event_id=f"{request}-{achievement}-{kind}",
        demand_id=demand,
        achievement_id=achievement,
        kind=kind,
        occurred_at=at + timedelta(minutes=5),
        request_id=request,
    )


def split_events(rates, demanders=400, seed=0):
    """Each demander asks three times; a request ends in a contact at its side's rate."""
    random, running_now = np.random.default_rng(seed), experiment(Mode.SPLIT)
    events = []
    for d in range(demanders):
        new = served_by_challenger(running_now, f"D{d}")
        for r in range(3):
            at, request = START + timedelta(hours=d, minutes=r), f"R{d}-{r}"
            version = "new" if new else "old"
            events += impressions(request, f"D{d}", [(f"A{i}", version) for i in range(5)], at)
            if random.random() < rates[new]:
                events.append(outcome(request, f"D{d}", "A2", "contact", at))
    return sorted(events, key=lambda event: (event.occurred_at, event.event_id))


def test_a_split_finds_a_true_difference_and_none_where_there_is_none(tmp_path):
    found = results(experiment(Mode.SPLIT), split_events((0.1, 0.3)), {}, tmp_path)
    rate = found.rates["contact"]
    assert rate.low > 0
    assert rate.challenger == pytest.approx(0.3, abs=0.07)
    assert rate.champion == pytest.approx(0.1, abs=0.05)
    assert "更高" in found.conclusion
    assert found.requests["champion"] + found.requests["challenger"] == 1200
    assert sum(found.demanders.values()) == 400
    assert found.share_p_value > 0.001
    none = results(experiment(Mode.SPLIT), split_events((0.2, 0.2)), {}, tmp_path)
    assert "没有显著差别" in none.conclusion


def test_a_wrong_share_is_noticed_before_any_conclusion(tmp_path):
    found = results(experiment(Mode.SPLIT, 0.6), split_events((0.1, 0.3)), {}, tmp_path)
    assert found.share_p_value < 0.001
    assert "不可信" in found.conclusion


def test_what_came_before_or_of_other_lists_does_not_count(tmp_path):
    at = START - timedelta(days=3)
    events = [
        *impressions("early", "D1", [("A1", "old")], at),
        *impressions("other", "D2", [("A1", "third")], START + timedelta(days=1)),
        outcome("early", "D1", "A1", "deal", START + timedelta(days=2)),
        outcome("other", "D2", "A1", "deal", START + timedelta(days=2)),
    ]
    found = results(experiment(Mode.SPLIT), events, {}, tmp_path)
    assert sum(found.requests.values()) == 0
    assert not found.rates


def interleaved(preference, demanders=120, seed=0):
    """Each demander clicks one item, of the challenger's with the given probability."""
    random, events = np.random.default_rng(seed), []
    for d in range(demanders):
        for r in range(2):
            at, request = START + timedelta(hours=d, minutes=r), f"R{d}-{r}"
            items = [(f"A{i}", "new" if i % 2 else "old") for i in range(6)]
            events += impressions(request, f"D{d}", items, at)
            clicked = 2 * int(random.integers(0, 3)) + int(random.random() < preference)
            events.append(outcome(request, f"D{d}", f"A{clicked}", "click", at))
    return sorted(events, key=lambda event: (event.occurred_at, event.event_id))


def test_interleaving_finds_a_true_preference_and_none_where_there_is_none(tmp_path):
    liked = results(experiment(Mode.INTERLEAVE), interleaved(0.7), {}, tmp_path)
    assert liked.wins["challenger"] > liked.wins["champion"]
    assert liked.p_value < 0.01
    assert "偏好挑战者" in liked.conclusion
    none = results(experiment(Mode.INTERLEAVE), interleaved(0.5, seed=3), {}, tmp_path)
    assert none.p_value > 0.05
    assert "没有显著偏好" in none.conclusion


def test_one_busy_demander_does_not_decide_alone(tmp_path):
    one_firm = {f"D{d}": "同一家企业" for d in range(120)}
    found = results(experiment(Mode.INTERLEAVE), interleaved(0.9), one_firm, tmp_path)
    assert sum(found.demanders.values()) == 1
    assert "还不能下结论" in found.conclusion


@pytest.fixture
def site(copied):
    return quick(copied.settings)


def begin(site, copied, mode, share=0.5):
    started = Experiment(
        name=f"live-{mode.value}",
        mode=mode,
        champion=copied.first,
        challenger=copied.second,
        share=share,
        started_at=datetime.now(UTC),
    )
    save_experiment(site.home, started)
    return started


def ask_all(client, demands):
    return {demand: client.post(URL, json={"demand_id": demand, "top_k": 5}).json() for demand in demands}


def test_a_server_splits_by_demander_and_notes_who_showed_what(site, copied):
    with Store.open(site.store_url) as store:
        demands = [demand for demand in store.demands() if demand.content][:12]
    started = begin(site, copied, Mode.SPLIT)
    with running(site) as client:
        services = client.app.state.services
        wait_for(lambda: services.experiments.running)
        answers = ask_all(client, [demand.demand_id for demand in demands])
        for demand in some(demands):
            new = served_by_challenger(started, demand.enterprise or demand.demand_id)
            assert answers[demand.demand_id]["bundle_version"] == (copied.second if new else copied.first)
        assert len({answer["bundle_version"] for answer in answers.values()}) == 2
        free = client.post(URL, json={"text": "污泥干化设备，含水率降到40%以下"}).json()
        assert free["bundle_version"] == copied.first  # nobody is recorded as having seen it
        save_experiment(site.home, started.model_copy(update={"stopped_at": datetime.now(UTC)}))
        wait_for(lambda: services.experiments.running is None)
        again = ask_all(client, [demand.demand_id for demand in demands])
        assert {answer["bundle_version"] for answer in again.values()} == {copied.first}
    with Store.open(site.store_url) as store:
        ended = require_experiment(site.home, started.name)
        found = results(ended, store.events(), {}, site.home)
    assert found.requests["champion"] + found.requests["challenger"] == sum(
        bool(answer["items"]) for answer in answers.values()
    )


def test_a_server_drafts_lists_and_answers_in_the_shadow(site, copied):
    with Store.open(site.store_url) as store:
        demands = [demand.demand_id for demand in store.demands() if demand.content][:6]
    drafted = begin(site, copied, Mode.INTERLEAVE)
    with running(site) as client:
        services = client.app.state.services
        wait_for(lambda: services.experiments.running)
        answers = ask_all(client, demands)
        save_experiment(site.home, drafted.model_copy(update={"stopped_at": datetime.now(UTC)}))
        shadowed = begin(site, copied, Mode.SHADOW)
        wait_for(lambda: services.experiments.running and services.experiments.running.experiment == shadowed)
        seen = ask_all(client, demands)
        wait_for(lambda: results(shadowed, (), {}, site.home).requests["both"] >= 1)
    assert {answer["bundle_version"] for answer in seen.values()} == {copied.first}
    rows = results(shadowed, (), {}, site.home)
    assert 0 <= rows.overlap <= 1
    assert rows.challenger_ms > 0
    with Store.open(site.store_url) as store:
        noted = [
            event
            for event in store.events([EventKind.IMPRESSION])
            if event.request_id in {answer["request_id"] for answer in answers.values()}
        ]
    shown = {(answer["subject_id"], item["id"]) for answer in answers.values() for item in answer["items"]}
    assert {(event.demand_id, event.achievement_id) for event in noted} == shown
    assert {event.bundle_version for event in noted} == {copied.first, copied.second}


def test_the_commands_start_stop_and_refuse(copied, monkeypatch, capsys):
    from data.settings import settings
    from serving.commands.experiment import results_command, start, stop

    monkeypatch.setenv("GONGXU_HOME", str(copied.settings.home))
    settings.cache_clear()
    options = {"name": None, "challenger": None, "share": None, "as_json": True}
    try:
        with pytest.raises(InputError, match="no experiment is running"):
            stop()
        start(mode=Mode.SPLIT, **(options | {"name": "first", "share": 0.2}))
        begun = json.loads(capsys.readouterr().out)
        assert (begun["champion"], begun["challenger"], begun["share"]) == (copied.first, copied.second, 0.2)
        with pytest.raises(InputError, match="'first' is running"):
            start(mode=Mode.SHADOW, **options)
        results_command(name=None, as_json=False)
        assert "还不能下结论" in capsys.readouterr().out
        stop()
        assert running_experiment(copied.settings.home) is None
        with pytest.raises(InputError, match="serves already"):
            start(mode=Mode.SPLIT, **(options | {"challenger": copied.first}))
        with pytest.raises(InputError, match="was run before"):
            start(mode=Mode.SPLIT, **(options | {"name": "first"}))
        with pytest.raises(InputError, match="must lie between 0 and 1"):
            start(mode=Mode.SPLIT, **(options | {"share": 1.5}))
    finally:
        settings.cache_clear()
