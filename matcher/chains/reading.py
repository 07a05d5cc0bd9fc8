"""A chain as it is at one moment: the records of an engine's state placed on it, those written since the bundle too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from data.taxonomy.industry_chain import Chain
from knowledge_graph.queries.dependence import Dependence, dependence
from matcher.chains.answer import ChainRecord
from matcher.chains.figures import ChainFigures, OnNode, chain_figures
from matcher.chains.placing import Basis, Placed, Placer
from matcher.collection.collection import Collection, Side
from matcher.collection.encoded import EncodedRecords
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.request.state import State

SIDES: dict[Side, str] = {"demands": "demand", "achievements": "achievement"}
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class PlacedBundle:
    """A chain with all records of a bundle placed on it, closed ones too: done once for each bundle."""

    placer: Placer
    weights: Dependence
    placed: Mapping[Side, Placed]

    @classmethod
    def of(cls, chain: Chain, engine: Engine) -> "PlacedBundle":
        """Place the records of an engine's bundle on a chain."""
        placer = Placer(chain, engine.model.record_encoder)
        views: dict[Side, EncodedRecords] = {side: engine.state.collection(side).base for side in SIDES}
        placed = {side: placer.place(view, side, np.ones(len(view), np.bool_)) for side, view in views.items()}
        return cls(placer, dependence(chain), placed)


@dataclass(frozen=True)
class ChainNow:
    """The figures of a chain with the records behind them; `parts` are the views that `OnNode.part` counts."""

    figures: ChainFigures
    placer: Placer
    parts: tuple[tuple[str, EncodedRecords], ...]

    def record(self, one: OnNode) -> ChainRecord:
        """Return a record on a node as it is shown."""
        kind, view = self.parts[one.part]
        card = view.cards.card(one.row, ("id", "title", "owner", "region"))
        return ChainRecord(
            kind=kind,
            id=card["id"],
            title=card["title"],
            owner=card["owner"] or "",
            region=card["region"],
            day=None if np.isnan(one.published) else _EPOCH + timedelta(days=int(one.published)),
            basis=one.basis.name.lower(),
            why=self.placer.why(view.cards, one.row, one.node, one.basis, one.nearness),
        )


def chain_now(bundle: PlacedBundle, state: State, today: date, left_out: Mapping[str, frozenset[str]]) -> ChainNow:
    """Return a chain with the demands and achievements that are open on a day; `left_out` are ids by kind that never count."""
    parts: list[tuple[str, EncodedRecords]] = []
    found: dict[Side, list[OnNode]] = {}
    unplaced: dict[str, int] = {}
    for side, kind in SIDES.items():
        collection = state.collection(side)
        is_open = collection.allowed(open_on(today, left_out.get(kind, frozenset())))
        found[side] = []
        for view, placed, mask in _placed(bundle, collection, side, is_open):
            found[side] += _on_nodes(len(parts), view, placed, mask)
            parts.append((kind, view))
        unplaced[kind] = int(is_open.sum()) - len({one.key for one in found[side]})
    figures = chain_figures(
        bundle.placer.chain, bundle.weights, found["demands"], found["achievements"], today, unplaced
    )
    return ChainNow(figures, bundle.placer, tuple(parts))


def open_on(today: date, left_out: frozenset[str]) -> Filters:
    """Return the filters of records that are open on a day but for some ids."""
    return Filters().model_copy(update={"exclude": tuple(sorted(left_out))}).on(today)


def _placed(
    bundle: PlacedBundle, collection: Collection, side: Side, is_open: NDArray[np.bool_]
) -> list[tuple[EncodedRecords, Placed, NDArray[np.bool_]]]:
    """Return the views of a collection with their placements and the mask of open rows; later records are placed now."""
    n = len(collection.base)
    found = [(collection.base, bundle.placed[side], is_open[:n])]
    if collection.extra is not None and len(collection.extra):
        late = is_open[n:]
        found.append((collection.extra, bundle.placer.place(collection.extra, side, late), late))
    return found


def _on_nodes(part: int, view: EncodedRecords, placed: Placed, mask: NDArray[np.bool_]) -> list[OnNode]:
    kept = np.flatnonzero(mask[placed.rows])
    rows = placed.rows[kept]
    owners = view.cards.owner_names(rows)
    published = view.cards.published[rows].tolist()
    columns = (rows.tolist(), placed.nodes[kept].tolist(), placed.basis[kept].tolist(), placed.nearness[kept].tolist())
    return [
        OnNode(node, part, row, owner, day, Basis(basis), nearness)
        for row, node, basis, nearness, owner, day in zip(*columns, owners, published, strict=True)
    ]
