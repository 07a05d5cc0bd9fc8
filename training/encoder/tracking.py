"""Logs a build of the shipped encoder to MLflow: settings, figures and the model directory."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from models.encoder.static import StaticEncoder
from training.encoder.build import BuildSettings
from training.encoder.evaluate import Row

EXPERIMENT = "encoder"


def log_build(
    tracking_uri: str,
    settings: BuildSettings,
    encoder: StaticEncoder,
    rows: Sequence[Row],
    speed: float,
    directory: Path,
) -> str:
    """Log one build and return the id of its MLflow run."""
    import mlflow

    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run() as run:
        mlflow.log_params(asdict(settings) | {"digest": encoder.digest, "vocabulary": encoder.vocabulary_size})
        for row in rows:
            prefix = "".join(char if char.isalnum() else "_" for char in row.system)
            figures = {key: value["value"] for key, value in asdict(row).items() if key != "system"}
            mlflow.log_metrics({f"{prefix}/{key}": value for key, value in figures.items()})
        mlflow.log_metric("texts_per_second", speed)
        mlflow.log_artifacts(str(directory), artifact_path="model")
        return str(run.info.run_id)
