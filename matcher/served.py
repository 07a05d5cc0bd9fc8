"""Which versions served, by the journal of promotions: where a rollback leads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matcher.bundle import CURRENT, PREVIOUS, has_ranker, pointed

JOURNAL = "promotions.jsonl"
LOCK = "promotion.lock"  # held by whoever changes what is served
# Actions that return to a version instead of adding one: what served after it was not wanted.
_RETURNS = ("rollback", "reload")


def append(home: Path, line: str) -> None:
    """Add one decision, as a line of JSON, to the journal of a home."""
    path = home / JOURNAL
    written = path.read_bytes() if path.is_file() else b""
    torn = bool(written) and not written.endswith(b"\n")  # somebody died while writing
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + line + "\n")


def served_before(home: Path, current: str) -> list[str]:
    """Return the versions that served before `current`, the latest first, without those that were rolled back from.

    What the journal lacks because a process died between swap and journal is made up for by `current`.
    """
    served: list[str] = []
    for entry in _entries(home):
        version, champion, action = entry["candidate"], entry.get("champion", ""), entry.get("action", "")
        if action == "restore":
            served = []  # the store's history is another one from here on
        elif action in _RETURNS and version in served:
            del served[_last(served, version) :]
        elif champion and (not served or served[-1] != champion):
            served.append(champion)
        if version and (not served or served[-1] != version):
            served.append(version)
    if current in served:
        del served[_last(served, current) :]
    return list(dict.fromkeys(version for version in reversed(served) if version != current))


def rollback_targets(home: Path, bundles: Path) -> list[str]:
    """Return the versions that a rollback may lead to, the latest first, whose bundles still have a ranker."""
    current = pointed(bundles, CURRENT)
    found = served_before(home, current)
    if not any(_entries(home)):  # promoted by a gongxu that kept no journal
        found = [pointed(bundles, PREVIOUS)]
    return [version for version in found if version and version != current and has_ranker(bundles / version)]


def _entries(home: Path) -> Iterator[dict[str, Any]]:
    """Yield the decisions that changed what is served, without lines that cannot be read, such as a torn last one."""
    path = home / JOURNAL
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("promoted") and isinstance(entry.get("candidate"), str):
            yield entry


def _last(items: list[str], item: str) -> int:
    return len(items) - 1 - items[::-1].index(item)
