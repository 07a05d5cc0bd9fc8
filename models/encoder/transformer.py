"""Any sentence-transformers model as an encoder. Imports torch: only for those who set one."""

import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from data.errors import EncoderError, first_line
from models.encoder.directory import BROKEN_MODEL, EncoderSettings, directory_digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class SentenceTransformerEncoder:
    """A model of the sentence-transformers library, read from a directory."""

    def __init__(
        self,
        directory: Path,
        model: "SentenceTransformer",
        *,
        query_prefix: str,
        passage_prefix: str,
        max_length: int,
        batch_size: int,
    ) -> None:
        """Wrap `model`, which was loaded from `directory`; the length limit is the smaller of its own and `max_length`.

        An empty prefix means the model's own prompt of that kind, if it has one.
        """
        self._directory = directory
        self._model = model
        own = model.max_seq_length
        self._max_length = max_length if own is None else int(min(own, max_length))
        if not isinstance(own, float):  # a static module has no limit (infinity) and refuses one
            model.max_seq_length = self._max_length
        self.query_prefix = query_prefix or (model.prompts.get("query") or "")
        self.passage_prefix = passage_prefix or (model.prompts.get("passage") or model.prompts.get("document") or "")
        self._batch_size = batch_size

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise EncoderError(f"the model in {self._directory} does not tell its dimension")
        return int(dimension)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the model's files, the prefixes and the length limit."""
        return directory_digest(self._directory, self.query_prefix, self.passage_prefix, self._max_length)

    def encode(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> NDArray[np.float32]:
        """Return one row of length 1 per text, shape (n, dimension); an empty text gives zeros."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        filled = [i for i, text in enumerate(texts) if text.strip()]
        if filled:
            vectors[filled] = self._model.encode(
                [texts[i] for i in filled],
                prompt=self.query_prefix if kind == "query" else self.passage_prefix,
                batch_size=self._batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return vectors

    def save(self, directory: Path) -> None:
        """Copy the model's files, byte for byte, and note the prefixes and the length limit beside them."""
        # Links are followed: a hub snapshot is a folder of links into the cache.
        shutil.copytree(self._directory, directory, dirs_exist_ok=True)
        EncoderSettings(
            encoder="transformer",
            query_prefix=self.query_prefix,
            passage_prefix=self.passage_prefix,
            max_length=self._max_length,
        ).write(directory)


def load_transformer(
    name_or_path: str, *, query_prefix: str, passage_prefix: str, max_length: int, batch_size: int
) -> SentenceTransformerEncoder:
    """Load a sentence-transformers directory or, when there is no such folder, a model of that name from the hub.

    Raises:
        EncoderError: there is no such folder, the hub cannot be reached or does not have it, or it cannot be loaded.

    """
    directory = Path(name_or_path).expanduser()
    if not directory.is_dir():
        directory = _download(name_or_path)
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    except BROKEN_MODEL as error:
        reason = first_line(error)
        raise EncoderError(f"the model in {directory} cannot be loaded: {reason}") from error
    return SentenceTransformerEncoder(
        directory,
        model,
        query_prefix=query_prefix,
        passage_prefix=passage_prefix,
        max_length=max_length,
        batch_size=batch_size,
    )


def _download(name: str) -> Path:
    """Return the local snapshot of the hub's model `name`, fetched if it is not in the hub's cache."""
    if name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1 or not name.strip():
        raise EncoderError(f"there is no folder {name!r}; GONGXU_ENCODER names a model directory or a hub name")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except FileNotFoundError:
            return Path(snapshot_download(name))
    except (OSError, HFValidationError) as error:  # the hub's errors and those of the network are OSError
        reason = first_line(error)
        raise EncoderError(
            f"there is no folder {name!r}, and the model hub did not answer with a model of that name ({reason}); "
            "copy the model's folder to this machine and set GONGXU_ENCODER to its path"
        ) from error
