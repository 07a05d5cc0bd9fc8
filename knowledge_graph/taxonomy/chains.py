"""Industry chains: which stage of which chain a record is in, and how two records' stages relate."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from knowledge_graph.taxonomy.tables import read_json

STAGES = ("upstream", "midstream", "downstream", "supporting")
STAGE_NAMES = {"upstream": "上游", "midstream": "中游", "downstream": "下游", "supporting": "配套"}
PER_RECORD = 3
"""Stages of a record that count, the strongest."""


@dataclass(frozen=True)
class Chain:
    """One industry's chain: `stages` holds the terms of each of `STAGES`."""

    key: str
    name: str
    industries: tuple[str, ...]
    field: str
    stages: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chains:
    """All chains. Stage number = 4 x chain + place in `STAGES`."""

    chains: tuple[Chain, ...]

    def stage_name(self, stage: int) -> str:
        """Return a stage in words, such as 食品加工·中游."""
        return f"{self.chains[stage // 4].name}·{STAGE_NAMES[STAGES[stage % 4]]}"

    def members(self) -> dict[str, list[int]]:
        """Return the stages of each term."""
        result: dict[str, list[int]] = {}
        for number, chain in enumerate(self.chains):
            for place, terms in enumerate(chain.stages):
                for term in terms:
                    result.setdefault(term.lower(), []).append(4 * number + place)
        return result


@lru_cache(maxsize=1)
def load_chains() -> Chains:
    """Return the shipped chains."""
    return Chains(
        tuple(
            Chain(
                entry["key"],
                entry["name"],
                tuple(entry["industries"]),
                entry["field"],
                tuple(tuple(entry[stage]) for stage in STAGES),
            )
            for entry in read_json("chains.json")
        )
    )


def strongest(weights: Mapping[int, float]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Return the `PER_RECORD` strongest stages (padded with -1) and their shares of the whole."""
    stages = np.full(PER_RECORD, -1, dtype=np.int16)
    shares = np.zeros(PER_RECORD, dtype=np.float32)
    total = sum(weights.values())
    best = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:PER_RECORD]
    for place, (stage, weight) in enumerate(best):
        stages[place], shares[place] = stage, weight / total
    return stages, shares


def chain_relation(
    stages: NDArray[np.int16], shares: NDArray[np.float32], others: NDArray[np.int16], other_shares: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (affinity, step), each (n,) float32, of one record's stages (P,) with those of others (n, P).

    Affinity in [0, 1] is the common weight of the chains, half of it where the stages differ; NaN where either side is
    in no chain. Step is how many stages the other is downstream of the one in their strongest common chain (-2 ..
    2; a supporting stage is beside the midstream); NaN where they share none.
    """
    return relate_stages(stages, shares, others, other_shares)


@numba.njit(nogil=True, cache=True)
def relate_stages(
    stages: NDArray[np.int16], shares: NDArray[np.float32], others: NDArray[np.int16], other_shares: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compute `chain_relation`."""
    affinity = np.full(len(others), np.nan, dtype=np.float32)
    step = np.full(len(others), np.nan, dtype=np.float32)
    for i in range(len(others)):
        if stages[0] < 0 or others[i, 0] < 0:
            continue
        total, strongest_common = 0.0, 0.0
        for a in range(len(stages)):
            for b in range(others.shape[1]):
                if stages[a] < 0 or others[i, b] < 0 or stages[a] // 4 != others[i, b] // 4:
                    continue
                common = min(shares[a], other_shares[i, b])
                total += common if stages[a] == others[i, b] else 0.5 * common
                if common > strongest_common:
                    strongest_common = common
                    # the supporting stage is parallel to the midstream
                    one, other = stages[a] % 4, others[i, b] % 4
                    step[i] = (1 if other == 3 else other) - (1 if one == 3 else one)
        affinity[i] = total
    return affinity, step
