"""The rooms' order is a promise: imports run one way without circles, folders and files stay small, tests mirror them."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import gongxu

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("data", "knowledge_graph", "models", "matcher", "eval", "training", "serving")
MAX_LINES = 400
MAX_FILES = 15
GENERATED = {ROOT / f"serving/client/gongxu_client/{name}.py" for name in ("models", "sync_client", "async_client")}
SOURCES = [
    path
    for room in (*ROOMS, "deploy", "tests")
    for path in (ROOT / room).rglob("*.py")
    if path not in GENERATED and "build" not in path.parts
]


def test_imports_keep_their_contracts():
    """The contracts are in pyproject.toml: directions of rooms and sub-rooms, no circles, what serving never names."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr


def test_files_stay_readable():
    assert [path for path in SOURCES if path.read_text(encoding="utf-8").count("\n") > MAX_LINES] == []


def test_folders_stay_small():
    counts = Counter(path.parent.relative_to(ROOT) for path in SOURCES)
    assert {str(folder): count for folder, count in counts.items() if count > MAX_FILES} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_tests_mirror_the_rooms(room):
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests" / room).rglob("test_*.py")}
    assert folders
    assert [str(folder) for folder in folders if not (ROOT / folder).is_dir()] == []


def test_every_command_of_the_table_is_there():
    """The table of commands is the only place that imports by string: what it names must exist."""
    for name, command in gongxu.COMMANDS.items():
        module, _, attribute = command.target.partition(":")
        path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        assert not module or f"{attribute}" in path.read_text(encoding="utf-8"), name


def test_nothing_else_imports_by_string():
    """But for MLflow's `loader_module`, which is MLflow's way to load a registered model."""
    ways = ("import_module", "__import__(", "pkgutil.resolve_name")
    found = [
        path.relative_to(ROOT).as_posix() for path in SOURCES if any(way in path.read_text("utf-8") for way in ways)
    ]
    assert sorted(found) == ["data/commands/lazy.py", "tests/test_layout.py"]
