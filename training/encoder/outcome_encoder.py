"""Fine-tunes the text encoder on the store's own outcomes: `gongxu train --encoder`."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data.errors import InputError
from data.settings import Settings
from data.store.store import Store
from matcher.collection.columns import RecordColumns
from matcher.texts.space import record_text
from models.encoder.base import load_encoder
from training.encoder.finetune import FIGURES_FILE, FinetuneSettings, finetune
from training.outcomes.graded_pairs import graded_pairs
from training.versions.runs import record_run

Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class TunedEncoder:
    """The folder of a fine-tuned encoder and its figures on demands it was not trained on, before and after."""

    directory: Path
    before: Figures
    after: Figures


def train_encoder(settings: Settings, store: Store, tuning: FinetuneSettings | None = None) -> TunedEncoder:
    """Fine-tune the encoder of the settings on the store's graded pairs and write it under GONGXU_HOME/encoders.

    Nothing is served from it until `GONGXU_ENCODER` names the folder and the bundle is built again: the figures tell
    whether that is worth it.

    Raises:
        InputError: too few demands of the store have a good outcome.
        EncoderError: the encoder cannot be trained, or the training packages are not installed.

    """
    tuning, started_at = tuning or FinetuneSettings(), datetime.now(UTC)
    demands, achievements = list(store.demands()), list(store.achievements())
    graded = graded_pairs(
        store.events(),
        RecordColumns.from_records(demands),
        RecordColumns.from_records(achievements),
        now=datetime.now(UTC),
    )
    if not len(graded):
        raise InputError("the store holds no outcomes of known records; import judgements or events first")
    rows = zip(graded.d.tolist(), graded.a.tolist(), graded.grade.tolist(), strict=True)
    texts = [(record_text(demands[d]).full, record_text(achievements[a]).full, float(grade)) for d, a, grade in rows]
    encoder = load_encoder(
        settings.encoder,
        query_prefix=settings.encoder_query_prefix,
        passage_prefix=settings.encoder_passage_prefix,
        max_length=settings.encoder_max_length,
        batch_size=settings.encoder_batch_size,
    )
    directory = settings.home / "encoders" / datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    directory.parent.mkdir(parents=True, exist_ok=True)
    finetune(encoder, [pair for pair in texts if pair[0] and pair[1]], directory, tuning)
    report = json.loads((directory / FIGURES_FILE).read_text(encoding="utf-8"))
    metrics = {
        f"{moment}_{name}": float(value["value"])
        for moment in ("before", "after")
        for name, value in report[moment].items()
    }
    parameters = {**vars(tuning), "directory": str(directory)}
    record_run(settings, f"encoder {directory.name}", parameters, metrics, {}, "encoder", started_at)
    return TunedEncoder(directory, report["before"], report["after"])
