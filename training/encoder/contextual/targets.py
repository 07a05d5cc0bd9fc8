"""What the teacher makes of texts, kept on disk in parts so that an interrupted run goes on.

A part holds, for its texts, every token's place in the text, its last state and the states that enter the teacher's
last layers, and the text's vector. Tokens of the prefix, <s> and </s> are left out: the student reads words, and takes
for a word's state the mean of the states of the tokens that lie in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.encoder.contextual.teacher import PAD, PREFIX

if TYPE_CHECKING:
    import torch
    from transformers import BertModel

_TEXTS_A_PART = 1024
_TOKENS_A_BATCH = 4096


@dataclass(frozen=True)
class Targets:
    """The teacher's answers to the n texts of one part, of t tokens in all.

    `bounds` (n + 1,) says where each text's tokens begin, `spans` (t, 2) from which character to which a token reaches,
    `states[k]` (t, 384) float16 the states that leave the teacher's k-th layer (k = 0: the embeddings), `vectors`
    (n, 384) float32 the texts' vectors of length 1.
    """

    bounds: NDArray[np.int64]
    spans: NDArray[np.int32]
    states: dict[int, NDArray[np.float16]]
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
    layers: Sequence[int],
    folder: Path,
    progress: Callable[[int, int], None],
) -> list[Path]:
    """Ask the teacher what is not yet in `folder`; return the parts' files, in the order of `texts`.

    `layers` are those whose states are kept; `read_targets` reads a part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for start in range(0, len(texts), _TEXTS_A_PART):
        part = texts[start : start + _TEXTS_A_PART]
        name = sha256("\0".join([PREFIX, repr(list(layers)), *part]).encode()).hexdigest()[:16]
        path = folder / f"{name}.npz"
        if not path.is_file():
            written = folder / f"{name}.partial.npz"
            np.savez(written, **_answers(network, tokenizer, part, layers))  # type: ignore[arg-type]
            written.rename(path)
        paths.append(path)
        progress(start + len(part), len(texts))
    return paths


def read_targets(path: Path) -> Targets:
    """Read a part that `ask_teacher` wrote."""
    with np.load(path, allow_pickle=False) as file:
        states = {int(name.removeprefix("states")): file[name] for name in file.files if name.startswith("states")}
        return Targets(file["bounds"], file["spans"], states, file["vectors"])


def _answers(
    network: "BertModel", tokenizer: Tokenizer, texts: Sequence[str], layers: Sequence[int]
) -> dict[str, NDArray[Any]]:
    import torch

    encodings = tokenizer.encode_batch([PREFIX + text for text in texts])
    rows = [np.array(encoding.ids, dtype=np.int32) for encoding in encodings]
    spans = [np.array(encoding.offsets, dtype=np.int32) - len(PREFIX) for encoding in encodings]
    # Whatever ends within the prefix is none of the text's: the prefix itself, <s> and </s> (both at 0).
    kept = [span[:, 1] > 0 for span in spans]
    bounds = np.concatenate([[0], np.cumsum([own.sum() for own in kept])])
    width = network.config.hidden_size
    states = {layer: np.zeros((bounds[-1], width), dtype=np.float16) for layer in layers}
    vectors = np.zeros((len(rows), width), dtype=np.float32)
    for batch in batches_by_length(np.array([len(row) for row in rows]), _TOKENS_A_BATCH):
        ids, mask = padded([rows[i] for i in batch])
        with torch.inference_mode():
            hidden = network(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
            pooled = (hidden[-1] * mask[..., None]).sum(1)
            vectors[batch] = torch.nn.functional.normalize(pooled, dim=1).numpy()
        for r, i in enumerate(batch):
            for layer, table in states.items():
                table[bounds[i] : bounds[i + 1]] = hidden[layer][r, : len(rows[i])].numpy()[kept[i]]
    all_spans = np.concatenate([span[own] for span, own in zip(spans, kept, strict=True)])
    return {
        "bounds": bounds,
        "spans": np.maximum(all_spans, 0),
        "vectors": vectors,
        **{f"states{layer}": table for layer, table in states.items()},
    }
