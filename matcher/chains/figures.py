"""What there is on the nodes of a chain, and where it is short: demands, supplies, how many fresh and independent ones.

The supplies of a node are those on it and below it: what one asks of a whole, any part of it may meet.
A supplier counts by its freshest supply, 0.5 ** (age / HALF_LIFE), so that five old records of one owner are not five
suppliers. With D open demands on a node, E the sum over its suppliers, and r its weight relative to an average leaf
(`knowledge_graph.queries.dependence`), the shortage is

    D · log2(2 + r) / (1 + E).

A node is a bottleneck if it has open demands and a cause: no supply, fewer than `FEW` or than the demands, the newest older
than `OLD` years, or all of one owner. Bottlenecks are listed by shortage.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from math import isnan, log2

from data.quality.ratings import folded
from data.taxonomy.industry_chain import Chain
from knowledge_graph.queries.dependence import Dependence
from matcher.chains.placing import Basis

HALF_LIFE = 5.0
"""Years after which a supply counts half."""
UNDATED = 0.5
"""What a supply without a date counts."""
OLD = 5.0
FEW = 3
_YEAR = 365.25
_EPOCH = date(1970, 1, 1)


class Cause(StrEnum):
    """Why a node with open demands is a bottleneck."""

    NONE = "none"
    FEW = "few"
    OLD = "old"
    SINGLE_OWNER = "single_owner"


CAUSE_NAMES = {Cause.NONE: "没有供给", Cause.FEW: "供给少", Cause.OLD: "供给旧", Cause.SINGLE_OWNER: "仅一家单位"}


@dataclass(frozen=True)
class OnNode:
    """A record on a node: `row` of `part` says where the rest of it is; `published` are days since 1970, NaN if unknown."""

    node: int
    part: int
    row: int
    owner: str
    published: float
    basis: Basis
    nearness: float

    @property
    def key(self) -> tuple[int, int]:
        """What tells records apart, however many nodes they are on."""
        return self.part, self.row


@dataclass(frozen=True)
class NodeFigures:
    """The figures of one node.

    `demands` are on the node itself, `demands_below` and `supplies` on it and on all nodes below, each once. `owners` counts
    those of its supplies by name, a supply without one for itself; `suppliers` is E, `newest` the day of its newest supply.
    """

    demands: int = 0
    demands_below: int = 0
    supplies: int = 0
    owners: int = 0
    suppliers: float = 0.0
    newest: date | None = None
    causes: tuple[Cause, ...] = ()
    shortage: float = 0.0


@dataclass(frozen=True)
class ChainFigures:
    """A chain with what is on it, node by node: figures, demands on the node itself, supplies on it and below, newest first.

    `unplaced` counts by kind the records that are on no node.
    """

    chain: Chain
    weights: Dependence
    figures: tuple[NodeFigures, ...]
    demands: tuple[tuple[OnNode, ...], ...]
    supplies: tuple[tuple[OnNode, ...], ...]
    unplaced: dict[str, int] = field(default_factory=dict)

    @property
    def bottlenecks(self) -> list[int]:
        """Places of the bottlenecks, the greatest shortage first."""
        found = [place for place, one in enumerate(self.figures) if one.causes]
        return sorted(found, key=lambda place: (-self.figures[place].shortage, place))


def chain_figures(
    chain: Chain,
    weights: Dependence,
    demands: Iterable[OnNode],
    supplies: Iterable[OnNode],
    today: date,
    unplaced: dict[str, int] | None = None,
) -> ChainFigures:
    """Return the figures of a chain from its open demands and supplies, each as often as it is on a node."""
    asked, below = _by_node(chain, demands, below=False), _by_node(chain, demands, below=True)
    offered = _by_node(chain, supplies, below=True)
    relative = weights.relative
    found = []
    for place in range(len(chain.nodes)):
        suppliers = by_supplier(offered[place], today)
        newest = max((one.published for one in offered[place] if not isnan(one.published)), default=float("nan"))
        causes = _causes(len(asked[place]), offered[place], suppliers, newest, today)
        strength = sum(suppliers.values())
        found.append(
            NodeFigures(
                len(asked[place]),
                len(below[place]),
                len(offered[place]),
                len(suppliers),
                strength,
                None if isnan(newest) else _EPOCH + timedelta(days=int(newest)),
                causes,
                len(asked[place]) * log2(2.0 + float(relative[place])) / (1.0 + strength),
            )
        )
    return ChainFigures(chain, weights, tuple(found), asked, offered, unplaced or {})


def freshness(published: float, today: date) -> float:
    """Return what a supply of an age counts, in (0, 1]; `published` in days since 1970, NaN if unknown."""
    if isnan(published):
        return UNDATED
    return float(0.5 ** (max(0.0, _age(published, today)) / HALF_LIFE))


def by_supplier(supplies: Sequence[OnNode], today: date) -> dict[str, float]:
    """Return what each supplier counts, by its folded name; a supply without an owner is a supplier of its own."""
    found: dict[str, float] = {}
    for one in supplies:
        name = folded(one.owner) or f"\0{one.key}"
        found[name] = max(found.get(name, 0.0), freshness(one.published, today))
    return found


def _causes(
    demands: int, supplies: Sequence[OnNode], suppliers: dict[str, float], newest: float, today: date
) -> tuple[Cause, ...]:
    if not demands:
        return ()
    if not supplies:
        return (Cause.NONE,)
    found = []
    if len(supplies) < max(FEW, demands):
        found.append(Cause.FEW)
    if not isnan(newest) and _age(newest, today) > OLD:
        found.append(Cause.OLD)
    if len(suppliers) == 1 and supplies[0].owner:
        found.append(Cause.SINGLE_OWNER)
    return tuple(found)


def _age(published: float, today: date) -> float:
    return ((today - _EPOCH).days - published) / _YEAR


def _by_node(chain: Chain, placed: Iterable[OnNode], *, below: bool) -> tuple[tuple[OnNode, ...], ...]:
    """Return the records on each node, the newest first; with `below` those on nodes below it too, each record once."""
    found: list[dict[tuple[int, int], OnNode]] = [{} for _ in chain.nodes]
    for one in sorted(placed, key=lambda one: (isnan(one.published), -one.published, one.key)):
        for place in chain.above(one.node) if below else (one.node,):
            found[place].setdefault(one.key, one)
    return tuple(tuple(records.values()) for records in found)
