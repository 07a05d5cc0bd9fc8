"""How well parameters are linked: on pairs of names marked by hand, and on the simulator's two wordings of an indicator."""

import csv
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources

from data.simulator.lexicon import Indicator, load_lexicon
from knowledge_graph.quantities.folding import fold
from knowledge_graph.quantities.linking import LINKED, Linker
from knowledge_graph.quantities.units import read_unit


@dataclass(frozen=True, slots=True)
class NamePair:
    """Two names with their units, and whether they mean the same parameter."""

    one: str
    unit: str
    other: str
    other_unit: str
    same: bool

    @property
    def held_out(self) -> bool:
        """Whether the pair was left aside while the rules were made, by a hash of its names."""
        return int(sha256(f"{self.one}|{self.other}".encode()).hexdigest(), 16) % 2 == 1


def hand_made_pairs() -> list[NamePair]:
    """Return the pairs of `lexicon/parameter_pairs.csv`."""
    path = resources.files("knowledge_graph.quantities") / "lexicon" / "parameter_pairs.csv"
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return [NamePair(row["one"], row["unit"], row["other"], row["other_unit"], row["same"] == "1") for row in rows]


def simulator_pairs() -> list[NamePair]:
    """Return the simulator's researcher's name and firm's name of each indicator, and of two indicators of one technology.

    The firms' names are colloquial (压不碎 for 抗压强度): how many of them a careful linker finds is an upper bound on
    what it can know of vague demands, and each wrong one is an error it would make there.
    """
    pairs = []
    for technology in load_lexicon().technologies:
        for i, one in enumerate(technology.indicators):
            for j, other in enumerate(technology.indicators):
                pairs.append(_pair(one, other, same=i == j))
                if i < j:
                    pairs.append(NamePair(one.name, one.unit, other.name, other.unit, same=False))
    return pairs


def _pair(one: Indicator, other: Indicator, *, same: bool) -> NamePair:
    return NamePair(one.name, one.unit, other.alias, other.unit, same)


def _canonical(unit: str) -> str:
    read = read_unit(fold(unit), 0) if unit else None
    return read.canonical if read else unit


def link_quality(pairs: list[NamePair], linker: Linker) -> dict[str, float]:
    """Return precision and recall of `linker` on the pairs: a pair is linked if names and dimensions agree."""
    right = wrong = missed = 0
    for pair in pairs:
        linked = _canonical(pair.unit) == _canonical(pair.other_unit) and linker.names(pair.one, pair.other) >= LINKED
        right += linked and pair.same
        wrong += linked and not pair.same
        missed += pair.same and not linked
    return {
        "pairs": float(len(pairs)),
        "same": float(right + missed),
        "precision": round(right / (right + wrong), 4) if right + wrong else 1.0,
        "recall": round(right / (right + missed), 4) if right + missed else 0.0,
    }
