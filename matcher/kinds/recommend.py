"""One question, several kinds: the subject is read once, each kind's collection is asked, texts alone order it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.kinds.declaration import KindDeclaration, Role
from data.kinds.disclosure import disclosed
from data.kinds.record import KindRecord, Value
from data.records import UNSTORED, Demand
from data.text.segment import content_words
from matcher.collection.collection import Collection
from matcher.collection.filters import OPEN_STATUSES, Filters
from matcher.engine import MAX_TOP, Engine
from matcher.kinds.answer import NO_OUTCOMES, NONE_FOUND, KindAnswer, KindItem, KindRequirement, KindsAnswer
from matcher.kinds.expertise import Expertise, outputs_of
from matcher.kinds.index import KindIndex, as_achievement
from matcher.kinds.requirements import check, implied, serves
from matcher.ranking.prior import MOST_DEVIATIONS, first_day_order
from matcher.request.pipeline import Query, retrieve, select
from matcher.request.state import State
from matcher.request.subject import Subject
from matcher.requirements.checker import pair_requirements
from matcher.requirements.wording import checks
from matcher.texts.space import record_text

MAX_KINDS = 8
MAX_QUOTE = 60  # characters of an output that a reason quotes
SHARED = 4  # words that a reason quotes
FIGURES_CHECKED = 20  # records of a list whose technical data are compared with required figures
MUNICIPALITIES = ("11", "12", "31", "50")
Conditions = Mapping[str, Value]


@dataclass(frozen=True)
class KindsQuery:
    """What is asked of several kinds: how many of each, on which day, within which filters.

    `conditions` are values that attributes must have, for the kinds that declare them as filtered; a number is a bound
    from above, of several labels one is enough. `requirements` are values of any field that should be there: they are
    checked and shown, and what misses some comes later. Both concern the kinds that declare the field.
    """

    wanted: Mapping[str, int]
    on: date
    filters: Filters = dataclass_field(default_factory=lambda: Filters(statuses=()))
    conditions: Conditions = dataclass_field(default_factory=dict)
    requirements: Conditions = dataclass_field(default_factory=dict)


def recommend_kinds(engine: Engine, index: KindIndex, demand: Demand, query: KindsQuery) -> KindsAnswer:
    """Return for each kind asked for its best records (at most so many) that are offered on the day.

    Raises:
        InputError: the demand has no text to match by, a kind is unknown or no supply, a number is not 1-200, or no kind
            asked for has a field that is required.

    """
    wanted = query.wanted
    if not 1 <= len(wanted) <= MAX_KINDS:
        raise InputError(f"{len(wanted)} kinds are asked for; ask for 1 to {MAX_KINDS}")
    for name, top in wanted.items():
        kind = index.kinds.known(name)
        if kind.role is not Role.SUPPLY:
            supply = ", ".join(kind.name for kind in index.kinds.of_role(Role.SUPPLY))
            raise InputError(f"records of kind {name!r} are not recommended; those that are: {supply}")
        if not 1 <= top <= MAX_TOP:
            raise InputError(f"{top} records of kind {name!r} are asked for; it must be 1 to {MAX_TOP}")
    for name in query.requirements:
        if not any(name in index.kinds[kind].by_name for kind in wanted):
            raise InputError(f"none of the kinds asked for has the field {name!r}; see GET /v1/kinds")
    subject = engine.subject(demand)
    answers = [
        _of_achievements(engine, index.kinds[name], demand, top, query)
        if index.kinds[name].own_table
        else _of_kind(engine, index, subject, index.kinds[name], top, query)
        for name, top in wanted.items()
    ]
    known = None if demand.demand_id == UNSTORED else demand.demand_id
    return KindsAnswer(subject_id=known, bundle_version=engine.model.version, kinds=tuple(answers))


def _of_achievements(engine: Engine, kind: KindDeclaration, demand: Demand, top: int, query: KindsQuery) -> KindAnswer:
    """Return the achievements as a request for them alone would, with probabilities and the ranker's reasons."""
    filters = query.filters if query.filters.statuses else query.filters.model_copy(update={"statuses": OPEN_STATUSES})
    found = engine.recommend_achievements(demand, top=top, filters=filters.on(query.on), explain=True)
    items = tuple(
        KindItem(
            rank=match.rank,
            id=match.id,
            title=match.title,
            provider=match.owner,
            region=match.region,
            probability=match.probability,
            score=match.score,
            reasons=tuple(reason.text for reason in match.reasons),
            requirements=tuple(
                KindRequirement(field="indicators", label=one.parameter or "指标", status=one.status, text=one.text)
                for one in match.requirements
            ),
        )
        for match in found.items
    )
    return KindAnswer(kind=kind.name, label=kind.label, message=found.message, answered=found.answered, items=items)


