"""Thread counts of the numeric libraries, set once and in one place.

FAISS, OpenBLAS and OpenMP each start as many threads as there are cores; in a server with several workers that
multiplies into a thread storm, in which every request waits for the others. LightGBM takes its count by parameter.
"""

import faiss
from threadpoolctl import threadpool_limits

from data.errors import SettingsError


def limit_threads(count: int) -> None:
    """Let FAISS, BLAS and OpenMP use at most `count` (>= 1) threads each in this process, from now on.

    Raises SettingsError if `count` is below 1.
    """
    if count < 1:
        raise SettingsError(
            f"thread count is {count}, must be at least 1; set GONGXU_THREADS to the cores of one worker"
        )
    threadpool_limits(limits=count)
    faiss.omp_set_num_threads(count)
