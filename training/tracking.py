"""What MLflow records of a run: parameters, figures, and where the bundle lies."""

import logging
from collections.abc import Mapping
from pathlib import Path

from data.settings import Settings

EXPERIMENT = "gongxu"


def record_run(
    settings: Settings,
    name: str,
    parameters: Mapping[str, object],
    figures: Mapping[str, float],
    texts: Mapping[str, dict[str, float]],
) -> str:
    """Write one finished run to MLflow and return its id.

    `figures` become metrics; `texts` become JSON artifacts under their names.
    """
    import mlflow

    for noisy in ("alembic", "mlflow"):  # MLflow announces each step of creating its own database
        logging.getLogger(noisy).setLevel(logging.WARNING)
    settings.home.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(settings.mlflow_uri)
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        artifacts = Path(settings.home / "mlartifacts").resolve()
        mlflow.create_experiment(
            EXPERIMENT, artifact_location=None if settings.mlflow_tracking_uri else artifacts.as_uri()
        )
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics(dict(figures))
        for file, content in texts.items():
            mlflow.log_dict(content, file)
        return str(run.info.run_id)
