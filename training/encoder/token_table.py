"""The matrix of token vectors while it is trained: a shared projection of the teacher's, plus what is a token's own.

A token's vector is `(teacher vector @ projection + delta) * exp(log weight)`. The projection is shared by all tokens,
so words that the training texts never use move with the rest; delta and weight belong to one token and only learn from
texts that hold it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

SIF_PARAMETER = 1e-3
# Exponent on the principal axes' standard deviations: 0 keeps the teacher's geometry, 1 whitens it.
WHITENING = 0.3


@dataclass(frozen=True)
class Start:
    """Where training starts; row 0 is the unknown token and stays zero.

    vectors: (tokens, teacher dimension) centred teacher vectors; projection: (teacher dimension, dimension);
    log_weights: (tokens,).
    """

    vectors: NDArray[np.float32]
    projection: NDArray[np.float32]
    log_weights: NDArray[np.float32]


def distil(teacher_vectors: NDArray[np.float32], counts: NDArray[np.int64], dimension: int) -> Start:
    """Return the start of training: word vectors centred, projected by PCA, and weighted by SIF.

    `teacher_vectors` (tokens - 1, d) belong to the tokens 1, 2, …; `counts` (tokens,) says how often each token occurs
    in the training texts. SIF weight: a / (a + p) (Arora, Liang & Ma, ICLR 2017).
    """
    centred = teacher_vectors - teacher_vectors.mean(axis=0)
    _, deviations, axes = np.linalg.svd(centred, full_matrices=False)
    projection = axes[:dimension].T * deviations[:dimension] ** -WHITENING
    projection /= np.sqrt(((centred @ projection) ** 2).sum(axis=1).mean())
    probabilities = (counts + 0.5) / counts.sum()
    vectors = np.vstack([np.zeros((1, centred.shape[1])), centred])
    return Start(
        vectors.astype(np.float32),
        projection.astype(np.float32),
        np.log(SIF_PARAMETER / (SIF_PARAMETER + probabilities)).astype(np.float32),
    )


class TokenTable(nn.Module):
    """The token vectors as a function of what is learned: projection, log weights, and each token's delta."""

    def __init__(self, start: Start) -> None:
        """Take the start; its vectors are scaled so that one learning rate suits the projection of any teacher."""
        super().__init__()
        scale = float(np.sqrt((start.projection**2).sum(axis=0).mean()))
        self.vectors = nn.Buffer(torch.from_numpy(start.vectors * scale))
        self.projection = nn.Parameter(torch.from_numpy(start.projection / scale))
        self.log_weights = nn.Parameter(torch.tensor(start.log_weights))
        self.delta = nn.Parameter(torch.zeros(len(start.vectors), start.projection.shape[1]))
        known = torch.ones(len(start.vectors))
        known[0] = 0
        self.known = nn.Buffer(known)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the vectors of the tokens `ids`, shape (n, dimension)."""
        weights = torch.exp(self.log_weights[ids]) * self.known[ids]
        vectors: torch.Tensor = (self.vectors[ids] @ self.projection + self.delta[ids]) * weights[:, None]
        return vectors
