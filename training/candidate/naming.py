"""Names of runs that say what changed since the version before."""

from collections.abc import Mapping

MAX_CHANGES = 3


def run_name(
    version: str, parameters: Mapping[str, str], pairs: int, before: Mapping[str, str], pairs_before: int
) -> str:
    """Return a training's name: its version, the parameters that differ from the version before, and the pairs gained.

    `before` is empty where there was none.
    """
    if not before:
        return f"train {version}: first, {pairs:,} pairs"
    changed = [
        f"{name} {before[name]}→{value}" for name, value in parameters.items() if before.get(name, value) != value
    ]
    shown = [*changed[:MAX_CHANGES], *([f"{len(changed) - MAX_CHANGES} more"] if len(changed) > MAX_CHANGES else [])]
    gained = pairs - pairs_before
    if gained or not shown:
        shown.append(f"{gained:+,} pairs" if gained else "same data and parameters")
    return f"train {version}: {', '.join(shown)}"
