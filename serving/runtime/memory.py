"""What this process holds of memory, and what the C library does with what was freed."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's mallopt
_ARENAS = 2


def few_arenas() -> None:
    """Have all threads allocate from two places: by itself glibc makes one for each, and none gives much back."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").mallopt(_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Return to the system what loading and the bundle that was replaced have left free; glibc keeps it otherwise."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def resident_bytes() -> int:
    """Return the bytes of this process that are in memory now, mapped files included; 0 where the system does not say."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
