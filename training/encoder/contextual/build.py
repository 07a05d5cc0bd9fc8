"""Distils the shipped contextual encoder from scratch: texts, teacher's answers, words, training, export.

Each slow stage leaves files in the work folder and is skipped when they are there: the teacher's answers by part, the
trained weights by the settings that decide them.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from transformers import BertModel

from data.errors import NotFoundError
from models.encoder.contextual import ContextualEncoder, make_manifest
from training.encoder.contextual.examples import Examples, WordMeans, add_lone_words, read_examples
from training.encoder.contextual.export import onnx_model
from training.encoder.contextual.student import MAX_WORDS, Student, StudentSize, initial_student, last_layers
from training.encoder.contextual.targets import ask_teacher, padded
from training.encoder.contextual.teacher import PREFIX, build_tokenizer, teacher_network
from training.encoder.contextual.teacher_file import read_teacher_file, teacher_path
from training.encoder.contextual.texts import TrainingTexts, training_texts
from training.encoder.contextual.train import TrainSettings, fit_head, train
from training.encoder.contextual.words import Words, choose_words
from training.encoder.corpus import read_corpus

_TEACHER_TOKENS = 256
# Words seen less often than this in the training texts are shown to the teacher alone as well.
_SELDOM = 2
_LEXICONS = ("sci_terms_by_field_1.csv", "sci_terms_by_field_2.csv", "thuocl_terms.csv")
# Texts on which the teacher's inner units are measured before the least of them go.
_MEASURED_TEXTS = 256

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class DistilSettings:
    """What decides the result. `texts` bounds how many of the training texts, in their random order, are used."""

    words: int = 28_000
    texts: int = 40_000
    size: StudentSize = field(default_factory=StudentSize)
    training: TrainSettings = field(default_factory=TrainSettings)


@dataclass(frozen=True)
class Distilled:
    """The encoder, the student it was made of, and the held-out texts with the teacher's vectors of them."""

    encoder: ContextualEncoder
    student: Student
    held_out: Examples
    texts: TrainingTexts
    used_texts: int


def distil(shared_data: Path, work: Path, settings: DistilSettings, progress: Progress) -> Distilled:
    """Train the encoder on the openly licensed texts of `shared_data`; stages already done in `work` are read.

    Raises:
        NotFoundError: the folder of real data is missing.
        EncoderError: the teacher's package is missing.

    """
    seed = settings.training.seed
    torch.manual_seed(seed)
    corpus = read_corpus(shared_data)
    texts = training_texts(corpus, work, seed)
    used = texts.train[: settings.texts]
    words = choose_words(corpus, _terms(shared_data / "lexicon"), settings.words)
    file = read_teacher_file(teacher_path())
    teacher, tokenizer = teacher_network(file), build_tokenizer(list(file.pieces), max_tokens=_TEACHER_TOKENS)
    last = file.layers
    entry = last - settings.size.layers

    def ask(stage: str, asked: Sequence[str]) -> list[Path]:
        return ask_teacher(
            teacher, tokenizer, asked, (entry, last), work / "teacher", lambda done, total: progress(stage, done, total)
        )

    held_out_texts = [*texts.held_out_titles, *texts.held_out_full]
    held_out = read_examples(ask("held-out texts", held_out_texts), held_out_texts, words, entry=entry, last=last)
    means = WordMeans(np.zeros((words.rows, file.hidden), np.float32), np.zeros(words.rows, np.float32))
    examples = read_examples(ask("texts", used), used, words, means, entry=entry, last=last)
    seldom = [piece.text for i, piece in enumerate(words.pieces, start=1) if means.counts[i] < _SELDOM]
    add_lone_words(ask("words", seldom), seldom, words, means, entry=entry)

    shown = tokenizer.encode_batch([PREFIX + text for text in used[:_MEASURED_TEXTS]])
    student = _start(teacher, [np.array(encoding.ids, dtype=np.int32) for encoding in shown], means, settings)
    weights = work / f"student-{_name(settings, examples)}.safetensors"
    if weights.is_file():
        student.load_state_dict(load_file(weights))
    else:
        fit_head(student, examples)
        train(student, examples, settings.training, lambda step, _: progress("training", step, settings.training.steps))
        save_file(student.state_dict(), weights)
    return Distilled(packed(student.eval(), words), student, held_out, texts, len(used))


def packed(student: Student, words: Words) -> ContextualEncoder:
    """Return the encoder that ships: the student in 8 bits."""
    model = onnx_model(student).SerializeToString(deterministic=True)
    tokenizer_json = words.tokenizer.to_str(pretty=False).encode()
    manifest = make_manifest(model, tokenizer_json, dimension=student.head.out_features, max_words=MAX_WORDS)
    return ContextualEncoder(model, tokenizer_json, manifest)


def _start(
    teacher: BertModel, rows: Sequence[NDArray[np.int32]], means: WordMeans, settings: DistilSettings
) -> Student:
    """Return the student before training."""
    begin, activations = _measured(teacher, rows, settings.size.layers)
    return initial_student(teacher, means.table(begin), activations, settings.size)


def _measured(
    teacher: BertModel, rows: Sequence[NDArray[np.int32]], layers: int
) -> tuple[NDArray[np.float32], list[tuple[torch.Tensor, torch.Tensor]]]:
    """Return the mean state of <s> that enters the last `layers`, and each one's inner units' mean and mean square."""
    taken = last_layers(teacher, layers)
    kept: list[list[torch.Tensor]] = [[] for _ in taken]
    hooks = [
        layer.intermediate.register_forward_hook(lambda _, __, out, own=own: own.append(out))
        for layer, own in zip(taken, kept, strict=True)
    ]
    begins = []
    try:
        for row in rows:
            with torch.inference_mode():
                ids, mask = padded([row])
                hidden = teacher(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
            begins.append(hidden[-layers - 1][0, 0].numpy())
    finally:
        for hook in hooks:
            hook.remove()
    joined = [torch.cat([part[0] for part in own]) for own in kept]
    return np.mean(begins, axis=0), [(units.mean(0), units.square().mean(0)) for units in joined]


def _name(settings: DistilSettings, examples: Examples) -> str:
    digest = sha256(repr(sorted(asdict(settings).items())).encode())
    digest.update(examples.rows.tobytes())
    digest.update(examples.vectors.tobytes())
    return digest.hexdigest()[:16]


def _terms(folder: Path) -> Iterable[str]:
    """Give the technical terms whose words the vocabulary should hold."""
    for name in _LEXICONS:
        path = folder / name
        if not path.is_file():
            raise NotFoundError(f"{path} is missing; GONGXU_SHARED_DATA names the folder with the real data")
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield row["term"]
