"""Fine-tunes a small cross-encoder on the store's own outcomes: `gongxu train --reranker DIRECTORY`.

It learns from no demand that is held out; `gongxu lab rerank` then decides on those whether it serves, and with which
weight.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.errors import EncoderError, InputError, first_line
from data.settings import Settings
from data.store.store import Store
from eval.metrics.bootstrap import Estimate, Judged, lift_of, metric_samples, summarise
from matcher.collection.columns import RecordColumns
from matcher.reranking.weight import rerank_text
from models.encoder.directory import BROKEN_MODEL
from training.encoder.trainer import require_training_packages
from training.outcomes.graded_pairs import graded_pairs
from training.outcomes.holdout import split_pairs
from training.versions.runs import record_run

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

FIGURES_FILE = "finetuning.json"
FOLDER = "rerankers"
METRICS = ("auc2", "auc3", "ndcg10")
MAX_GRADE = 4.0
LEAST = 10  # demands with a good pair that there is something to learn from


@dataclass(frozen=True)
class RerankTuning:
    """How to fine-tune; the defaults suit a model of a few million parameters and one core."""

    positive_grade: float = 2.0
    negatives: int = 4  # pairs of a lower grade for each good pair of a demand
    most_pairs: int = 8_000
    max_tokens: int = 192  # of both texts together
    epochs: int = 2
    batch_size: int = 16
    learning_rate: float = 3e-5
    seed: int = 7


@dataclass(frozen=True)
class TextPair:
    """A demand's and an achievement's text as serving sends them, and the grade (0-4) of the pair's outcome."""

    demand: int
    need: str
    offer: str
    grade: float


@dataclass(frozen=True)
class TunedReranker:
    """A fine-tuned model's directory and figures of its order on held-out demands; `gain` is of NDCG@10, paired."""

    directory: Path
    train_pairs: int
    test_pairs: int
    before: dict[str, Estimate]
    after: dict[str, Estimate]
    gain: Estimate


