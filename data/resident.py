"""What this process holds of memory."""

import os
from pathlib import Path


def resident_bytes() -> float:
    """Return the bytes of this process that are in memory now, mapped files included; NaN where Linux does not tell."""
    path = Path("/proc/self/statm")
    if not path.is_file():
        return float("nan")
    return int(path.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
