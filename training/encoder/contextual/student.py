"""The student: some of the teacher's layers over some of its pieces."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertModel
from transformers.models.bert.modeling_bert import BertLayer

# Pieces of a text that the student reads, the prefix's and the ends' included.
MAX_TOKENS = 256


class Layer(nn.Module):
    """One transformer layer, its norms after its sums as in BERT."""

    def __init__(self, hidden: int, heads: int, inner: int, epsilon: float) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.norm1 = nn.LayerNorm(hidden, eps=epsilon)
        self.up = nn.Linear(hidden, inner)
        self.down = nn.Linear(inner, hidden)
        self.norm2 = nn.LayerNorm(hidden, eps=epsilon)

    def forward(self, x: Tensor, shown: Tensor) -> Tensor:
        """Return the states after this layer; `x` (texts, pieces, hidden), `shown` (texts, 1, 1, pieces) boolean."""
        texts, pieces, hidden = x.shape
        q, k, v = self.qkv(x).view(texts, pieces, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=shown)
        x = self.norm1(x + self.out(mixed.transpose(1, 2).reshape(texts, pieces, hidden)))
        states: Tensor = self.norm2(x + self.down(functional.gelu(self.up(x))))
        return states


class Student(nn.Module):
    """Reads rows of pieces; returns their last states and the texts' vectors of length 1."""

    def __init__(self, rows: int, hidden: int, heads: int, inner: int, epsilon: float, layers: int) -> None:
        super().__init__()
        self.pieces = nn.Embedding(rows, hidden, sparse=True)
        self.places = nn.Parameter(torch.zeros(MAX_TOKENS, hidden))
        self.norm = nn.LayerNorm(hidden, eps=epsilon)
        self.layers = nn.ModuleList([Layer(hidden, heads, inner, epsilon) for _ in range(layers)])

    def forward(self, rows: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return states (texts, pieces, hidden) and vectors (texts, hidden)."""
        x = self.norm(self.pieces(rows) + self.places[: rows.shape[1]])
        shown = mask[:, None, None, :].bool()
        for layer in self.layers:
            x = layer(x, shown)
        return x, functional.normalize((x * mask[:, :, None]).sum(1), dim=1)


def cut(teacher: BertModel, kept: NDArray[np.int64], layers: Sequence[int]) -> Student:
    """Return a student of the teacher's layers `layers`, in order, over its pieces `kept`."""
    config = teacher.config
    student = Student(
        len(kept),
        config.hidden_size,
        config.num_attention_heads,
        config.intermediate_size,
        config.layer_norm_eps,
        len(layers),
    )
    embeddings = teacher.embeddings
    with torch.no_grad():
        student.pieces.weight.copy_(embeddings.word_embeddings.weight[torch.from_numpy(kept)])
        places = embeddings.position_embeddings.weight + embeddings.token_type_embeddings.weight[0]
        student.places.copy_(places[:MAX_TOKENS])
        student.norm.load_state_dict(embeddings.LayerNorm.state_dict())
        for own, number in zip(student.layers, layers, strict=True):
            _copy(own, teacher.encoder.layer[number])  # type: ignore[arg-type]
    return student


def _copy(own: Layer, other: BertLayer) -> None:
    """Fill `own` with the weights of the teacher's layer."""
    attention = other.attention
    parts = (attention.self.query, attention.self.key, attention.self.value)
    own.qkv.weight.copy_(torch.cat([part.weight for part in parts]))
    own.qkv.bias.copy_(torch.cat([part.bias for part in parts]))
    own.out.load_state_dict(attention.output.dense.state_dict())
    own.norm1.load_state_dict(attention.output.LayerNorm.state_dict())
    own.up.load_state_dict(other.intermediate.dense.state_dict())
    own.down.load_state_dict(other.output.dense.state_dict())
    own.norm2.load_state_dict(other.output.LayerNorm.state_dict())
