"""Candidates of one kind for a subject: filtered, checked, with the features that order them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.kinds.declaration import KindDeclaration
from data.kinds.record import KindRecord, Value
from data.records import Demand
from matcher.collection.collection import Collection
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.kinds.answer import KindRequirement
from matcher.kinds.expertise import Expertise, outputs_of
from matcher.kinds.index import KindIndex
from matcher.kinds.requirements import check, implied
from matcher.kinds.rules import folded_firm, same_firm
from matcher.ranking.prior import MOST_DEVIATIONS, first_day_order
from matcher.request.pipeline import Query, Retrieved, retrieve
from matcher.request.state import State
from matcher.request.subject import Subject

MUNICIPALITIES = ("11", "12", "31", "50")
Conditions = Mapping[str, Value]


@dataclass(frozen=True)
class KindsQuery:
    """What is asked of several kinds: how many of each, on which day, within which filters.

    `conditions` are values that attributes must have, for the kinds that declare them as filtered; a number is a bound
    from above, of several labels one is enough. `requirements` are values of any field that should be there: they are
    checked and shown, and what misses some comes later. Both concern the kinds that declare the field. `withheld` are ids by
    kind that are not offered now.
    """

    wanted: Mapping[str, int]
    on: date
    filters: Filters = dataclass_field(default_factory=lambda: Filters(statuses=()))
    conditions: Conditions = dataclass_field(default_factory=dict)
    requirements: Conditions = dataclass_field(default_factory=dict)
    withheld: Mapping[str, frozenset[str]] = dataclass_field(default_factory=dict)

    def filters_of(self, kind: str) -> Filters:
        """Return the filters as they hold for a kind: those of its records that are withheld are left out."""
        ids = self.withheld.get(kind)
        return self.filters.model_copy(update={"exclude": (*self.filters.exclude, *ids)}) if ids else self.filters


@dataclass(frozen=True)
class KindCandidates:
    """The n candidates of a kind, in the order of retrieval.

    `features` (n, 4) float64 are `FEATURES`: prior and expertise in deviations, places as 0 or 1. `penalty` (n,) is taken
    off for what a record misses. `checked` are the requirements of each, `known_by` its nearest output by id.
    """

    retrieved: Retrieved
    records: Sequence[KindRecord]
    features: NDArray[np.float64]
    penalty: NDArray[np.float64]
    checked: Sequence[tuple[KindRequirement, ...]]
    known_by: Mapping[str, str]

    @property
    def untaught(self) -> NDArray[np.float64]:
        """(n,) prior and expertise together: the order as long as no outcome teaches another."""
        return np.asarray(self.features[:, 0] + self.features[:, 1], dtype=np.float64)


def kind_candidates(
    engine: Engine, index: KindIndex, subject: Subject, kind: KindDeclaration, top: int, query: KindsQuery
) -> KindCandidates | None:
    """Return the candidates of a kind for a list of `top`; None where no record may be offered."""
    collection, records = index.collections.get(kind.name), index.records[kind.name]
    if collection is None:
        return None
    demand = subject.record
    among = _fitting(index, kind, query, demand.enterprise if isinstance(demand, Demand) else "")
    retrieved = retrieve(
        Query(
            _state_of(engine, collection), subject, "achievements", None, query.filters_of(kind.name), top, among=among
        )
    )
    if not len(retrieved):
        return None
    found, places = retrieved.found, retrieved.places
    candidates = [records[found.cards.ids[int(place)]] for place in places]
    wanted = {name: value for name, value in query.requirements.items() if name in kind.by_name}
    if isinstance(demand, Demand):
        wanted = implied(demand, kind, candidates) | wanted
    checked = [check(record, kind, wanted, query.on) for record in candidates] if wanted else [()] * len(candidates)
    prior = first_day_order(retrieved.query.state.model.label_free_table(retrieved.pairs), "achievements")
    known_by, expertise = _expertise(subject, candidates, kind)
    near = [nearness(demand.region, record.region) for record in candidates]
    features = np.column_stack([prior, expertise, [one == "市" for one in near], [one == "省" for one in near]]).astype(
        np.float64
    )
    misses = np.array([sum(one.status == "missed" for one in found) for found in checked], dtype=np.float64)
    penalty = MOST_DEVIATIONS * (1.0 - np.exp(-misses))
    return KindCandidates(retrieved, candidates, features, penalty, checked, known_by)


def _expertise(
    subject: Subject, candidates: Sequence[KindRecord], kind: KindDeclaration
) -> tuple[dict[str, str], NDArray[np.float64]]:
    """Return the nearest output of each candidate by id, and (n,) its expertise in deviations over the candidates.

    Of a kind whose records list no outputs, and of a record without any, nothing is known: 0.
    """
    listing = next((field.name for field in kind.fields if field.outputs), None)
    outputs = {
        record.id: made
        for record in candidates
        if listing is not None and (made := outputs_of(str(record.attributes.get(listing, ""))))
    }
    found = np.zeros(len(candidates))
    if not outputs:
        return {}, found
    expertise = Expertise.fit(outputs)
    scores = expertise.scores(subject.text.full)
    values = np.array(list(scores.values()))
    spread = float(values.std()) or 1.0
    for place, record in enumerate(candidates):
        if record.id in scores:
            found[place] = (scores[record.id] - float(values.mean())) / spread
    return {one: outputs[one][number] for one, number in expertise.nearest(subject.text.full).items()}, found


def _state_of(engine: Engine, collection: Collection) -> State:
    """Return a state of the engine's model with a kind's collection as what is offered; the graph knows only achievements."""
    return replace(State.of(replace(engine.model, graph=None)), achievements=collection)


def _fitting(index: KindIndex, kind: KindDeclaration, query: KindsQuery, enterprise: str) -> NDArray[np.bool_]:
    """Return (n,) mask of the rows whose record is offered on the day, may be shown, serves an enterprise and fits."""
    asked = {name: value for name, value in query.conditions.items() if name in kind.by_name}
    for name in asked:
        if not kind.by_name[name].filtered:
            raise InputError(
                f"{kind.name} cannot be narrowed by {name!r}; by: {', '.join(_filtered(kind)) or 'nothing'}"
            )
    mask, collection = index.offered(kind.name, query.on), index.collections[kind.name]
    if asked:
        mask = mask.copy()
        for record_id, record in index.records[kind.name].items():
            row = collection.row(record_id)
            if row is not None and mask[row]:
                mask[row] = all(has_value(record, name, value) for name, value in asked.items())
    if firm := folded_firm(enterprise):
        barred = [rows for name, rows in index.barred(kind.name).items() if same_firm(firm, name)]
        if barred:
            mask = mask.copy()
            mask[np.concatenate(barred)] = False
    return mask


def _filtered(kind: KindDeclaration) -> list[str]:
    return [field.name for field in kind.fields if field.filtered]


def has_value(record: KindRecord, name: str, wanted: Value) -> bool:
    """Tell whether a record states a value that fits; one that does not state it is left out: a filter is a promise."""
    value = record.attributes.get(name)
    if value is None:
        return False
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return value <= wanted
    have = set(value) if isinstance(value, tuple) else {value}
    return bool(have & (set(wanted) if isinstance(wanted, tuple) else {wanted}))


def nearness(one: str | None, other: str | None) -> str:
    """Return how near two places are: 市 or 省, empty where they are in different provinces or one is not stated."""
    if one is None or other is None or one[:2] != other[:2]:
        return ""
    # A municipality is a province and a city at once; 330000 names no city.
    return "市" if one[:2] in MUNICIPALITIES or (one[:4] == other[:4] and one[2:4] != "00") else "省"
