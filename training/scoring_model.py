"""The model as MLflow serves it: a table of pairs in, probability and level out. No pickle: MLflow calls this module."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.errors import BundleError, BundleFormatError, InputError
from matcher.bundle import Manifest, verify
from matcher.model import MatchingModel
from training.comparison.pairs import score_pairs

if TYPE_CHECKING:
    import pandas as pd

POINTER = "bundle.json"  # says where the bundle lies
COLUMNS = ("demand_id", "achievement_id")


class ScoringModel:
    """Scores pairs of records that a bundle holds."""

    def __init__(self, model: MatchingModel) -> None:
        self._model = model

    def predict(self, pairs: "pd.DataFrame", params: dict[str, Any] | None = None) -> "pd.DataFrame":
        """Return `probability` (NaN without a calibration) and `level` 1-4 of each row's demand_id and achievement_id.

        Raises:
            InputError: a column is missing.
            NotFoundError: an id is not in the bundle.
            BundleError: the bundle has no ranker.

        """
        import pandas as pd

        missing = [name for name in COLUMNS if name not in pairs.columns]
        if missing:
            raise InputError(f"the table lacks the column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
        if self._model.scorer is None:
            raise BundleError(f"bundle {self._model.version} has no ranker; run `gongxu train`")
        ids = [pairs[name].astype(str).tolist() for name in COLUMNS]
        scores = score_pairs(self._model, self._model.scorer, *ids)
        level = np.clip(scores.grade + 1, 1, 4).astype(np.int64)
        return pd.DataFrame({"probability": scores.probability, "level": level}, index=pairs.index)


def _load_pyfunc(path: str) -> ScoringModel:
    """Return the model that an MLflow artifact names; this is what MLflow calls.

    Models that gongxu 0.1.0 registered name this module too and point to their bundles in the same way.

    Raises:
        BundleFormatError: another release of gongxu wrote its bundle.
        BundleError: its bundle is not on this machine, or is not the one that was logged.

    """
    folder = Path(path)
    pointer = json.loads((folder / POINTER).read_text(encoding="utf-8"))
    # First beside the artifact: a home that was copied or moved keeps its bundles with it.
    here = (parent / "bundles" / pointer["version"] for parent in folder.resolve().parents)
    directory = next((path for path in here if path.is_dir()), Path(pointer["directory"]))
    if not directory.is_dir():
        raise BundleError(
            f"bundle {pointer['version']} is not at {directory}; mount GONGXU_HOME of the machine that trained it there"
        )
    try:
        manifest: Manifest = verify(directory)
    except BundleFormatError as error:
        requirements = folder.parent / "requirements.txt"  # as MLflow wrote it: the release that registered the model
        release = requirements.read_text(encoding="utf-8").strip() if requirements.is_file() else "gongxu"
        raise BundleFormatError(
            f"model {pointer['version']} was registered by another release ({release}): {error}, then `gongxu train`, which "
            f"registers a new version; or load this one in an environment of its own with that release",
            f"模型 {pointer['version']} 由另一版本（{release}）登记，其模型包的格式本版本不再读取；请运行 `gongxu build` 和 "
            f"`gongxu train` 登记新版本，或在装有该版本的独立环境中加载它",
        ) from error
    if manifest.version != pointer["version"]:
        raise BundleError(f"{directory} holds version {manifest.version}, MLflow's model is {pointer['version']}")
    return ScoringModel(MatchingModel.load(directory, verified=manifest))
