"""Chains placed on the records of a bundle, once for each bundle and chain; nothing is done before one is asked for."""

from collections.abc import Mapping
from datetime import date
from threading import Lock
from weakref import WeakKeyDictionary

from data.taxonomy.industry_chain import Chain
from matcher.chains.reading import ChainNow, PlacedBundle, chain_now
from matcher.engine import Engine

MOST_KEPT = 8  # chains of one bundle


class ChainHolder:
    """Keeps placements by engine and by the digest of a chain; those of an engine go with it."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Engine, dict[str, PlacedBundle]] = WeakKeyDictionary()
        self._lock = Lock()

    def now(
        self, engine: Engine, digest: str, chain: Chain, today: date, left_out: Mapping[str, frozenset[str]]
    ) -> ChainNow:
        """Return a chain with the records that are open on a day; see `chain_now`."""
        with self._lock:  # of two who ask at once the second finds it done
            kept = self._kept.setdefault(engine, {})
            if digest not in kept:
                if len(kept) >= MOST_KEPT:
                    kept.clear()
                kept[digest] = PlacedBundle.of(chain, engine)
            placed = kept[digest]
        return chain_now(placed, engine.state, today, left_out)
