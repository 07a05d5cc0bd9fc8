"""Small arrays hold no descriptor open; large ones are shared."""

import gc
from pathlib import Path

import numpy as np
import pytest

from data.columns.arrays import SHARED_FROM, load_mmap


def open_files() -> int:
    gc.collect()  # what other tests left open is closed first
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("length", [0, 1, 1_000])
def test_a_small_array_is_read_and_closed(tmp_path: Path, length: int) -> None:
    np.save(tmp_path / "a.npy", np.arange(length))
    before = open_files()
    held = load_mmap(tmp_path / "a.npy")
    assert open_files() == before
    assert held.tolist() == list(range(length))
    assert not held.flags.writeable


def test_a_large_array_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(SHARED_FROM))
    before = open_files()
    held = load_mmap(tmp_path / "a.npy")
    assert open_files() == before + 1
    assert held[-1] == SHARED_FROM - 1
    with pytest.raises(ValueError, match="read-only"):
        held[0] = 1
