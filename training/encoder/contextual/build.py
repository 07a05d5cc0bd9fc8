"""Distils the shipped contextual encoder from scratch: texts, teacher's answers, pieces, training, export.

Each slow stage leaves files in the work folder and is skipped when they are there: the teacher's answers by part, the
trained weights by the settings that decide them.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from models.encoder.contextual import ContextualEncoder, make_manifest
from training.encoder.contextual.export import onnx_model
from training.encoder.contextual.pieces import Examples, choose_pieces, read_examples
from training.encoder.contextual.student import MAX_TOKENS, Student, cut
from training.encoder.contextual.targets import ask_teacher
from training.encoder.contextual.teacher import build_tokenizer, teacher_network
from training.encoder.contextual.teacher_file import read_teacher_file, teacher_path
from training.encoder.contextual.texts import TrainingTexts, training_texts
from training.encoder.contextual.train import TrainSettings, train
from training.encoder.corpus import read_corpus

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class DistilSettings:
    """What decides the result: pieces kept, texts used at most (in their random order), the teacher's layers kept."""

    pieces: int = 16_000
    texts: int = 28_000
    layers: tuple[int, ...] = (0, 11)
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
    texts = training_texts(read_corpus(shared_data), work, seed)
    used = texts.train[: settings.texts]
    file = read_teacher_file(teacher_path())
    teacher, tokenizer = teacher_network(file), build_tokenizer(list(file.pieces), max_tokens=MAX_TOKENS)
    kept = choose_pieces(file.pieces, tokenizer, texts.train, settings.pieces)
    own = build_tokenizer([file.pieces[row] for row in kept], max_tokens=MAX_TOKENS)

    def examples(stage: str, asked: Sequence[str]) -> Examples:
        teacher_targets = ask_teacher(
            teacher, tokenizer, asked, work / "teacher", lambda done, total: progress(stage, done, total)
        )
        return read_examples(asked, own, kept, teacher_targets)

    held_out = examples("held-out texts", [*texts.held_out_titles, *texts.held_out_full])
    shown = examples("texts", used)
    student = cut(teacher, kept, settings.layers)
    weights = work / f"student-{_name(settings, shown)}.safetensors"
    if weights.is_file():
        student.load_state_dict(load_file(weights))
    else:
        train(student, shown, settings.training, lambda step, _: progress("training", step, settings.training.steps))
        save_file(student.state_dict(), weights)
    return Distilled(packed(student.eval(), own), student, held_out, texts, len(used))


def packed(student: Student, tokenizer: Tokenizer) -> ContextualEncoder:
    """Return the encoder that ships: the student in 8 bits."""
    model = onnx_model(student).SerializeToString(deterministic=True)
    tokenizer_json = tokenizer.to_str(pretty=False).encode()
    dimension = student.norm.normalized_shape[0]
    return ContextualEncoder(model, tokenizer_json, make_manifest(model, tokenizer_json, dimension=dimension))


def _name(settings: DistilSettings, examples: Examples) -> str:
    digest = sha256(repr(sorted(asdict(settings).items())).encode())
    digest.update(examples.rows.tobytes())
    digest.update(examples.vectors.tobytes())
    return digest.hexdigest()[:16]
