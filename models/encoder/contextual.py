"""The contextual encoder that ships: a small transformer in 8 bits, run by onnxruntime on one thread, without torch.

A directory holds `model.onnx` (tokens of one text to one vector), `tokenizer.json`, and `contextual.json` with the
SHA-256 of both. `training.encoder.contextual` makes one.
"""

import json
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tokenizers import Tokenizer

from data.errors import EncoderError, first_line
from models.encoder.directory import CONTEXTUAL_FILE, EncoderSettings

MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
# Put before every text: the prefix that the teacher's authors name for symmetric tasks. A record is asked for and asks,
# so it has one vector.
PREFIX = "query: "


class Manifest(BaseModel):
    """What a directory of this kind says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dimension: int = Field(ge=1)
    # SHA-256 (hex) by file name.
    sha256: dict[str, str]


class ContextualEncoder:
    """Encodes texts one by one, so that a vector hangs on its text alone, to the last bit.

    The 8-bit network scales what flows through it by what it sees: texts encoded together, or padded to one length,
    would move each other's vectors by about a thousandth. The tokenizer cuts what is too long. The two kinds of text are
    read alike, so that a record has one vector whichever side it is on.
    """

    def __init__(self, model: bytes, tokenizer_json: bytes, manifest: Manifest) -> None:
        """Build the encoder from its files' bytes. It runs on the thread that calls it and starts none.

        Raises:
            EncoderError: a file's digest is not the manifest's, or the file cannot be used.

        """
        for name, content in ((MODEL, model), (TOKENIZER, tokenizer_json)):
            if (found := sha256(content).hexdigest()) != manifest.sha256.get(name):
                raise EncoderError(
                    f"{name} of the contextual encoder has the digest {found[:12]}…, {CONTEXTUAL_FILE} says "
                    f"{manifest.sha256.get(name, 'none')[:12]}…; copy the whole directory again"
                )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            self._tokenizer: Tokenizer = Tokenizer.from_str(tokenizer_json.decode())
        except Exception as error:  # both libraries raise bare exceptions of their own
            raise EncoderError(f"the contextual encoder cannot be used ({error}); copy its directory again") from error
        self._tokenizer.no_padding()
        self._model, self._tokenizer_json, self.manifest = model, tokenizer_json, manifest

    def __reduce__(self) -> tuple[type[Self], tuple[bytes, bytes, Manifest]]:
        """Travel to another process as the files that make the encoder; the session is made there."""
        return type(self), (self._model, self._tokenizer_json, self.manifest)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read a directory.

        Raises:
            EncoderError: a file is missing, damaged, or not the one that the manifest names.

        """
        try:
            manifest = Manifest.model_validate_json((directory / CONTEXTUAL_FILE).read_bytes())
            return cls((directory / MODEL).read_bytes(), (directory / TOKENIZER).read_bytes(), manifest)
        except (OSError, ValidationError) as error:
            raise EncoderError(f"the contextual encoder in {directory} cannot be read: {first_line(error)}") from error

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.manifest.dimension

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that decides a vector."""
        return sha256(self.manifest.model_dump_json().encode()).hexdigest()

    def encode(self, texts: Sequence[str], kind: Literal["query", "passage"] = "passage") -> NDArray[np.float32]:
        """Return one row of length 1 per text, shape (n, dimension); an empty text gives zeros.

        `kind` is there for the common interface and changes nothing.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        filled = [place for place, text in enumerate(texts) if text.strip()]
        encodings = self._tokenizer.encode_batch_fast([PREFIX + texts[place].strip() for place in filled])
        for place, encoding in zip(filled, encodings, strict=True):
            vectors[place] = self._session.run(["vector"], {"tokens": np.array(encoding.ids, dtype=np.int64)})[0]
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(norms > 0, norms, 1)
        return vectors

    def files(self) -> dict[str, bytes]:
        """Return the network and the tokenizer by file name."""
        return {MODEL: self._model, TOKENIZER: self._tokenizer_json}

    def save(self, directory: Path) -> None:
        """Write a directory that `load` reads back."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in self.files().items():
            (directory / name).write_bytes(content)
        text = json.dumps(self.manifest.model_dump(), indent=2)
        (directory / CONTEXTUAL_FILE).write_text(text + "\n", encoding="utf-8")
        EncoderSettings(encoder="contextual").write(directory)


def make_manifest(model: bytes, tokenizer_json: bytes, *, dimension: int) -> Manifest:
    """Return the manifest of these files."""
    digests = {MODEL: sha256(model).hexdigest(), TOKENIZER: sha256(tokenizer_json).hexdigest()}
    return Manifest(dimension=dimension, sha256=digests)


def load_contextual(directory: Path, *, query_prefix: str = "", passage_prefix: str = "") -> ContextualEncoder:
    """Read a directory that `gongxu lab encoder distil` made.

    Raises:
        EncoderError: it cannot be read, or a prefix is asked for: the model was trained without.

    """
    for name, value in (("query_prefix", query_prefix), ("passage_prefix", passage_prefix)):
        if value:
            raise EncoderError(f"the contextual encoder takes no {name}; remove {value!r}")
    return ContextualEncoder.load(directory)
