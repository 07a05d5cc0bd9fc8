"""The student: a table of word states and the teacher's last layers, narrowed, with one linear map at the end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertModel
from transformers.models.bert.modeling_bert import BertLayer

# Words of a text that the student reads; positions beyond are never asked for.
MAX_WORDS = 160


@dataclass(frozen=True)
class StudentSize:
    """Numbers that decide shape and cost: layers taken from the teacher's end, inner units left of each."""

    layers: int = 2
    inner: int = 768


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
        """Return the states after this layer; `x` (texts, words, hidden), `shown` (texts, 1, 1, words) boolean."""
        texts, words, hidden = x.shape
        q, k, v = self.qkv(x).view(texts, words, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=shown)
        x = self.norm1(x + self.out(mixed.transpose(1, 2).reshape(texts, words, hidden)))
        states: Tensor = self.norm2(x + self.down(functional.gelu(self.up(x))))
        return states


class Student(nn.Module):
    """Reads rows of words, row 0 first; returns the words' last states and the texts' vectors of length 1."""

    def __init__(self, rows: int, hidden: int, heads: int, epsilon: float, size: StudentSize) -> None:
        super().__init__()
        self.words = nn.Embedding(rows, hidden, sparse=True)
        self.places = nn.Parameter(torch.zeros(1 + MAX_WORDS, hidden))
        self.norm = nn.LayerNorm(hidden, eps=epsilon)
        self.layers = nn.ModuleList([Layer(hidden, heads, size.inner, epsilon) for _ in range(size.layers)])
        # Reads the means of the words' states before and after every layer, side by side.
        self.head = nn.Linear((1 + size.layers) * hidden, hidden)

    def means(self, rows: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the words' last states and, side by side, the means over each text's words at every depth."""
        x = self.norm(self.words(rows) + self.places[: rows.shape[1]])
        shown = mask[:, None, None, :].bool()
        # Row 0 is there to be attended to, not to be counted.
        weights = mask.to(x.dtype).clone()
        weights[:, 0] = 0
        weights = (weights / weights.sum(1, keepdim=True).clamp(min=1))[:, :, None]
        means = [(x * weights).sum(1)]
        for layer in self.layers:
            x = layer(x, shown)
            means.append((x * weights).sum(1))
        return x, torch.cat(means, dim=1)

    def forward(self, rows: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return states (texts, words, hidden) and vectors (texts, hidden)."""
        states, means = self.means(rows, mask)
        return states, functional.normalize(self.head(means), dim=1)


def initial_student(
    teacher: BertModel,
    table: NDArray[np.float32],
    activations: Sequence[tuple[Tensor, Tensor]],
    size: StudentSize,
) -> Student:
    """Return a student that starts as the teacher's last layers reading words without context.

    Its head passes the last states' mean through.

    `table` (rows, hidden) holds for each word the mean of the states with which it enters the first of these layers.
    `activations[i]` are the mean and the mean square (inner,) of what the i-th layer's inner units give.
    """
    config = teacher.config
    student = Student(len(table), config.hidden_size, config.num_attention_heads, config.layer_norm_eps, size)
    before, *taken = last_layers(teacher, size.layers + 1)
    norm: nn.LayerNorm = before.output.LayerNorm
    with torch.no_grad():
        # The table goes through a norm like the one that these states left.
        student.norm.load_state_dict(norm.state_dict())
        student.words.weight.copy_((torch.from_numpy(table) - norm.bias) / norm.weight)
        for own, other, units in zip(student.layers, taken, activations, strict=True):
            _narrow(own, other, *units)  # type: ignore[arg-type]
        student.head.weight.zero_()
        student.head.bias.zero_()
        student.head.weight[:, -config.hidden_size :] = torch.eye(config.hidden_size)
    return student


def last_layers(teacher: BertModel, count: int) -> list[BertLayer]:
    """Return the teacher's last `count` layers in order."""
    return [layer for layer in teacher.encoder.layer[-count:] if isinstance(layer, BertLayer)]


def _narrow(own: Layer, other: BertLayer, mean: Tensor, square: Tensor) -> None:
    """Fill `own` from the teacher's layer; of its inner units the ones that move its output most are kept.

    What the others give on average goes into the bias.
    """
    attention = other.attention
    parts = (attention.self.query, attention.self.key, attention.self.value)
    own.qkv.weight.copy_(torch.cat([part.weight for part in parts]))
    own.qkv.bias.copy_(torch.cat([part.bias for part in parts]))
    own.out.load_state_dict(attention.output.dense.state_dict())
    own.norm1.load_state_dict(attention.output.LayerNorm.state_dict())
    own.norm2.load_state_dict(other.output.LayerNorm.state_dict())
    up, down = other.intermediate.dense, other.output.dense
    moved = (square - mean.square()) * down.weight.square().sum(0)
    order = torch.argsort(moved, descending=True, stable=True)
    kept, left = order[: own.up.out_features].sort().values, order[own.up.out_features :]
    own.up.weight.copy_(up.weight[kept])
    own.up.bias.copy_(up.bias[kept])
    own.down.weight.copy_(down.weight[:, kept])
    own.down.bias.copy_(down.bias + down.weight[:, left] @ mean[left])
