"""The keeper of actors in a cluster that is not there: what it says of them, and what it leaves running."""

from types import SimpleNamespace

import pytest

from data.settings import Settings
from serving.shards.keeper import Keeper

HELD = {"versions": ["1"]}


class DeadError(Exception):
    pass


class NoCluster:
    """Actors are words: one that is "alive" answers, "dead" fails, "late" does not answer in time."""

    exceptions = SimpleNamespace(RayError=DeadError)

    def __init__(self):
        self.killed = []

    def wait(self, asked, *, num_returns, timeout):
        return [one for one in asked if one != "late"], ["late"]

    def get(self, ready):
        if ready == "dead":
            raise DeadError
        return HELD

    def kill(self, actor):
        self.killed.append(actor)


@pytest.fixture
def keeper(tmp_path):
    keeper = Keeper(NoCluster(), Settings(home=tmp_path), 3, 1)
    for shard, answer in enumerate(("alive", "dead", "late")):
        status = SimpleNamespace(remote=lambda answer=answer: answer)
        keeper._actors[shard, 0] = SimpleNamespace(status=status)
    return keeper


def test_an_actor_that_died_or_is_late_says_nothing(keeper):
    assert keeper.statuses() == {(0, 0): HELD, (1, 0): None, (2, 0): None}


@pytest.mark.parametrize(("leave", "killed"), [(True, 0), (False, 3)])
def test_one_that_is_stopped_ends_its_actors_unless_it_shall_leave_them(keeper, leave, killed):
    keeper.stopping.set()
    keeper.run("", print, leave=leave)
    assert len(keeper._ray.killed) == killed
