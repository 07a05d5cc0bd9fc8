"""Static encoder: a text's vector is the weighted mean of its tokens' vectors, computed with NumPy alone.

Reads and writes the sentence-transformers `StaticEmbedding` directory (modules.json, model.safetensors,
tokenizer.json). The matrix may be stored as float32, float16 or int8 with one factor per token: the layout with the
tensors `embeddings`, `mapping` and `weights` that sentence-transformers reads as well.
"""

import json
import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from scipy import sparse
from tokenizers import Tokenizer, normalizers

from data.errors import EncoderError
from models.encoder.directory import EncoderSettings

# Texts per block: bounds memory (a block touches at most a few tens of thousands of rows) and keeps rows in cache.
_BLOCK = 2048
# The normaliser of the shipped tokenizer. Python folds a text several times faster than the tokenizer does, to the
# same result, because most texts are in normal form already.
_FOLDING = {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]}
_MODULES = [
    {
        "idx": 0,
        "name": "0",
        "path": "",
        "type": "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding",
    },
    {
        "idx": 1,
        "name": "1",
        "path": "1_Normalize",
        "type": "sentence_transformers.base.modules.normalize.Normalize",
    },
]


def fold(text: str) -> str:
    """Return `text` in Unicode NFKC and lower case, as the shipped tokenizer folds it."""
    # Python alone lowers a final capital sigma to another letter than one within a word.
    return unicodedata.normalize("NFKC", text).replace("Σ", "σ").lower()