def _of_kind(
    engine: Engine, index: KindIndex, subject: Subject, kind: KindDeclaration, top: int, query: KindsQuery
) -> KindAnswer:
    nothing = KindAnswer(kind=kind.name, label=kind.label, message=NONE_FOUND, answered=False)
    collection, records = index.collections.get(kind.name), index.records[kind.name]
    if collection is None:
        return nothing
    demand = subject.record
    among = _fitting(index, kind, query, demand.enterprise if isinstance(demand, Demand) else "")
    retrieved = retrieve(
        Query(_state_of(engine, collection), subject, "achievements", None, query.filters, top, among=among)
    )
    if not len(retrieved):
        return nothing
    found, places = retrieved.found, retrieved.places
    candidates = [records[found.cards.ids[int(place)]] for place in places]
    wanted = {name: value for name, value in query.requirements.items() if name in kind.by_name}
    if isinstance(demand, Demand):
        wanted = implied(demand, kind, candidates) | wanted
    checked = [check(record, kind, wanted, query.on) for record in candidates] if wanted else [()] * len(candidates)
    prior = first_day_order(retrieved.query.state.model.label_free_table(retrieved.pairs), "achievements")
    known_by, expertise = _expertise(subject, candidates, kind)
    misses = np.array([sum(one.status == "missed" for one in found) for found in checked], dtype=np.float64)
    order = prior + expertise - MOST_DEVIATIONS * (1.0 - np.exp(-misses))
    chosen = select(retrieved, np.argsort(-order, kind="stable"))
    items = []
    for rank, place in enumerate(chosen.tolist(), start=1):
        record = candidates[place]
        shown = disclosed(record, kind)
        figures = _figures(engine, subject, record, kind) if rank <= FIGURES_CHECKED else ()
        items.append(
            KindItem(
                rank=rank,
                id=record.id,
                title=record.title,
                provider=record.provider,
                region=record.region,
                attributes={} if shown is None else shown.attributes,
                score=round(float(prior[place] + expertise[place]), 4),
                reasons=(*_reasons(subject, record, kind), *_known_by(known_by.get(record.id), shown is record)),
                requirements=(*checked[place], *figures),
            )
        )
    return KindAnswer(kind=kind.name, label=kind.label, message=NO_OUTCOMES, items=tuple(items))


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


def _known_by(output: str | None, public: bool) -> tuple[str, ...]:
    return (f"代表成果中最接近的：“{output[:MAX_QUOTE]}”",) if output and public else ()


def _figures(
    engine: Engine, subject: Subject, record: KindRecord, kind: KindDeclaration
) -> tuple[KindRequirement, ...]:
    """Return the figures that the demand requires against those that the record states in its technical data."""
    known, demand = engine.state.quantities, subject.record
    stating = next((field.name for field in kind.fields if field.figures), "")
    if known is None or not stating or not isinstance(demand, Demand):
        return ()
    report = pair_requirements(known, demand, as_achievement(record, kind), subject.row, None)
    return tuple(
        KindRequirement(field=stating, label=one.parameter or "指标", status=one.status, text=one.text)
        for one in checks(report, kind.label)
    )


def _state_of(engine: Engine, collection: Collection) -> State:
    """Return the engine's state with a kind's collection as what is offered; the graph knows only achievements."""
    state = engine.state
    return replace(state, model=replace(state.model, graph=None), achievements=collection)


def _fitting(index: KindIndex, kind: KindDeclaration, query: KindsQuery, enterprise: str) -> NDArray[np.bool_]:
    """Return (n,) mask of the rows whose record is offered on the day, may be shown, serves an enterprise and fits."""
    asked = {name: value for name, value in query.conditions.items() if name in kind.by_name}
    for name in asked:
        if not kind.by_name[name].filtered:
            raise InputError(
                f"{kind.name} cannot be narrowed by {name!r}; by: {', '.join(_filtered(kind)) or 'nothing'}"
            )
    offered = index.offered(kind.name, query.on)
    if not asked and not any(field.against == "enterprise" or field.at_most for field in kind.fields):
        return offered
    mask, collection = offered.copy(), index.collections[kind.name]
    for record_id, record in index.records[kind.name].items():
        row = collection.row(record_id)
        if row is not None and mask[row]:
            fits = all(_has(record, name, value) for name, value in asked.items())
            mask[row] = fits and serves(record, kind, enterprise)
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
    found = []
    if shared:
        quoted = "".join(f"“{word}”" for word in sorted(shared, key=len, reverse=True)[:SHARED])
        found.append(f"{kind.reason or kind.label}与需求都提到{quoted}")
    near = _near(subject.record.region, record.region)
    return (*found, f"与需求方同在一{near}") if near else tuple(found)


def _near(one: str | None, other: str | None) -> str:
    """Return how near two places are: 市 or 省, empty where they are in different provinces or one is not stated."""
    if one is None or other is None or one[:2] != other[:2]:
        return ""
    # A municipality is a province and a city at once; 330000 names no city.
    return "市" if one[:2] in MUNICIPALITIES or (one[:4] == other[:4] and one[2:4] != "00") else "省"
