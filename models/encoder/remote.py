"""An embedding endpoint (`POST /embeddings`, as OpenAI, vLLM, Xinference, TEI and DashScope speak it) as an encoder."""

import json
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import EncoderError, ModelUnavailableError
from data.settings import settings
from models.encoder.directory import REMOTE_FILE, REMOTE_SCHEME
from models.remote.configured import make_endpoint
from models.remote.endpoint import Endpoint

_PROBE = "低温污泥干化设备，含水率降到40%以下"
_SAME = 0.98  # cosine from which on two vectors of the probe are of one model, whatever computed them


class RemoteModel(BaseModel):
    """What a bundle keeps of the model that its vectors come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str
    dimension: int = Field(ge=1)
    query_prefix: str = ""
    passage_prefix: str = ""
    probe: tuple[float, ...]


class RemoteEncoder:
    """Sends texts in batches. A model that answers otherwise than the one recorded is refused."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        query_prefix: str = "",
        passage_prefix: str = "",
        batch_size: int = 32,
        recorded: RemoteModel | None = None,
    ) -> None:
        """Ask the endpoint for its dimension, unless the model is `recorded`.

        Raises:
            ModelUnavailableError: the endpoint gives no usable answer.

        """
        self.endpoint = endpoint
        self.query_prefix = query_prefix
        self.passage_prefix = passage_prefix
        self._batch_size = batch_size
        self._verified = recorded is None
        if recorded is None:
            probe = endpoint.post("/embeddings", self._body([_PROBE]), lambda found: _vectors(found, 1), keep=False)[0]
        else:
            probe = np.array(recorded.probe, dtype=np.float32)
        self._probe: NDArray[np.float32] = probe

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return len(self._probe)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the address, the model's name, its dimension and the prefixes."""
        address = self.endpoint.address
        facts = (address.url, address.model, self.dimension, self.query_prefix, self.passage_prefix)
        return sha256(repr(facts).encode()).hexdigest()

    def encode(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> NDArray[np.float32]:
        """Return one row of length 1 per text, shape (n, dimension); an empty text gives zeros and is not sent.

        Raises:
            ModelUnavailableError: the endpoint gives no usable answer in time.
            EncoderError: it is another model than the one recorded.

        """
        prefix = self.query_prefix if kind == "query" else self.passage_prefix
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        filled = [i for i, text in enumerate(texts) if text.strip()]
        if filled:
            self._verify()
        for start in range(0, len(filled), self._batch_size):
            part = filled[start : start + self._batch_size]
            # Many texts are a build's, which keeps vectors by itself; one is a request's.
            vectors[part] = self._embed([prefix + texts[i] for i in part], keep=len(texts) == 1)
        return vectors

    def save(self, directory: Path) -> None:
        """Write what the model is; its weights stay where they are."""
        directory.mkdir(parents=True, exist_ok=True)
        address = self.endpoint.address
        model = RemoteModel(
            address=f"{address.url}#{address.model}",
            dimension=self.dimension,
            query_prefix=self.query_prefix,
            passage_prefix=self.passage_prefix,
            probe=tuple(round(float(value), 6) for value in self._probe),
        )
        text = json.dumps(model.model_dump(), ensure_ascii=False, sort_keys=True)
        (directory / REMOTE_FILE).write_text(text + "\n", encoding="utf-8")

    def _embed(self, texts: list[str], *, keep: bool) -> NDArray[np.float32]:
        found = self.endpoint.post("/embeddings", self._body(texts), lambda body: _vectors(body, len(texts)), keep=keep)
        if found.shape[1] != self.dimension:
            raise self._changed(f"its vectors have {found.shape[1]} dimensions instead of {self.dimension}")
        return found

    def _verify(self) -> None:
        """Compare the model with the one recorded, once; as long as it does not answer that is left for later."""
        if self._verified:
            return
        try:
            cosine = float(self._embed([_PROBE], keep=False)[0] @ self._probe)
        except ModelUnavailableError:
            return
        if cosine < _SAME:
            raise self._changed(f"a known text has another vector (cosine {cosine:.3f})")
        self._verified = True

    def _changed(self, why: str) -> EncoderError:
        return EncoderError(
            f"the model {self.endpoint.address.model!r} at {self.endpoint.address.host} is not the one that the bundle "
            f"was built with: {why}; run `gongxu build` again, or let the endpoint serve the earlier model"
        )

    def _body(self, texts: list[str]) -> dict[str, Any]:
        return {"model": self.endpoint.address.model, "input": texts, "encoding_format": "float"}


def load_remote(
    value: str | Path, *, query_prefix: str = "", passage_prefix: str = "", batch_size: int = 32
) -> RemoteEncoder:
    """Return the encoder behind `openai:URL#model`, or the one that a bundle's directory records.

    Raises:
        SettingsError: the address cannot be used or its host is not allowed.
        EncoderError: the record in the directory is damaged.
        ModelUnavailableError: the endpoint of a new encoder gives no usable answer.

    """
    chosen = settings()
    recorded = None
    if isinstance(value, Path):
        try:
            recorded = RemoteModel.model_validate_json((value / REMOTE_FILE).read_bytes())
        except (ValidationError, OSError) as error:
            raise EncoderError(f"{value / REMOTE_FILE} cannot be read ({error}); run `gongxu build` again") from error
        query_prefix, passage_prefix = recorded.query_prefix, recorded.passage_prefix
    address = recorded.address if recorded else str(value).removeprefix(REMOTE_SCHEME)
    return RemoteEncoder(
        make_endpoint("encoder", address, chosen, chosen.encoder_key_file),
        query_prefix=query_prefix,
        passage_prefix=passage_prefix,
        batch_size=batch_size,
        recorded=recorded,
    )


def _vectors(found: Any, number: int) -> NDArray[np.float32]:
    """Return (number, d) vectors of length 1 in the order of the texts.

    Raises:
        ValueError, KeyError, TypeError: the answer has another form, another number of vectors, or one without length.

    """
    rows = sorted(found["data"], key=lambda row: int(row["index"]))
    if [int(row["index"]) for row in rows] != list(range(number)):
        raise ValueError(f"{len(rows)} vectors for {number} texts")
    vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise ValueError("vectors of different dimensions")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise ValueError("a vector without a length")
    normalised: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return normalised
