"""Replays: nobody above the places, the same each time, and shorter waits than in turn or by distance alone."""

import os
from pathlib import Path

import pytest

from data.errors import InputError
from eval.dispatch.replay import COLUMNS, Case, Person, Replay, read_replay
from eval.dispatch.report import compare
from eval.dispatch.simulation import DISPATCHERS, fullest, least_cost, round_robin, simulate

HERE = (34.7, 113.6)


def log(tmp_path, lines):
    path = tmp_path / "events.csv"
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    return path


def test_a_log_is_read_as_arrivals_work_and_people(tmp_path):
    lines = [
        "C1,Insert ticket,A,2010-01-04 08:00:00+00:00",
        "C1,Take in charge ticket,A,2010-01-04 10:00:00+00:00",
        "C1,Resolve ticket,A,2010-01-04 14:00:00+00:00",
        "C2,Take in charge ticket,A,2010-01-04 11:00:00+00:00",
        "C2,Resolve ticket,B,2010-01-04 15:00:00+00:00",
        "C3,Take in charge ticket,B,2010-01-04 11:00:00+00:00",
    ]
    replay = read_replay(log(tmp_path, lines))
    assert [(case.id, case.arrival, case.work) for case in replay.cases] == [("C1", 0.0, 4.0), ("C2", 3.0, 4.0)]
    assert [(person.id, person.limit, person.pace) for person in replay.people] == [("A", 2, 1.0)]
    with pytest.raises(InputError, match="no time"):
        read_replay(log(tmp_path, ["C1,Take in charge ticket,A,soon"]))
    with pytest.raises(InputError, match="no case"):
        read_replay(log(tmp_path, lines[-1:]))


def test_waits_are_those_that_can_be_reckoned_by_hand():
    cases = tuple(Case(f"C{number}", float(number), 10.0, HERE) for number in range(3))
    replay = Replay(cases, (Person("A", 1, 1.0, HERE), Person("B", 1, 2.0, HERE)))
    waits = [one.wait for one in simulate(replay, least_cost)]
    assert waits == [0.0, 0.0, 8.0]  # the third begins when A ends at 10
    assert fullest(replay, simulate(replay, least_cost)) == 1.0
    assert [one.wait for one in simulate(replay, round_robin)] == [0.0, 0.0, 8.0]


def test_the_real_log_waits_less_than_in_turn_or_by_distance():
    path = Path(os.environ.get("GONGXU_SHARED_DATA", "../shared/data")) / "kinds/dispatch/helpdesk_events.csv"
    if not path.is_file():
        pytest.skip("no shared data: GONGXU_SHARED_DATA names no folder with kinds/dispatch")
    whole = read_replay(path, 0.45)
    replay = Replay(whole.cases[:240], whole.people)
    figures = {one.name: one for one in compare(replay)}
    assert simulate(replay, least_cost) == simulate(replay, DISPATCHERS["gongxu"])
    assert max(one.fullest for one in figures.values()) == 1.0
    lowest = [figures[rival].more_than_gongxu.low for rival in ("round-robin", "nearest-first")]
    assert min(lowest) > 0
