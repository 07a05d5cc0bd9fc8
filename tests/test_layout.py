"""The rooms' order is a promise: imports run one way, and no file grows past what one reads at a sitting."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "data": set(),
    "knowledge_graph": {"data"},
    "models": {"data"},
    "matcher": {"data", "knowledge_graph", "models"},
    "eval": {"data", "knowledge_graph", "models", "matcher"},
    "training": {"data", "knowledge_graph", "models", "matcher", "eval"},
    "serving": {"data", "knowledge_graph", "models", "matcher", "eval"},
}
MAX_LINES = 400


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_run_one_way(room):
    wrong = {
        f"{path.relative_to(ROOT)} imports {other}"
        for path in (ROOT / room).rglob("*.py")
        for other in imported(path) & set(MAY_IMPORT) - MAY_IMPORT[room] - {room}
    }
    assert wrong == set()


def test_the_server_knows_no_mlflow_and_no_torch():
    for path in (ROOT / "serving").rglob("*.py"):
        assert not imported(path) & {"mlflow", "torch", "sentence_transformers"}, path


def test_files_stay_readable():
    long = [
        path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py") if path.read_text().count("\n") > MAX_LINES
    ]
    assert long == []
