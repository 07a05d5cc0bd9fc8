"""What a user would assemble for the same job: an encoder, a flat index, BM25 and a ranker, each as its library gives it."""

from collections.abc import Sequence
from functools import partial

import faiss
import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, Demand
from data.text.segment import words
from eval.bench.report import Latency, latency
from models.encoder.base import DEFAULT_DIRECTORY

NAME = "assembled"
FOUND = 300
"""Achievements that either search finds."""
SCORED, COLUMNS, TREES = 200, 60, 300
"""Of them scored, by so many columns and trees."""


def bench_assembled(
    vectors: NDArray[np.float32], achievements: Sequence[Achievement], demands: Sequence[Demand]
) -> Latency:
    """Return what such a request costs for each of `demands`, CPU time of one thread in ms.

    It encodes the demand by `SentenceTransformer.encode`, finds 300 of `vectors` (n, d) by FAISS' flat search and 300 of
    the achievements' texts by bm25s, and scores 200 by LightGBM's `Booster.predict` with 300 trees of 31 leaves. Segmented
    words and the 60 columns cost it nothing, nor do reasons, history, graph, filters or live writes, which it lacks.
    """
    import bm25s
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    encoder = SentenceTransformer(str(DEFAULT_DIRECTORY), device="cpu")
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(np.ascontiguousarray(vectors, dtype=np.float32))
    texts = bm25s.BM25(backend="numba")
    texts.index([words(f"{one.title}。{one.content}") or ["无"] for one in achievements], show_progress=False)
    known = texts.vocab_dict
    ranker, rows = _ranker()

    def ask(text: str, asked: list[int]) -> None:
        flat.search(encoder.encode([text], show_progress_bar=False), min(FOUND, len(achievements)))
        if asked:
            texts.retrieve([asked], k=min(FOUND, len(achievements)), show_progress=False)
        ranker(rows)

    calls = []
    for demand in demands:
        text = f"{demand.title}。{demand.content}"
        calls.append(partial(ask, text, [known[word] for word in words(text) if word in known]))
    return latency(calls)


def _ranker() -> tuple[partial[object], NDArray[np.float64]]:
    """Return a ranker of trees, learned from noise, which costs what one learned from outcomes does; and rows for it."""
    import lightgbm

    generator = np.random.default_rng(7)
    rows = generator.normal(size=(10 * SCORED, COLUMNS))
    grades = rows[:, 0] + generator.normal(size=len(rows))
    settings = {"num_leaves": 31, "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, grades), num_boost_round=TREES)
    return partial(booster.predict, num_threads=1), rows[:SCORED]
