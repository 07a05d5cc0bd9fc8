"""Chains placed on the records of a bundle, once for each bundle and chain; nothing is done before one is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from weakref import ReferenceType, WeakKeyDictionary, ref

from data.taxonomy.industry_chain import Chain
from matcher.chains.reading import ChainNow, PlacedBundle, chain_now
from matcher.engine import Engine
from matcher.request.state import State

MOST_KEPT = 8  # chains of one bundle
LeftOut = Mapping[str, frozenset[str]]


@dataclass
class _Kept:
    """A placed chain, and its figures as they were last asked for."""

    placed: PlacedBundle
    latest: tuple[ReferenceType[State], date, LeftOut, ChainNow] | None = None
    lock: Lock = field(default_factory=Lock)


class ChainHolder:
    """Keeps placements by engine and by the digest of a chain; those of an engine go with it."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Engine, dict[str, _Kept]] = WeakKeyDictionary()
        self._lock = Lock()

    def now(self, engine: Engine, digest: str, chain: Chain, today: date, left_out: LeftOut) -> ChainNow:
        """Return a chain with the records that are open on a day, see `chain_now`; computed again only after a write."""
        with self._lock:  # of two who ask at once the second finds it done
            kept = self._kept.setdefault(engine, {})
            if digest not in kept:
                if len(kept) >= MOST_KEPT:
                    kept.clear()
                kept[digest] = _Kept(PlacedBundle.of(chain, engine))
            own = kept[digest]
        with own.lock:
            state = engine.state
            if own.latest is None or own.latest[0]() is not state or own.latest[1:3] != (today, left_out):
                own.latest = ref(state), today, left_out, chain_now(own.placed, state, today, left_out)
            return own.latest[3]
