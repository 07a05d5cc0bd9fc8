"""What a chain's figures are shown as: nodes, bottlenecks with their records, one node with what is around it."""

import numpy as np
from numpy.typing import NDArray

from data.errors import NotFoundError
from matcher.chains.answer import Bottleneck, ChainNodeAnswer, LinkedNode
from matcher.chains.reading import ChainNow

RECORDS = 50
LINKED = 12


def node_place(now: ChainNow, node: str) -> int:
    """Return the place of a node by id.

    Raises:
        NotFoundError: the chain has no such node.

    """
    chain = now.figures.chain
    if node not in chain.places:
        raise NotFoundError(f"chain {chain.id!r} has no node {node!r}", chinese=f"产业链“{chain.name}”没有环节“{node}”")
    return chain.places[node]


def node_answer(now: ChainNow, place: int) -> ChainNodeAnswer:
    """Return a node with its figures."""
    chain, weights, figures = now.figures.chain, now.figures.weights, now.figures.figures[place]
    node = chain.nodes[place]
    return ChainNodeAnswer(
        node=node.id,
        name=node.name,
        path=chain.path(place),
        parent=node.parent,
        industry=node.industry,
        own_weight=round(float(weights.own[place]), 4),
        downstream_weight=round(float(weights.downstream[place]), 4),
        relative_weight=round(float(weights.relative[place]), 4),
        demands=figures.demands,
        demands_below=figures.demands_below,
        supplies=figures.supplies,
        owners=figures.owners,
        suppliers=round(figures.suppliers, 2),
        newest=figures.newest,
        causes=tuple(one.value for one in figures.causes),
        shortage=round(figures.shortage, 4),
    )


def bottleneck(now: ChainNow, place: int) -> Bottleneck:
    """Return a node with its demands and supplies, at most `RECORDS` of each."""
    figures = now.figures
    return Bottleneck(
        node=node_answer(now, place),
        demands=tuple(now.record(one) for one in figures.demands[place][:RECORDS]),
        supplies=tuple(now.record(one) for one in figures.supplies[place][:RECORDS]),
    )


def upstream(now: ChainNow, place: int) -> tuple[LinkedNode, ...]:
    """Return what a node depends on, of an inner node its leaves on average, the greatest share first."""
    leaves = _inside(now, place)
    shares = np.asarray(now.figures.weights.shares[leaves].sum(axis=0)).ravel() / now.figures.weights.leaves[place]
    return _linked(now, shares)


def downstream(now: ChainNow, place: int) -> tuple[LinkedNode, ...]:
    """Return the leaves that depend on a node or on one below it, the greatest share of their links first."""
    inside = _inside(now, place)
    shares = np.asarray(now.figures.weights.shares[:, inside].sum(axis=1)).ravel()
    return _linked(now, shares)


def _inside(now: ChainNow, place: int) -> NDArray[np.int64]:
    chain = now.figures.chain
    return np.array([one for one in range(len(chain.nodes)) if place in chain.above(one)], dtype=np.int64)


def _linked(now: ChainNow, shares: NDArray[np.float64]) -> tuple[LinkedNode, ...]:
    nodes = now.figures.chain.nodes
    order = np.lexsort((np.arange(len(shares)), -shares))[:LINKED]
    return tuple(
        LinkedNode(node=nodes[one].id, name=nodes[one].plain_name, share=round(float(shares[one]), 4))
        for one in order.tolist()
        if shares[one] > 0
    )
