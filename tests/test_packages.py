"""What is imported is declared: a server's packages as dependencies, the rest as extras; lock files and wheels follow."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import gongxu

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("data", "knowledge_graph", "models", "matcher", "eval", "training", "serving")
SERVED = ("data", "knowledge_graph", "models", "matcher", "serving")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTIONS = packages_distributions()
OWN = {*ROOMS, "gongxu", "gongxu_client", "tests"}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[~=<>! ]", line)[0].lower().replace("_", "-") for line in requirements}


DECLARED = names(PROJECT["dependencies"])
EXTRAS = {extra: names(lines) for extra, lines in PROJECT["optional-dependencies"].items()}


def imported(path: Path, *, at_once: bool) -> set[str]:
    """Return the distributions that a module imports: all, or those of its own level, which are loaded with it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return {
        next(iter(sorted(name.lower().replace("_", "-") for name in DISTRIBUTIONS.get(package, [package]))))
        for package in found - OWN - set(sys.stdlib_module_names)
    }


def modules(rooms: tuple[str, ...]) -> list[Path]:
    return [path for room in rooms for path in (ROOT / room).rglob("*.py") if "client" not in path.parts]


def test_everything_imported_is_declared():
    declared = DECLARED.union(*EXTRAS.values()) | {"opentelemetry-api"}
    found = {name: path for path in modules(ROOMS) for name in imported(path, at_once=False)}
    assert {name: str(path) for name, path in found.items() if name not in declared} == {}


def test_everything_declared_is_imported():
    """But for what others need at run time: workers of uvicorn, the drivers that SQLAlchemy loads."""
    by_others = {"httptools", "uvloop", "psycopg", "gongxu", "jinja2", "python-multipart", *EXTRAS["otel"]}
    found = set().union(*(imported(path, at_once=False) for path in modules(ROOMS)))
    assert DECLARED.union(*EXTRAS.values()) - found - by_others == set()


def test_modules_of_a_server_load_only_its_dependencies():
    """The rest is imported in the functions that need it, which say so where it is missing."""
    later = {"lightgbm", "scikit-learn", "matplotlib", "mlflow", "torch"}
    wrong = {
        str(path.relative_to(ROOT)): imported(path, at_once=True) - DECLARED
        for path in modules(SERVED)
        if imported(path, at_once=True) - DECLARED
    }
    assert {path: found for path, found in wrong.items() if not found <= later} == {}
    assert not [path for path in wrong if path.startswith(("serving/", "data/", "knowledge_graph/"))]


def test_a_missing_extra_is_named():
    known = {package for packages in gongxu.EXTRAS.values() for package in packages}
    for extra, packages in gongxu.EXTRAS.items():
        for package in packages:
            installed = {name.lower().replace("_", "-") for name in DISTRIBUTIONS[package]}
            assert installed & (EXTRAS[extra] | {f"{package}-binary"}), package
    assert {"lightgbm", "torch", "psycopg", "authlib"} <= known


def test_the_lock_files_are_those_of_the_project():
    pytest.importorskip("pre_commit", reason="the environment that make setup makes")
    command = [sys.executable, str(ROOT / ".ci/lock"), "check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name)
def test_a_lock_file_holds_names_and_versions_only(lock):
    lines = lock.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("#")
    assert len(lines) > 20
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in lines[1:])


def test_a_server_s_lock_has_none_of_what_only_training_needs():
    locked = names((ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()[1:])
    assert not locked & {"torch", "mlflow", "lightgbm", "scikit-learn", "matplotlib", "sentence-transformers", "pandas"}
