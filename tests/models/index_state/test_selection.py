"""The k best of many scores, and the thread limit that searches rely on."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from data.errors import SettingsError
from models.index_state.selection import fill, k_best
from models.threads import limit_threads


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 3_000),
    k=st.integers(1, 200),
    distinct=st.integers(1, 400),
    seed=st.integers(0, 1_000),
    barred=st.floats(0, 1),
)
def test_k_best_is_a_stable_sort_cut_at_k(count, k, distinct, seed, barred):
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, distinct, size=count).astype(np.float32)
    scores[generator.random(count) < barred] = -np.inf
    np.testing.assert_array_equal(k_best(scores, k), np.argsort(-scores, kind="stable")[:k])


def test_fill_marks_what_is_missing():
    positions, scores = fill(np.array([4, 2]), np.array([0.5, 0.25], dtype=np.float32), 4)
    assert positions.tolist() == [4, 2, -1, -1]
    assert scores.tolist() == [0.5, 0.25, -np.inf, -np.inf]
    assert (positions.dtype, scores.dtype) == (np.int64, np.float32)


def test_thread_counts_are_set_for_faiss_and_blas():
    before = faiss.omp_get_max_threads()
    try:
        limit_threads(1)
        assert faiss.omp_get_max_threads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    finally:
        limit_threads(before)
    with pytest.raises(SettingsError, match="thread count is 0"):
        limit_threads(0)
