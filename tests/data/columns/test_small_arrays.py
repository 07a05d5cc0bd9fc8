"""Small arrays hold no descriptor open; large ones are shared."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

from data.columns.arrays import SHARED_FROM, load_mmap


def open_of(path: Path) -> int:
    """Return how many descriptors of this process are of a file, whatever else its threads open and close."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            found += link.readlink() == path.resolve()
    return found


@pytest.mark.parametrize("length", [0, 1, 1_000])
def test_a_small_array_is_read_and_closed(tmp_path: Path, length: int) -> None:
    np.save(tmp_path / "a.npy", np.arange(length))
    held = load_mmap(tmp_path / "a.npy")
    assert open_of(tmp_path / "a.npy") == 0
    assert held.tolist() == list(range(length))
    assert not held.flags.writeable


def test_a_large_array_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(SHARED_FROM))
    held = load_mmap(tmp_path / "a.npy")
    assert open_of(tmp_path / "a.npy") == 1
    assert held[-1] == SHARED_FROM - 1
    with pytest.raises(ValueError, match="read-only"):
        held[0] = 1