def quantise(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return `vectors` (n, d) as 8-bit rows and one factor per row (n,): `vectors ≈ rows * factors`.

    The error is at most half a step of 1/127 of the row's largest absolute value.
    """
    factors = (np.abs(vectors).max(axis=1) / 127).astype(np.float32)
    factors[factors == 0] = 1
    return np.round(vectors / factors[:, None]).astype(np.int8), factors


@lru_cache(maxsize=2)
def _tokenizer(tokenizer_json: bytes) -> tuple[Tokenizer, bool]:
    """Return a tokenizer without padding and truncation, and whether `fold` replaces its normaliser.

    The latest are kept: an encoder that was adapted to a store has the tokenizer of the one before, and reading one
    holds up all other threads for some tenths of a second.
    """
    tokenizer: Tokenizer = Tokenizer.from_str(tokenizer_json.decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    folds = bool(json.loads(tokenizer_json)["normalizer"] == _FOLDING)
    if folds:
        tokenizer.normalizer = normalizers.Sequence([])
    return tokenizer, folds


class StaticEncoder:
    """One tokenizer and one matrix.

    `table` has shape (rows, dimension) and dtype int8, float16 or float32. Token i has the vector
    `table[mapping[i]] * factors[i]`; without a mapping its row is i, without factors the factor is 1.
    """

    def __init__(
        self,
        tokenizer_json: bytes,
        table: NDArray[Any],
        *,
        mapping: NDArray[np.int64] | None = None,
        factors: NDArray[np.float32] | None = None,
        query_prefix: str = "",
        passage_prefix: str = "",
    ) -> None:
        """Build the encoder from the bytes of a tokenizer.json and its arrays.

        Raises:
            EncoderError: the tokenizer cannot be read, or the arrays do not fit it or each other.

        """
        try:
            self._tokenizer, self._folds = _tokenizer(tokenizer_json)
        except Exception as error:  # the tokenizers library raises bare Exception
            raise EncoderError(f"tokenizer.json cannot be read ({error}); copy the model directory again") from error
        self.tokenizer_json = tokenizer_json
        self.table = table
        self.mapping = mapping
        self.factors = factors
        self.query_prefix = query_prefix
        self.passage_prefix = passage_prefix
        self._check()

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[bytes, NDArray[Any]]]:
        """Travel to another process as what the encoder is built from; the tokenizer is read there, once."""
        build = partial(
            type(self),
            mapping=self.mapping,
            factors=self.factors,
            query_prefix=self.query_prefix,
            passage_prefix=self.passage_prefix,
        )
        return build, (self.tokenizer_json, self.table)

    def _check(self) -> None:
        tokens = self.vocabulary_size
        if self.table.ndim != 2 or self.table.dtype not in (np.int8, np.float16, np.float32):
            raise EncoderError(
                f"embeddings of shape {self.table.shape} and type {self.table.dtype} cannot be used; "
                "they must be a matrix of int8, float16 or float32"
            )
        lengths = {
            "mapping": None if self.mapping is None else len(self.mapping),
            "weights": None if self.factors is None else len(self.factors),
            "embeddings": len(self.table) if self.mapping is None else None,
        }
        for name, length in lengths.items():
            if length is not None and length != tokens:
                raise EncoderError(f"the tokenizer has {tokens} tokens, but {name} has {length} rows")
        if self.mapping is not None and not (self.mapping.min() >= 0 and self.mapping.max() < len(self.table)):
            raise EncoderError(f"mapping names rows outside the {len(self.table)} rows of embeddings")

    @classmethod
    def load(cls, directory: Path, *, query_prefix: str = "", passage_prefix: str = "") -> Self:
        """Read a `StaticEmbedding` model directory.

        Raises:
            EncoderError: a file is missing or damaged.

        """
        try:
            tokenizer_json = (directory / "tokenizer.json").read_bytes()
            tensors = load_file(directory / "model.safetensors")
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise EncoderError(f"the encoder in {directory} cannot be read: {error}") from error
        if "embedding.weight" in tensors:
            return cls(
                tokenizer_json, tensors["embedding.weight"], query_prefix=query_prefix, passage_prefix=passage_prefix
            )
        if "embeddings" not in tensors:
            raise EncoderError(f"{directory / 'model.safetensors'} holds no embeddings, only {sorted(tensors)}")
        mapping, factors = tensors.get("mapping"), tensors.get("weights")
        return cls(
            tokenizer_json,
            tensors["embeddings"],
            mapping=None if mapping is None else mapping.astype(np.int64),
            factors=None if factors is None else factors.astype(np.float32),
            query_prefix=query_prefix,
            passage_prefix=passage_prefix,
        )

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.table.shape[1])

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens."""
        return int(self._tokenizer.get_vocab_size())

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of tokenizer, weights and prefixes, the same before saving and after loading."""
        digest = sha256(repr((self.query_prefix, self.passage_prefix)).encode())
        digest.update(b"\0tokenizer.json\0" + self.tokenizer_json)
        digest.update(b"\0model.safetensors\0" + self._weights())
        return digest.hexdigest()

    def token_vectors(self, ids: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return the vectors of the tokens `ids` (all tokens if None), shape (n, dimension)."""
        ids = np.arange(self.vocabulary_size) if ids is None else ids
        vectors = self.table[ids if self.mapping is None else self.mapping[ids]].astype(np.float32)
        if self.factors is not None:
            vectors *= self.factors[ids, None]
        return vectors

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of every text, without prefixes; an empty text has none."""
        folded = [fold(text) for text in texts] if self._folds else list(texts)
        encodings = self._tokenizer.encode_batch_fast(folded, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def encode(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> NDArray[np.float32]:
        """Return one row of length 1 per text, shape (n, dimension); a text without any known token gives zeros."""
        prefix = self.query_prefix if kind == "query" else self.passage_prefix
        if prefix:
            texts = [prefix + text if text.strip() else "" for text in texts]
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _BLOCK):
            block = self.token_ids(texts[start : start + _BLOCK])
            vectors[start : start + len(block)] = self._sum(block)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(norms > 0, norms, 1)
        return vectors

    def _sum(self, block: list[list[int]]) -> NDArray[np.float32]:
        """Return the sum of the token vectors of every list of ids."""
        if len(block) == 1:
            total: NDArray[np.float32] = self.token_vectors(np.asarray(block[0], dtype=np.int64)).sum(axis=0)
            return total[None, :]
        bounds = np.zeros(len(block) + 1, dtype=np.int64)
        np.cumsum([len(ids) for ids in block], out=bounds[1:])
        ids = np.fromiter((token for ids in block for token in ids), dtype=np.int64, count=int(bounds[-1]))
        used, position = np.unique(ids, return_inverse=True)
        counts = sparse.csr_array(
            (np.ones(len(ids), dtype=np.float32), position, bounds), shape=(len(block), len(used)), dtype=np.float32
        )
        sums: NDArray[np.float32] = counts @ self.token_vectors(used)
        return sums

    def _weights(self) -> bytes:
        if self.mapping is None and self.factors is None:
            return save({"embedding.weight": self.table})
        tensors: dict[str, NDArray[Any]] = {"embeddings": self.table}
        if self.mapping is not None:
            tensors["mapping"] = self.mapping.astype(np.int32)
        if self.factors is not None:
            tensors["weights"] = self.factors
        return save(tensors)

    def save(self, directory: Path) -> None:
        """Write a sentence-transformers model directory that `SentenceTransformer(directory)` loads as well."""
        (directory / "1_Normalize").mkdir(parents=True, exist_ok=True)
        (directory / "tokenizer.json").write_bytes(self.tokenizer_json)
        (directory / "model.safetensors").write_bytes(self._weights())
        (directory / "modules.json").write_text(json.dumps(_MODULES, indent=2) + "\n", encoding="utf-8")
        (directory / "1_Normalize" / "config.json").write_text("{}\n", encoding="utf-8")
        prompts = {"query": self.query_prefix, "passage": self.passage_prefix}
        config = {"prompts": prompts, "default_prompt_name": None, "similarity_fn_name": "cosine"}
        text = json.dumps(config, ensure_ascii=False, indent=2) + "\n"
        (directory / "config_sentence_transformers.json").write_text(text, encoding="utf-8")
        EncoderSettings(encoder="static", query_prefix=self.query_prefix, passage_prefix=self.passage_prefix).write(
            directory
        )
