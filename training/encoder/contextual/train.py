"""Trains the student: states of pieces, texts' vectors and their similarities are to be the teacher's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.encoder.contextual.pieces import Examples
from training.encoder.contextual.student import Student

# Weights of the three losses, each of which is about 1 for a student that gives the mean of everything.
_SIMILARITIES = 0.5
_STATES = 0.5
_WARM_UP = 40
_FLOOR = 0.02
_CLIP = 1.0


@dataclass(frozen=True)
class TrainSettings:
    """Steps, pieces of a batch, the highest learning rate, and the seed of the order of batches."""

    steps: int = 2_000
    pieces: int = 1_536
    peak: float = 6e-4
    seed: int = 7


def train(
    student: Student, examples: Examples, settings: TrainSettings, progress: Callable[[int, dict[str, float]], None]
) -> None:
    """Train `student` in place; `progress(step, losses)` is called after every step."""
    vectors = torch.from_numpy(examples.vectors)
    centre = vectors.mean(0)
    vector_scale = float((vectors - centre).square().sum(1).mean())
    state_scale = float(examples.states[:200_000].astype(np.float32).var(axis=0).sum())
    table = torch.optim.SparseAdam(list(student.pieces.parameters()), lr=settings.peak, betas=(0.9, 0.98))
    others = [parameter for name, parameter in student.named_parameters() if name != "pieces.weight"]
    dense = torch.optim.AdamW(
        [
            {"params": [p for p in others if p.ndim == 2], "weight_decay": 0.01},
            {"params": [p for p in others if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=settings.peak,
        betas=(0.9, 0.98),
    )
    batches = _batches(examples.lengths, settings)
    student.train()
    for step in range(settings.steps):
        rate = settings.peak * _schedule(step, settings.steps)
        for optimiser in (table, dense):
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.zero_grad()
        batch = next(batches)
        rows, mask = batch_rows(examples, batch)
        states, got = student(rows, mask)
        losses = {
            "vectors": (got - vectors[batch]).square().sum(1).mean() / vector_scale,
            "similarities": _similarity_loss(got - centre, vectors[batch] - centre),
            "states": _state_loss(states, examples, batch) / state_scale,
        }
        loss = losses["vectors"] + _SIMILARITIES * losses["similarities"] + _STATES * losses["states"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, _CLIP)
        table.step()  # type: ignore[no-untyped-call]
        dense.step()
        progress(step + 1, {name: float(value.detach()) for name, value in losses.items()})
    student.eval()


def _alike(lengths: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Return the texts in batches of `size`, those of like length together."""
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def encode(student: Student, examples: Examples) -> NDArray[np.float32]:
    """Return the student's vectors of the examples' texts."""
    vectors = np.zeros_like(examples.vectors)
    with torch.inference_mode():
        for batch in _alike(examples.lengths, 32):
            vectors[batch] = student(*batch_rows(examples, batch))[1].numpy()
    return vectors


def batch_rows(examples: Examples, batch: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Return rows and mask of the texts `batch`, both (texts, longest) int64."""
    lengths = examples.lengths[batch]
    rows = np.zeros((len(batch), int(lengths.max())), dtype=np.int64)
    shown = np.arange(rows.shape[1]) < lengths[:, None]
    rows[shown] = examples.rows[_flat(examples, batch)]
    return torch.from_numpy(rows), torch.from_numpy(shown.astype(np.int64))


def _flat(examples: Examples, batch: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.arange(examples.bounds[i], examples.bounds[i + 1]) for i in batch])


def _state_loss(states: Tensor, examples: Examples, batch: NDArray[np.int64]) -> Tensor:
    flat = _flat(examples, batch)
    lengths = torch.from_numpy(examples.lengths[batch])
    shown = torch.arange(states.shape[1]) < lengths[:, None]
    aligned = torch.from_numpy(examples.aligned[flat])
    wanted = torch.from_numpy(examples.states[flat].astype(np.float32))
    if not aligned.any():
        return states.sum() * 0
    return (states[shown] - wanted)[aligned].square().sum(1).mean()


def _similarity_loss(got: Tensor, wanted: Tensor) -> Tensor:
    """Return the squared error of all pairs' centred cosines, by the wanted ones' variance."""
    got, wanted = functional.normalize(got, dim=1), functional.normalize(wanted, dim=1)
    others = ~torch.eye(len(got), dtype=torch.bool)
    goal = (wanted @ wanted.T)[others]
    return ((got @ got.T)[others] - goal).square().mean() / goal.var()


def _schedule(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / _WARM_UP) * max(_FLOOR, 0.5 * (1 + float(np.cos(np.pi * step / steps))))


def _batches(lengths: NDArray[np.int64], settings: TrainSettings) -> Iterator[NDArray[np.int64]]:
    """Give batches of about `settings.pieces` pieces without end; texts of like length come together, in random order."""
    rng = np.random.default_rng([settings.seed, 2])
    while True:
        order = np.argsort(lengths + 4 * rng.random(len(lengths)))
        ends = np.flatnonzero(np.diff(np.cumsum(lengths[order]) // settings.pieces, prepend=0))
        made = [batch for batch in np.split(order, ends) if len(batch) > 2]
        for i in rng.permutation(len(made)):
            yield made[i]
