"""What the teacher makes of texts, kept on disk in parts so that an interrupted run goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.encoder.contextual import PREFIX
from training.encoder.contextual.teacher import PAD

if TYPE_CHECKING:
    import torch
    from transformers import BertModel

_TEXTS_A_PART = 1024
_TOKENS_A_BATCH = 4096


@dataclass(frozen=True)
class Targets:
    """The teacher's answers to n texts of t tokens in all.

    `tokens` (t,) int32 are the teacher's, with the prefix's and those that begin and end a text; `bounds` (n + 1,) says
    where each text's begin; `states` (t, 384) float16 are their last states, `vectors` (n, 384) float32 of length 1.
    """

    tokens: NDArray[np.int32]
    bounds: NDArray[np.int64]
    states: NDArray[np.float16]
    vectors: NDArray[np.float32]


def padded(rows: Sequence[NDArray[np.int32]]) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return token ids and mask, both (rows, longest row), as int64."""
    import torch

    ids = np.full((len(rows), max(map(len, rows))), PAD, dtype=np.int64)
    for place, row in zip(ids, rows, strict=True):
        place[: len(row)] = row
    mask = np.arange(ids.shape[1]) < np.array([len(row) for row in rows])[:, None]
    return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))


def batches_by_length(lengths: NDArray[np.int64], tokens: int) -> list[NDArray[np.int64]]:
    """Return rows in batches of at most `tokens` tokens with padding, texts of like length together, the short first."""
    order = np.argsort(lengths, kind="stable")
    batches, at = [], 0
    while at < len(order):
        end = at + 1
        while end < len(order) and (end + 1 - at) * lengths[order[end]] <= tokens:
            end += 1
        batches.append(order[at:end])
        at = end
    return batches


def ask_teacher(
    network: "BertModel",
    tokenizer: Tokenizer,
    texts: Sequence[str],
    folder: Path,
    progress: Callable[[int, int], None],
) -> Targets:
    """Return the teacher's answers to `texts`; parts that are already in `folder` are read."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for start in range(0, len(texts), _TEXTS_A_PART):
        part = texts[start : start + _TEXTS_A_PART]
        path = folder / f"{sha256(chr(0).join([PREFIX, *part]).encode()).hexdigest()[:16]}.npz"
        if not path.is_file():
            written = path.with_suffix(".partial.npz")
            np.savez(written, **_answers(network, tokenizer, part))  # type: ignore[arg-type]
            written.rename(path)
        with np.load(path, allow_pickle=False) as file:
            parts.append({name: file[name] for name in file.files})
        progress(start + len(part), len(texts))
    tokens, lengths, states, vectors = (
        np.concatenate([part[name] for part in parts]) for name in ("tokens", "lengths", "states", "vectors")
    )
    return Targets(tokens, bounds_of(lengths), states, vectors)


def bounds_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of n texts of these lengths begins, and the end: (n + 1,)."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _answers(network: "BertModel", tokenizer: Tokenizer, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    import torch

    rows = [np.array(encoding.ids, dtype=np.int32) for encoding in tokenizer.encode_batch([PREFIX + t for t in texts])]
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    bounds = bounds_of(lengths)
    states = np.zeros((bounds[-1], network.config.hidden_size), dtype=np.float16)
    vectors = np.zeros((len(rows), network.config.hidden_size), dtype=np.float32)
    for batch in batches_by_length(lengths, _TOKENS_A_BATCH):
        ids, mask = padded([rows[i] for i in batch])
        with torch.inference_mode():
            hidden = network(input_ids=ids, attention_mask=mask).last_hidden_state
            pooled = (hidden * mask[..., None]).sum(1)
            vectors[batch] = torch.nn.functional.normalize(pooled, dim=1).numpy()
        for r, i in enumerate(batch):
            states[bounds[i] : bounds[i + 1]] = hidden[r, : lengths[i]].numpy()
    return {"tokens": np.concatenate(rows), "lengths": lengths, "states": states, "vectors": vectors}
