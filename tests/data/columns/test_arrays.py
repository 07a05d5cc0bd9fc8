"""Sparse rows in files: the same rows, in as few bytes as their numbers need."""

import numpy as np
from scipy.sparse import csr_array

from data.columns.arrays import load_csr, save_csr


def test_rows_are_kept_with_short_indices(tmp_path):
    dense = np.array([[0, 1, 0], [2, 0, 3], [0, 0, 0]], dtype=np.float32)
    long = csr_array(dense)
    long.indices, long.indptr = long.indices.astype(np.int64), long.indptr.astype(np.int64)
    save_csr(tmp_path / "rows", long)
    rows = load_csr(tmp_path / "rows")
    assert rows.indices.dtype == rows.indptr.dtype == np.int32
    np.testing.assert_array_equal(rows.toarray(), dense)
    assert not rows.data.flags.writeable
