"""One question, several kinds: the subject is read once, each kind's collection is asked, texts alone order it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.kinds.declaration import KindDeclaration
from data.kinds.record import KindRecord, Value
from data.records import UNSTORED, Demand
from data.text.segment import content_words
from matcher.collection.collection import Collection
from matcher.collection.filters import Filters
from matcher.engine import MAX_TOP, Engine
from matcher.kinds.answer import NO_OUTCOMES, NONE_FOUND, KindAnswer, KindItem, KindsAnswer
from matcher.kinds.index import KindIndex, as_achievement
from matcher.request.pipeline import Query, Retrieved, retrieve, select
from matcher.request.state import State
from matcher.request.subject import Subject
from matcher.texts.space import record_text

# The sum of standardised similarities that orders a list before anything was learned (docs/decisions/010-served-lists.md).
PRIOR = {
    "vectors_f_for_demand": 2.0,
    "context_f_for_demand": 2.0,
    "grams_f_for_demand": 1.0,
    "align_at_for_demand": 1.0,
}
MAX_KINDS = 8
SHARED = 4  # words that a reason quotes
Conditions = Mapping[str, Value]


def recommend_kinds(
    engine: Engine,
    index: KindIndex,
    demand: Demand,
    wanted: Mapping[str, int],
    on: date,
    filters: Filters | None = None,
    conditions: Conditions | None = None,
) -> KindsAnswer:
    """Return for each kind in `wanted` its best records (at most so many) that are offered on a day.

    `conditions` are values that attributes must have, for the kinds that declare them as filtered; a number is a bound
    from above, of several labels one is enough.

    Raises:
        InputError: the demand has no text to match by, a kind is unknown or no supply, or a number is not 1-200.

    """
    if not 1 <= len(wanted) <= MAX_KINDS:
        raise InputError(f"{len(wanted)} kinds are asked for; ask for 1 to {MAX_KINDS}")
    for name, top in wanted.items():
        if index.kinds.known(name).name not in index.records:
            supply = ", ".join(index.records)
            raise InputError(f"records of kind {name!r} are not recommended; those that are: {supply}")
        if not 1 <= top <= MAX_TOP:
            raise InputError(f"{top} records of kind {name!r} are asked for; it must be 1 to {MAX_TOP}")
    subject = engine.subject(demand)
    answers = [
        _of_kind(engine, index, subject, index.kinds[name], top, on, filters or Filters(), conditions or {})
        for name, top in wanted.items()
    ]
    known = None if demand.demand_id == UNSTORED else demand.demand_id
    return KindsAnswer(subject_id=known, bundle_version=engine.model.version, kinds=tuple(answers))


def _of_kind(
    engine: Engine,
    index: KindIndex,
    subject: Subject,
    kind: KindDeclaration,
    top: int,
    on: date,
    filters: Filters,
    conditions: Conditions,
) -> KindAnswer:
    collection, records = index.collections.get(kind.name), index.records[kind.name]
    if collection is None:
        return KindAnswer(kind=kind.name, label=kind.label, message=NONE_FOUND)
    among = _fitting(collection, records, kind, on, conditions)
    state = _state_of(engine, collection)
    retrieved = retrieve(Query(state, subject, "achievements", None, filters, top, among=among))
    if not len(retrieved):
        return KindAnswer(kind=kind.name, label=kind.label, message=NONE_FOUND)
    prior = prior_of(retrieved)
    chosen = select(retrieved, np.argsort(-prior, kind="stable"))
    found, places = retrieved.found, retrieved.places
    items = []
    for rank, place in enumerate(chosen.tolist(), start=1):
        record = records[found.cards.ids[int(places[place])]]
        items.append(
            KindItem(
                rank=rank,
                id=record.id,
                title=record.title,
                provider=record.provider,
                region=record.region,
                attributes=record.attributes,
                score=round(float(prior[place]), 4),
                reasons=_reasons(subject, record, kind),
            )
        )
    return KindAnswer(kind=kind.name, label=kind.label, message=NO_OUTCOMES, items=tuple(items))


def _state_of(engine: Engine, collection: Collection) -> State:
    """Return the engine's state with a kind's collection as what is offered; the graph knows only achievements."""
    state = engine.state
    return replace(state, model=replace(state.model, graph=None), achievements=collection)


def prior_of(retrieved: Retrieved) -> NDArray[np.float64]:
    """Return (n,) the prior of candidates: how alike the texts are, in deviations over reference records."""
    table = retrieved.query.state.model.label_free_table(retrieved.pairs)
    columns = np.asarray(table.select(tuple(PRIOR)), dtype=np.float64)
    total = sum(PRIOR.values())
    return np.asarray(columns @ np.array(list(PRIOR.values())) / total, dtype=np.float64)


def _fitting(
    collection: Collection, records: Mapping[str, KindRecord], kind: KindDeclaration, on: date, conditions: Conditions
) -> NDArray[np.bool_]:
    """Return (n,) mask of the rows whose record is offered on the day and has the values asked for."""
    asked = {name: value for name, value in conditions.items() if name in kind.by_name}
    for name in asked:
        if not kind.by_name[name].filtered:
            raise InputError(
                f"{kind.name} cannot be narrowed by {name!r}; by: {', '.join(_filtered(kind)) or 'nothing'}"
            )
    mask = np.zeros(len(collection), dtype=np.bool_)
    for record_id, record in records.items():
        row = collection.row(record_id)
        if row is not None and record.offered(on, kind) and all(_has(record, name, v) for name, v in asked.items()):
            mask[row] = True
    return mask


def _filtered(kind: KindDeclaration) -> list[str]:
    return [field.name for field in kind.fields if field.filtered]


def _has(record: KindRecord, name: str, wanted: Value) -> bool:
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


def _reasons(subject: Subject, record: KindRecord, kind: KindDeclaration) -> tuple[str, ...]:
    """Return what both texts say, quoted; nothing where they share no word."""
    offered = set(content_words(record_text(as_achievement(record, kind)).full))
    shared = [word for word in dict.fromkeys(content_words(subject.text.full)) if word in offered and len(word) > 1]
    if not shared:
        return ()
    quoted = "".join(f"“{word}”" for word in sorted(shared, key=len, reverse=True)[:SHARED])
    return (f"{kind.reason or kind.label}与需求都提到{quoted}",)
