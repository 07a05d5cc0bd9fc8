"""Imported by the process that commands are forked from: what libraries put off to their first use is done here, once."""

import numpy as np
import pyarrow as pa

from matcher.texts.kernels import hop

_ints, _floats = np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.float32)
hop(_ints, _floats, np.array([0, 1], dtype=np.int32), _ints, _floats, _floats)  # Numba reads its own library of types
pa.array(["a"])  # pyarrow looks for pandas
