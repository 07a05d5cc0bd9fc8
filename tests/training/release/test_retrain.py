"""The unattended loop: once, nothing new, broken off and taken up, two at a time."""

import json

import pytest

from data.locks import BusyError, exclusive
from data.store.store import Store
from matcher.bundle import BUILT, CURRENT, pointed, set_pointer
from models.ranking.ordinal import RankerParameters
from training.release.retrain import LOCK, STATE, load_state, retrain
from training.versions import candidates

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # MLflow's own
PARAMETERS = RankerParameters(trees=5)


def test_the_loop_runs_once_resumes_and_repeats_itself_never(copied, platform):
    settings = copied.settings
    steps = []
    with Store.open(settings.store_url) as store:
        done = retrain(settings, store, [platform.simulated], PARAMETERS, progress=steps.append)
        assert done.status in ("promoted", "refused")
        assert done.decision is not None
        assert done.imported == 0  # all of it was known
        assert "records" not in steps  # the build holds the store's records already
        assert done.built in (platform.built.name, copied.first)
        assert "ranker" in steps
        assert candidates.load(settings, done.candidate).pairs > 0
        assert load_state(settings).finished

        steps.clear()
        assert retrain(settings, store, [platform.simulated], PARAMETERS, progress=steps.append).status == "nothing new"
        assert steps == ["import", "digest"]

        # As if it had been broken off after training.
        state = load_state(settings).model_copy(update={"finished": False})
        (settings.home / STATE).write_text(state.model_dump_json(), encoding="utf-8")
        set_pointer(settings.bundles, CURRENT, copied.first)
        steps.clear()
        resumed = retrain(settings, store, (), PARAMETERS, progress=steps.append)
        assert resumed.resumed
        assert resumed.candidate == done.candidate
        assert "ranker" not in steps
        assert "gate" in steps

        # As if it had been broken off between promotion and its last note.
        set_pointer(settings.bundles, CURRENT, done.candidate)
        (settings.home / STATE).write_text(state.model_dump_json(), encoding="utf-8")
        late = retrain(settings, store, (), PARAMETERS)
        assert (late.status, late.decision) == ("promoted", None)


def test_a_second_one_says_so_and_leaves(copied):
    with (
        Store.open(copied.settings.store_url) as store,
        exclusive(copied.settings.home / LOCK, "retraining"),
        pytest.raises(BusyError, match=r"another retraining is running \(process \d+ since"),
    ):
        retrain(copied.settings, store)


def test_the_lock_dies_with_its_holder(tmp_path):
    import os
    import signal
    import subprocess
    import sys
    import time

    path = tmp_path / "a.lock"
    code = (
        "import sys, time; from pathlib import Path; from data.locks import exclusive\n"
        "with exclusive(Path(sys.argv[1]), 'work'):\n    print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "held"
    with pytest.raises(BusyError), exclusive(path, "work"):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    time.sleep(0.05)
    with exclusive(path, "work"):
        pass


def test_old_bundles_go_and_those_in_use_stay(copied):
    settings = copied.settings.model_copy(update={"keep_bundles": 0})
    removed = candidates.prune(settings)
    left = {path.name for path in settings.bundles.iterdir() if path.is_dir()}
    in_use = {pointed(settings.bundles, name) for name in (CURRENT, BUILT, "challenger")}
    assert left == in_use
    assert not set(removed) & in_use


def test_the_command_tells_the_scheduler(copied, monkeypatch, capsys):
    import typer

    from data.settings import settings
    from training.commands.upkeep import BUSY, retrain_command

    monkeypatch.setenv("GONGXU_HOME", str(copied.settings.home))
    monkeypatch.setenv("GONGXU_THREADS", "1")
    settings.cache_clear()
    try:
        with exclusive(copied.settings.home / LOCK, "retraining"), pytest.raises(typer.Exit) as left:
            retrain_command(paths=None, trees=5, seed=0, tune=0.0, again=False, as_json=True)
        assert left.value.exit_code == BUSY
        captured = capsys.readouterr()
        assert "another retraining is running" in captured.err
        assert captured.out == ""
    finally:
        settings.cache_clear()
    assert json.loads((copied.settings.home / "candidates" / copied.first / "candidate.json").read_text())["version"]