def train_reranker(
    settings: Settings,
    store: Store,
    base: Path,
    tuning: RerankTuning | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> TunedReranker:
    """Fine-tune the cross-encoder in `base` on the store's graded pairs and write it under GONGXU_HOME/rerankers.

    Raises:
        InputError: too few demands have a good outcome, or none with outcomes is held out.
        EncoderError: the directory holds no cross-encoder of one score, or the training packages are not installed.

    """
    tuning = tuning or RerankTuning()
    require_training_packages()
    learned, held_out = text_pairs(settings, store)
    chosen = sampled(learned, tuning)
    if not held_out:
        raise InputError("no held-out demand has an outcome to measure on; raise GONGXU_HELD_OUT_SHARE")
    model = load_model(base, tuning.max_tokens)
    step("before")
    before = _samples(model, held_out)
    directory = settings.home / FOLDER / datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    directory.mkdir(parents=True)
    step("tune")
    _train(model, chosen, tuning)
    step("after")
    after = _samples(model, held_out)
    model.save_pretrained(str(directory), safe_serialization=True)
    tuned = TunedReranker(
        directory=directory,
        train_pairs=len(chosen),
        test_pairs=len(held_out),
        before={name: summarise(before[name]) for name in METRICS},
        after={name: summarise(after[name]) for name in METRICS},
        gain=lift_of(after["ndcg10"] - before["ndcg10"]).difference,
    )
    figures = {"settings": asdict(tuning), "base": str(base)} | asdict(tuned) | {"directory": directory.name}
    (directory / FIGURES_FILE).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    metrics = {
        f"{moment}_{name}": estimate.value
        for moment, found in (("before", tuned.before), ("after", tuned.after))
        for name, estimate in found.items()
    }
    record_run(settings, f"reranker {directory.name}", {**asdict(tuning), "base": str(base)}, metrics, {}, "reranker")
    return tuned


def text_pairs(settings: Settings, store: Store) -> tuple[list[TextPair], list[TextPair]]:
    """Return the pairs to learn from and those of held-out demands, each once with the mean grade of its rows."""
    demands, achievements = list(store.demands()), list(store.achievements())
    cards = RecordColumns.from_records(demands)
    graded = graded_pairs(store.events(), cards, RecordColumns.from_records(achievements), now=datetime.now(UTC))
    grades: dict[tuple[int, int], list[float]] = defaultdict(list)
    for d, a, grade in zip(graded.d.tolist(), graded.a.tolist(), graded.grade.tolist(), strict=True):
        grades[d, a].append(float(grade))
    pairs = [
        TextPair(d, rerank_text(demands[d]), rerank_text(achievements[a]), float(np.mean(found)))
        for (d, a), found in grades.items()
    ]
    rows = np.array([pair.demand for pair in pairs], dtype=np.int64)
    parts = split_pairs(cards, rows, settings.held_out_share)
    learned, held_out = ([pairs[row] for row in part.tolist()] for part in parts)
    return learned, held_out


def sampled(pairs: list[TextPair], tuning: RerankTuning) -> list[TextPair]:
    """Return the good pairs and a few lower ones of the same demands, `most_pairs` at most.

    Raises:
        InputError: fewer than 10 demands have a good pair.

    """
    random = np.random.default_rng(tuning.seed)
    by_demand: dict[int, list[TextPair]] = defaultdict(list)
    for pair in pairs:
        by_demand[pair.demand].append(pair)
    found: list[TextPair] = []
    able = 0
    for _, own in sorted(by_demand.items()):
        good = [pair for pair in own if pair.grade >= tuning.positive_grade]
        other = [pair for pair in own if pair.grade < tuning.positive_grade]
        able += bool(good)
        order = random.permutation(len(other))[: tuning.negatives * len(good)]
        found += [*good, *(other[place] for place in order.tolist())]
    if able < LEAST:
        raise InputError(
            f"{able} demands have a pair of grade {tuning.positive_grade:g} or more; fine-tuning needs {LEAST}: import more "
            "outcome events or judgements"
        )
    order = random.permutation(len(found))[: tuning.most_pairs]
    return [found[place] for place in order.tolist()]


def load_model(base: Path, max_tokens: int) -> "CrossEncoder":
    """Return the cross-encoder of a directory.

    Raises:
        EncoderError: there is none of one score.

    """
    if not (base / "config.json").is_file():
        raise EncoderError(
            f"--reranker {base} is no directory of a transformer with a config.json; copy a small one here"
        )
    from sentence_transformers import CrossEncoder

    try:
        model: CrossEncoder = CrossEncoder(
            str(base), device="cpu", num_labels=1, max_length=max_tokens, local_files_only=True
        )
    except BROKEN_MODEL as error:
        raise EncoderError(f"the model in {base} cannot be loaded: {first_line(error)}") from error
    return model


def _samples(model: "CrossEncoder", pairs: list[TextPair]) -> dict[str, NDArray[np.float64]]:
    """Return each metric of the model's order on pairs, by the draws of the bootstrap over demands."""
    texts = [(pair.need, pair.offer) for pair in pairs]
    ranking = np.asarray(model.predict(texts, batch_size=16, show_progress_bar=False), dtype=np.float64)
    levels = np.array([min(4, round(pair.grade) + 1) for pair in pairs], dtype=np.int64)
    demands = np.array([pair.demand for pair in pairs], dtype=np.int64)
    return metric_samples(Judged(demands, levels, np.ones_like(levels), ranking))


def _train(model: "CrossEncoder", pairs: list[TextPair], tuning: RerankTuning) -> None:
    from datasets import Dataset
    from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

    model.model_card_data.widget = [{"text": ""}]  # the library need not look for examples
    rows = Dataset.from_dict(
        {
            "need": [pair.need for pair in pairs],
            "offer": [pair.offer for pair in pairs],
            "label": [pair.grade / MAX_GRADE for pair in pairs],
        }
    )
    with TemporaryDirectory() as scratch:
        arguments = CrossEncoderTrainingArguments(
            output_dir=scratch,
            num_train_epochs=tuning.epochs,
            per_device_train_batch_size=tuning.batch_size,
            learning_rate=tuning.learning_rate,
            seed=tuning.seed,
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            logging_steps=50,
            disable_tqdm=True,
        )
        loss = BinaryCrossEntropyLoss(model)
        CrossEncoderTrainer(model=model, args=arguments, train_dataset=rows, loss=loss).train()
