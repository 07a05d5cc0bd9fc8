"""The real command line in a process of its own, and folders to feed it."""

import csv
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.forked import run_forked
from tests.matcher.worlds import World, make_world

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run_in(home: Path) -> Run:
    """Return a function that runs `gongxu` with the given words, its state in `home`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GONGXU_")}
    environment |= {"GONGXU_HOME": str(home), "GONGXU_THREADS": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "160"}

    def run(*words: object) -> "subprocess.CompletedProcess[str]":
        return run_forked([*map(str, words)], environment, home.parent, seconds=300)

    return run


def write_judged(folder: Path, world: World, rows: np.ndarray, seed: int = 0) -> Path:
    """Write judgements of the given rows of all pairs: mostly right, one in ten at random."""
    folder.mkdir(parents=True)
    d, a = (column[rows] for column in world.pairs())
    random = np.random.default_rng(seed)
    levels = 1 + world.grades(d, a)
    levels = np.where(random.random(len(rows)) < 0.1, random.integers(1, 5, len(rows)), levels)
    tables = {
        "demands": [["demand_id", "title", "content"], *([r.demand_id, r.title, r.content] for r in world.demands)],
        "achievements": [["achievement_id", "title"], *([r.achievement_id, r.title] for r in world.achievements)],
        "judgements": [
            ["demand_id", "achievement_id", "level"],
            *(
                [world.demands[i].demand_id, world.achievements[j].achievement_id, level]
                for i, j, level in zip(d, a, levels, strict=True)
            ),
        ],
    }
    for name, table in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(table)
    return folder


@pytest.fixture(scope="session")
def judged(tmp_path_factory) -> tuple[Path, Path]:
    """Two judged folders over one world: 18 demands in the first; some of these and 6 new ones in the second."""
    world = make_world()
    d, _ = world.pairs()
    random = np.random.default_rng(4).random(len(d))
    base = tmp_path_factory.mktemp("judged")
    first = write_judged(base / "first", world, np.flatnonzero((d < 18) & (random < 0.4)))
    second = write_judged(base / "second", world, np.flatnonzero((d >= 12) & (random >= 0.6)), seed=1)
    return first, second
