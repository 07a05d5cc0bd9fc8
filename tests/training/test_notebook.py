"""The notebook about trainings is executed as a data scientist would, on a home with two versions."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from training.versions import candidates
from training.versions.candidates import Candidate

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "examples" / "trainings.ipynb"
PLOTS = 3  # learning curve, SHAP values, slices


def test_the_notebook_is_kept_without_outputs():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert [cell.outputs for cell in cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)] == []


@pytest.fixture(scope="module")
def outputs(two_versions, tmp_path_factory):
    """Execute the notebook on the two versions and return what its cells put out."""
    folder = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "GONGXU_HOME": two_versions.settings.home,
            "GONGXU_THREADS": 1,
            "PYTHONPATH": ROOT,
            "JUPYTER_RUNTIME_DIR": folder,
            "JUPYTER_CONFIG_DIR": folder,
            "IPYTHONDIR": folder,
        }.items():
            patch.setenv(name, str(value))
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=str(folder))
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_it_shows_versions_figures_curve_weights_errors_and_slices(outputs, two_versions):
    texts = "\n".join(str(output.get("data", {}).get("text/plain", "")) + output.get("text", "") for output in outputs)
    candidate: Candidate = candidates.load(two_versions.settings, two_versions.second)
    figure = candidate.figures["ndcg10"]
    assert f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]" in texts
    for version in (two_versions.first, two_versions.second):
        assert f"train {version}" in texts
    assert "trees 60→12" in texts
    assert "高估" in texts or "低估" in texts
    assert sum("image/png" in output.get("data", {}) for output in outputs) == PLOTS


def test_nothing_is_said_on_the_error_stream(outputs):
    """A label without a glyph, or a call that is deprecated, would be."""
    said = "".join(output.text for output in outputs if output.get("name") == "stderr")
    assert "Glyph" not in said
    assert "Traceback" not in said
