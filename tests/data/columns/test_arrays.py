"""Sparse rows in files: the same rows, in as few bytes as their numbers need."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse import csr_array

from data.columns.arrays import load_csr, save_csr, stack_rows, take_rows


def test_rows_are_kept_with_short_indices(tmp_path):
    dense = np.array([[0, 1, 0], [2, 0, 3], [0, 0, 0]], dtype=np.float32)
    long = csr_array(dense)
    long.indices, long.indptr = long.indices.astype(np.int64), long.indptr.astype(np.int64)
    save_csr(tmp_path / "rows", long)
    rows = load_csr(tmp_path / "rows")
    assert rows.indices.dtype == rows.indptr.dtype == np.int32
    np.testing.assert_array_equal(rows.toarray(), dense)
    assert not rows.data.flags.writeable


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 30))
def test_rows_are_taken_and_stacked_as_scipy_does(seed, columns, count):
    draw = np.random.default_rng(seed)
    rows = csr_array(sparse.random_array((12, columns), density=0.4, rng=draw, dtype=np.float32, format="csr"))
    chosen = draw.integers(12, size=count)
    taken = take_rows(rows, chosen)
    np.testing.assert_array_equal(taken.toarray(), rows.toarray()[chosen])
    assert taken.indices.dtype == rows.indices.dtype
    parts = [rows, take_rows(rows, chosen[:0]), taken]
    np.testing.assert_array_equal(stack_rows(parts).toarray(), np.vstack([part.toarray() for part in parts]))
