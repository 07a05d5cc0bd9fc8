"""The index of standing requests: their texts encoded once, so that one new record is matched with all in milliseconds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.kinds.registry import Kinds
from data.records import Achievement, Demand
from data.standing.types import Found
from matcher.collection.collection import Side
from matcher.collection.encoded import EncodedRecords, RecordEncoder
from matcher.collection.rows import ViewRows
from matcher.engine import Engine
from matcher.kinds.index import KindIndex
from matcher.ranking.pair_scores import (
    SLACK,
    Asking,
    has_text,
    requests_within_reach,
    score_of_pair,
    scores,
    within_reach,
)
from matcher.request.state import side_of
from matcher.standing.requests import ACHIEVEMENT, DEMAND, Watched, WatchedRequest, admits, matched_form, offered
from matcher.texts.space import record_text

SIDES: tuple[Side, ...] = ("achievements", "demands")
MOST_FIRST = 200
"""Records that a request is notified of when it is registered, the best: as many as a list may have."""


@dataclass(frozen=True)
class _OneSide:
    """The requests that look for records of one side, row by row: `view` are their texts, `least` (n,) what they ask for."""

    asking: Asking
    requests: tuple[WatchedRequest, ...] = ()
    view: EncodedRecords | None = None
    least: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    rows: Mapping[str, int] = field(default_factory=dict)

    def with_changes(self, added: Sequence[tuple[list[WatchedRequest], EncodedRecords]], gone: set[str]) -> "_OneSide":
        """Return the side after changes; `gone` are the ids whose rows end, those of changed requests among them."""
        kept = np.array([i for i, one in enumerate(self.requests) if one.id not in gone], dtype=np.int64)
        parts = [] if self.view is None or not len(kept) else [self.view.take(kept)]
        requests = (*(self.requests[i] for i in kept.tolist()), *(one for some, _ in added for one in some))
        parts += [view for _, view in added]
        return replace(
            self,
            requests=requests,
            view=EncodedRecords.concat(parts) if parts else None,
            least=np.array([one.least for one in requests], dtype=np.float64),
            rows={one.id: row for row, one in enumerate(requests)},
        )


@dataclass(frozen=True)
class StandingIndex:
    """All standing requests in force, in the text space of one engine; a change makes another index."""

    encoder: RecordEncoder
    kinds: Kinds
    sides: Mapping[Side, _OneSide]

    @classmethod
    def empty(cls, engine: Engine, kinds: Kinds) -> Self:
        """Return the index of no requests."""
        encoder = engine.model.record_encoder.without_graph()
        return cls(encoder, kinds, {side: _OneSide(Asking(side)) for side in SIDES})

    def __len__(self) -> int:
        return len({one.id for side in self.sides.values() for one in side.requests})

    def with_changes(self, engine: Engine, changed: Sequence[WatchedRequest], ended: Iterable[str] = ()) -> Self:
        """Return the index after requests were written or ended; texts that the engine holds are not encoded again."""
        gone = {*ended, *(one.id for one in changed)}
        wanting = [(one, one.wants) for one in changed if one.wants is not None and one.kinds - {DEMAND}]
        offering = [(one, one.offers) for one in changed if one.offers is not None and DEMAND in one.kinds]
        views = {"achievements": self._encoded(engine, wanting), "demands": self._encoded(engine, offering)}
        return replace(self, sides={name: side.with_changes(views[name], gone) for name, side in self.sides.items()})

    def _encoded(
        self, engine: Engine, asking: Sequence[tuple[WatchedRequest, Demand | Achievement]]
    ) -> list[tuple[list[WatchedRequest], EncodedRecords]]:
        """Return requests with their texts in encoded form, without rows in the graph: pairs of texts do without.

        Those of stored records are taken from the engine's collections, the others encoded together.
        """
        found: list[tuple[list[WatchedRequest], EncodedRecords]] = []
        fresh: list[tuple[WatchedRequest, Demand | Achievement]] = []
        for side in SIDES:
            on_side = [one for one in asking if side_of(one[1]) == side]
            held = engine.held(side, list({record.record_id: 0 for _, record in on_side}))
            known: list[tuple[WatchedRequest, int]] = []
            for request, record in on_side:
                row = held.cards.rows.get(record.record_id)
                if row is not None and held.cards.describes(row, record, record_text(record)):
                    known.append((request, row))
                else:
                    fresh.append((request, record))
            if known:
                rows = np.array([row for _, row in known], dtype=np.int64)
                found.append(([request for request, _ in known], held.take(rows)))
        encoder = self.encoder
        wants = [(request, record) for request, record in fresh if isinstance(record, Demand)]
        offers = [(request, record) for request, record in fresh if isinstance(record, Achievement)]
        if wants:
            found.append(([request for request, _ in wants], encoder.demands([record for _, record in wants])))
        if offers:
            found.append(([request for request, _ in offers], encoder.achievements([record for _, record in offers])))
        return [(requests, replace(view, graph=None)) for requests, view in found]

    def encode(self, records: Sequence[Watched]) -> list[tuple[Watched, EncodedRecords, int]]:
        """Return records with their encoded form and row in it, those of each side encoded together."""
        found: list[tuple[Watched, EncodedRecords, int]] = []
        forms = [(record, matched_form(record, self.kinds)) for record in records]
        wanted = [(record, form) for record, form in forms if isinstance(form, Demand)]
        supply = [(record, form) for record, form in forms if isinstance(form, Achievement)]
        if wanted:
            view = self.encoder.demands([form for _, form in wanted])
            found += [(record, view, row) for row, (record, _) in enumerate(wanted)]
        if supply:
            view = self.encoder.achievements([form for _, form in supply])
            found += [(record, view, row) for row, (record, _) in enumerate(supply)]
        return found

    def requests_for(self, record: Watched, view: EncodedRecords, row: int, on: date) -> list[Found]:
        """Return the requests that one record fits on a day, by id: every one whose score with it is high enough."""
        kind = kind_name(record)
        side = self.sides["demands" if kind == DEMAND else "achievements"]
        if side.view is None or not offered(record, self.kinds, on) or not has_text(view, row):
            return []
        near = requests_within_reach(side.view, side.least, view, row)
        near = near[[kind in side.requests[i].kinds for i in near.tolist()]] if len(near) else near
        if not len(near):
            return []
        partners = ViewRows(np.full(len(near), row, dtype=np.int64))
        rough = scores(self.encoder.space, side.asking, side.asking.pairs(side.view, ViewRows(near), view, partners))
        found = []
        for place in near[rough >= side.least[near] - SLACK].tolist():
            request = side.requests[place]
            score = score_of_pair(self.encoder.space, side.asking, side.view, place, view, row)
            if score >= request.least and admits(request, record, self.kinds, on):
                found.append(Found(request.id, kind, record.record_id, score))
        return sorted(found, key=lambda one: one.request_id)

    def near(self, engine: Engine, index: KindIndex, request_id: str) -> list[tuple[float, str, str]]:
        """Return score, kind and id of every record that is near enough to a request, best first; rules are not looked at.

        Raises:
            ClusterError: records are on shards, and one of them did not answer.

        """
        found: list[tuple[float, str, str]] = []
        for name, side in self.sides.items():
            place = side.rows.get(request_id)
            if place is None or side.view is None:
                continue
            request = side.requests[place]
            asked = side.view.apart(np.array([place], dtype=np.int64))
            for kind in sorted(request.kinds):
                if (kind == DEMAND) != (name == "demands"):
                    continue
                if kind in (DEMAND, ACHIEVEMENT):
                    near = engine.within_reach(name, asked, request.least)
                elif (collection := index.collections.get(kind)) is not None:
                    near = within_reach(self.encoder.space, side.asking, asked, 0, request.least, collection)
                else:
                    near = []
                found += [(score, kind, record_id) for score, record_id in near]
        return sorted(found, key=lambda one: (-one[0], one[1], one[2]))

    def admitted(self, request_id: str, kind: str, record: Watched, on: date) -> bool:
        """Tell whether a record that is near enough to a request keeps its rules and may be offered on a day."""
        side = self.sides["demands" if kind == DEMAND else "achievements"]
        request = side.requests[side.rows[request_id]]
        return offered(record, self.kinds, on) and admits(request, record, self.kinds, on)


def kind_name(record: Watched) -> str:
    """Return the name of a record's kind."""
    if isinstance(record, Achievement):
        return ACHIEVEMENT
    return DEMAND if isinstance(record, Demand) else record.kind
