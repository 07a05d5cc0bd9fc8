"""Fine-tunes an encoder on a store's own outcome pairs, with in-batch and mined hard negatives."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from data.errors import EncoderError, InputError
from eval.metrics.bootstrap import Estimate, Judged, estimate_all
from models.encoder.base import Encoder, load_encoder
from models.encoder.directory import EncoderSettings, is_static_directory, read_settings
from models.encoder.static import StaticEncoder, quantise
from training.encoder.trainer import arguments, require_training_packages

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer

FIGURES_FILE = "finetuning.json"
MAX_GRADE = 4.0

# (demand text, achievement text, grade 0-4 as outcomes are graded for learning)
Pair = tuple[str, str, float]


@dataclass(frozen=True)
class FinetuneSettings:
    """How to fine-tune; the defaults suit a static encoder and a few thousand pairs."""

    # Pairs of at least this grade (3: a meeting, an expert's "strong") are positives.
    positive_grade: float = 2.0
    held_out_share: float = 0.2
    hard_negatives: int = 3
    # A mined text is only taken as negative if it is less similar to the demand than this share of the positive's
    # similarity: a closer one is as likely an answer nobody has judged yet (NV-Retriever, Moreira et al. 2024).
    relative_margin: float = 0.05
    epochs: int = 2
    batch_size: int = 64
    # None: 3e-4 for a static encoder, 2e-5 for a transformer.
    learning_rate: float | None = None
    seed: int = 7


def finetune(encoder: Encoder, pairs: Sequence[Pair], out: Path, settings: FinetuneSettings | None = None) -> Path:
    """Fine-tune a copy of `encoder` on `pairs`, write its model directory to `out` and return `out`.

    A fifth of the demands is held out and judged before and after; the figures (AUC, NDCG@10 with intervals) are in
    `out/finetuning.json`. Texts that any outcome of grade above 0 joins to a demand are never its negatives.

    Raises:
        InputError: fewer than 10 demands have a positive pair, so that nothing could be learned or judged.
        EncoderError: a training package is missing, or the encoder's weights cannot be trained (the teacher's).

    """
    settings = settings or FinetuneSettings()
    require_training_packages()
    train_pairs, test_pairs = split_by_demand(pairs, settings)
    before = judge_pairs(encoder, test_pairs)
    with TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        encoder.save(source)
        _train(source, train_pairs, Path(scratch), out, settings)
    tuned = load_encoder(str(out))
    figures = {
        "settings": asdict(settings),
        "train_pairs": len(train_pairs),
        "test_pairs": len(test_pairs),
        "before": {name: asdict(value) for name, value in before.items()},
        "after": {name: asdict(value) for name, value in judge_pairs(tuned, test_pairs).items()},
    }
    (out / FIGURES_FILE).write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return out


def split_by_demand(pairs: Sequence[Pair], settings: FinetuneSettings) -> tuple[list[Pair], list[Pair]]:
    """Return (training, held-out) pairs; all pairs of one demand text are on one side.

    Raises:
        InputError: fewer than 10 demands have a positive pair.

    """
    usable = [pair for pair in pairs if pair[0].strip() and pair[1].strip()]
    demands = sorted({demand for demand, _, grade in usable if grade >= settings.positive_grade})
    if len(demands) < 10:
        raise InputError(
            f"{len(demands)} demands have a pair of grade {settings.positive_grade:g} or more; fine-tuning needs 10: "
            "import more outcome events or judgements"
        )
    every = sorted({demand for demand, _, _ in usable})
    shuffled = np.random.default_rng(settings.seed).permutation(len(every))
    held_out = {every[int(i)] for i in shuffled[: max(1, round(settings.held_out_share * len(every)))]}
    return [pair for pair in usable if pair[0] not in held_out], [pair for pair in usable if pair[0] in held_out]


def judge_pairs(encoder: Encoder, pairs: Sequence[Pair]) -> dict[str, Estimate]:
    """Return AUC (a positive grade, an expert's level of 2 or more; a grade of 2 or more) and NDCG@10 of the cosine."""
    demands, rows = np.unique([pair[0] for pair in pairs], return_inverse=True)
    achievements, columns = np.unique([pair[1] for pair in pairs], return_inverse=True)
    wanted = encoder.encode([str(text) for text in demands], "query")
    offered = encoder.encode([str(text) for text in achievements], "passage")
    ranking = np.einsum("ij,ij->i", wanted[rows], offered[columns]).astype(np.float64)
    levels = np.array([round(pair[2]) + 1 for pair in pairs], dtype=np.int64)
    estimates = estimate_all(Judged(rows.astype(np.int64), levels, np.ones_like(levels), ranking))
    return {name: estimates[name] for name in ("auc2", "auc3", "ndcg10")}


def training_sets(
    model: "SentenceTransformer", pairs: Sequence[Pair], settings: FinetuneSettings, prefixes: tuple[str, str]
) -> "dict[str, Dataset]":
    """Return what to train on, by name.

    "pairs": the positives (anchor, positive); "hard": positives with a mined negative each, where safe ones are found;
    "graded": all pairs with their grades (label in [0, 1]), unless all grades are equal.

    Hard negatives are mined among all achievement texts of `pairs`; left out are those that an outcome joins to the
    demand, and those nearly as similar to it as the positive. The rest of the batch is negative in both sets.
    """
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    related: dict[str, set[str]] = defaultdict(set)
    for demand, achievement, grade in pairs:
        if grade > 0:
            related[demand].add(achievement)
    positives = [(demand, text) for demand, text, grade in pairs if grade >= settings.positive_grade]
    known = Dataset.from_dict({"anchor": [pair[0] for pair in positives], "positive": [pair[1] for pair in positives]})
    mined = mine_hard_negatives(
        known,
        model,
        corpus=sorted({pair[1] for pair in pairs}),
        num_negatives=settings.hard_negatives,
        relative_margin=settings.relative_margin,
        range_max=10 * settings.hard_negatives,
        query_prompt=prefixes[0] or None,
        corpus_prompt=prefixes[1] or None,
        verbose=False,
    )
    hard = [row for row in mined if row["negative"] not in related[row["anchor"]]]

    def columns(rows: Iterable[dict[str, str]], names: Sequence[str]) -> "Dataset":
        kept = list(rows)
        return Dataset.from_dict(
            {name: [(prefixes[0] if name == "anchor" else prefixes[1]) + row[name] for row in kept] for name in names}
        )

    sets = {"pairs": columns(known, ("anchor", "positive"))}
    if len({grade for _, _, grade in pairs}) > 1:
        graded = columns(({"anchor": pair[0], "positive": pair[1]} for pair in pairs), ("anchor", "positive"))
        sets["graded"] = graded.add_column("label", [pair[2] / MAX_GRADE for pair in pairs])
    if hard:
        sets["hard"] = columns(hard, ("anchor", "positive", "negative"))
    return sets


def _train(source: Path, pairs: Sequence[Pair], scratch: Path, out: Path, settings: FinetuneSettings) -> None:
    """Train the model in `source` and write it to `out`."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.losses import CoSENTLoss, MultipleNegativesRankingLoss
    from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
    from sentence_transformers.sentence_transformer.training_args import BatchSamplers
    from torch.nn import Module

    stored = read_settings(source) or EncoderSettings(encoder="transformer")
    if not (source / "modules.json").is_file():
        raise EncoderError(f"encoder {stored.encoder} cannot be fine-tuned: its weights stay in its package")
    model = SentenceTransformer(str(source), device="cpu", local_files_only=True)
    model.model_card_data.widget = [{"text": ""}]  # the library writes no card here, and need not look for examples
    is_static = is_static_directory(source)
    args = arguments(scratch, seed=settings.seed, epochs=settings.epochs, batch_size=settings.batch_size)
    args.learning_rate = settings.learning_rate or (3e-4 if is_static else 2e-5)
    args.batch_sampler = BatchSamplers.NO_DUPLICATES
    args.dataloader_drop_last = False
    datasets = training_sets(model, pairs, settings, (stored.query_prefix, stored.passage_prefix))
    ranking = MultipleNegativesRankingLoss(model)
    losses: dict[str, Module] = {name: CoSENTLoss(model) if name == "graded" else ranking for name in datasets}
    SentenceTransformerTrainer(model=model, args=args, train_dataset=datasets, loss=losses).train()
    if is_static:
        table, factors = quantise(model[0].state_dict()["embedding.weight"].numpy())
        StaticEncoder(
            (source / "tokenizer.json").read_bytes(),
            table,
            factors=factors,
            query_prefix=stored.query_prefix,
            passage_prefix=stored.passage_prefix,
        ).save(out)
    else:
        model.save_pretrained(str(out), create_model_card=False)
        stored.write(out)
